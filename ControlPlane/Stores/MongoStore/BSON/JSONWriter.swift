extension BSONDocument {
    /// The record's body as JSON again; nil when somebody put in what is not JSON, such as a date.
    var json: [UInt8]? {
        var bytes: [UInt8] = []
        return bytes.appendJSON(.document(self)) ? bytes : nil
    }
}

extension [UInt8] {
    fileprivate mutating func appendJSON(_ value: BSONValue) -> Bool {
        switch value {
        case .null: append(contentsOf: "null".utf8)
        case .bool(let value): append(contentsOf: (value ? "true" : "false").utf8)
        case .int32(let value): append(contentsOf: String(value).utf8)
        case .int64(let value): append(contentsOf: String(value).utf8)
        case .double(let value):
            guard value.isFinite else { return false }
            append(contentsOf: value.description.utf8)
        case .string(let value): appendJSON(value)
        case .array(let values):
            append(UInt8(ascii: "["))
            for (index, value) in values.enumerated() {
                if index > 0 { append(UInt8(ascii: ",")) }
                guard appendJSON(value) else { return false }
            }
            append(UInt8(ascii: "]"))
        case .document(let document):
            return appendJSON(document)
        case .binary, .objectID, .dateTime, .timestamp:
            return false
        }
        return true
    }

    private mutating func appendJSON(_ document: BSONDocument) -> Bool {
        if let number = BodyEscape.number(in: document) {
            append(contentsOf: number.utf8)
            return true
        }
        append(UInt8(ascii: "{"))
        for (index, field) in document.fields.enumerated() {
            if index > 0 { append(UInt8(ascii: ",")) }
            appendJSON(BodyEscape.unescape(key: field.key))
            append(UInt8(ascii: ":"))
            guard appendJSON(field.value) else { return false }
        }
        append(UInt8(ascii: "}"))
        return true
    }

    private mutating func appendJSON(_ text: String) {
        append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                append(UInt8(ascii: "\\"))
                append(byte)
            case 0..<0x20:
                let digits = String(byte, radix: 16)
                append(contentsOf: "\\u\(String(repeating: "0", count: 4 - digits.count))\(digits)".utf8)
            default: append(byte)
            }
        }
        append(UInt8(ascii: "\""))
    }
}
