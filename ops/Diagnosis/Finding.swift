/// One thing the doctor looked at.
package struct Finding: Encodable, Hashable, Sendable {
    package enum Severity: String, Encodable, Sendable {
        case well
        /// Works, but an operator should know.
        case odd
        case wrong
    }

    package var severity: Severity
    package var subject: String
    package var message: String
    /// What to do about it.
    package var advice: String?

    package static func well(_ subject: String, _ message: String) -> Self {
        Self(severity: .well, subject: subject, message: message)
    }

    package static func odd(_ subject: String, _ message: String, advice: String) -> Self {
        Self(severity: .odd, subject: subject, message: message, advice: advice)
    }

    package static func wrong(_ subject: String, _ message: String, advice: String) -> Self {
        Self(severity: .wrong, subject: subject, message: message, advice: advice)
    }

    package var words: String {
        let mark =
            switch severity {
            case .well: "ok   "
            case .odd: "look "
            case .wrong: "WRONG"
            }
        return "\(mark)  \(subject): \(message)" + (advice.map { "\n       → \($0)" } ?? "")
    }
}
