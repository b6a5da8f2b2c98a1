/// One thing the doctor looked at.
struct Finding: Encodable, Sendable {
    enum Severity: String, Encodable, Sendable {
        case well
        /// Works, but an operator should know.
        case odd
        case wrong
    }

    var severity: Severity
    var subject: String
    var message: String
    /// What to do about it.
    var advice: String?

    static func well(_ subject: String, _ message: String) -> Self {
        Self(severity: .well, subject: subject, message: message)
    }

    static func odd(_ subject: String, _ message: String, advice: String) -> Self {
        Self(severity: .odd, subject: subject, message: message, advice: advice)
    }

    static func wrong(_ subject: String, _ message: String, advice: String) -> Self {
        Self(severity: .wrong, subject: subject, message: message, advice: advice)
    }

    var words: String {
        let mark =
            switch severity {
            case .well: "ok   "
            case .odd: "look "
            case .wrong: "WRONG"
            }
        return "\(mark)  \(subject): \(message)" + (advice.map { "\n       → \($0)" } ?? "")
    }
}
