import Logging

package enum LogFormat: String, CaseIterable, Sendable {
    /// `time=… level=… msg="…" key=value`
    case text
    /// One JSON object a line.
    case json
}

/// One line of log, in either format.
struct LogLine {
    private var text: String
    private let format: LogFormat

    init(time: String, level: Logger.Level, label: String, message: String, format: LogFormat) {
        self.format = format
        text = ""
        add("time", time)
        add("level", level.rawValue)
        add("logger", label)
        add("msg", message)
    }

    mutating func add(_ key: String, _ value: String) {
        switch format {
        case .text:
            if !text.isEmpty { text += " " }
            text += key + "=" + (Self.needsQuotes(value) ? Self.quoted(value) : value)
        case .json:
            text += (text.isEmpty ? "{" : ",") + Self.quoted(key) + ":" + Self.quoted(value)
        }
    }

    var finished: String { text + (format == .json ? "}\n" : "\n") }

    private static func needsQuotes(_ value: String) -> Bool {
        value.isEmpty || value.utf8.contains { $0 <= 0x20 || $0 == 0x22 || $0 == 0x3D || $0 == 0x5C || $0 == 0x7F }
    }

    /// A JSON string (RFC 8259 §7); what a peer sends can neither end a line nor colour a terminal.
    private static func quoted(_ value: String) -> String {
        var result = "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value):
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
