/// How a body's keys and numbers are spelt where MongoDB does not take them as they are.
///
/// - In keys `.` and `$` mean something to the server, NUL cannot be written and an empty key is refused by drivers: these
///   become `%2E`, `%24`, `%00`, and `%` for the empty key; `%` itself becomes `%25`.
/// - A whole number beyond 64 bits signed, or one beyond a double, becomes `{"%n": "its digits"}`: no key of a body can be
///   spelt `%n` otherwise.
enum BodyEscape {
    static func escape(key: String) -> String {
        if key.isEmpty { return "%" }
        guard key.utf8.contains(where: { [0x00, 0x24, 0x25, 0x2E].contains($0) }) else { return key }
        var escaped = ""
        for scalar in key.unicodeScalars {
            switch scalar {
            case "\0": escaped += "%00"
            case "$": escaped += "%24"
            case "%": escaped += "%25"
            case ".": escaped += "%2E"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    static func unescape(key: String) -> String {
        if key == "%" { return "" }
        guard key.utf8.contains(UInt8(ascii: "%")) else { return key }
        return key.replacing("%00", with: "\0").replacing("%24", with: "$").replacing("%2E", with: ".")
            .replacing("%25", with: "%")
    }

    static func escape(number: String) -> BSONValue { ["%n": .string(number)] }

    static func number(in document: BSONDocument) -> String? {
        document.fields.count == 1 ? document["%n"]?.string : nil
    }
}
