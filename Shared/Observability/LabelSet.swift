/// The labels of one value, ready to be written.
struct LabelSet: Hashable, Sendable {
    private let pairs: [String]

    init(_ dimensions: [(String, String)]) {
        pairs = dimensions.sorted { $0.0 < $1.0 }.map { "\(Self.name($0.0))=\"\(Self.escaped($0.1))\"" }
    }

    /// The same labels, each with the value `other`.
    static func other(_ dimensions: [(String, String)]) -> Self { Self(dimensions.map { ($0.0, "other") }) }

    var text: String { pairs.isEmpty ? "" : "{\(pairs.joined(separator: ","))}" }

    func with(_ name: String, _ value: String) -> String {
        "{\((pairs + ["\(name)=\"\(value)\""]).joined(separator: ","))}"
    }

    static func name(_ text: String) -> String {
        let kept = String(text.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
        return kept.first?.isNumber ?? true ? "_" + kept : kept
    }

    static func escaped(_ text: String) -> String {
        var result = ""
        for character in text {
            switch character {
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            case "\n", "\r\n": result += "\\n"
            default: result.append(character)
            }
        }
        return result
    }
}
