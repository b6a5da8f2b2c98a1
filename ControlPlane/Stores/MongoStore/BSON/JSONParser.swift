/// Reads JSON (RFC 8259) into BSON so that it can be written out again with the same meaning: whole numbers stay whole,
/// keys keep their order, and what BSON or the server does not take is escaped (see `BodyEscape`).
struct JSONParser {
    struct Malformed: Error, Equatable {
        var reason: String
    }

    /// The server takes 100 levels, of which the record itself is one.
    static let depthMax = 90

    private let bytes: [UInt8]
    private var position = 0

    /// The object that `body` holds.
    static func object(_ body: [UInt8]) throws(Malformed) -> BSONDocument {
        var parser = JSONParser(bytes: body)
        let value = try parser.value(depth: 0)
        parser.skipBlanks()
        guard parser.position == body.count else { throw parser.malformed("more than one value") }
        guard body.first(where: { !Self.isBlank($0) }) == UInt8(ascii: "{"), let document = value.document else {
            throw Malformed(reason: "it is not an object")
        }
        return document
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private mutating func value(depth: Int) throws(Malformed) -> BSONValue {
        guard depth < Self.depthMax else { throw malformed("nested deeper than \(Self.depthMax)") }
        skipBlanks()
        switch peek {
        case UInt8(ascii: "{"): return .document(try members(depth: depth))
        case UInt8(ascii: "["): return .array(try elements(depth: depth))
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number()
        }
    }

    private mutating func members(depth: Int) throws(Malformed) -> BSONDocument {
        var document = BSONDocument()
        position += 1
        skipBlanks()
        if take("}") { return document }
        repeat {
            skipBlanks()
            let key = BodyEscape.escape(key: try string())
            skipBlanks()
            guard take(":") else { throw malformed("a colon is missing") }
            guard document[key] == nil else { throw malformed("the key \(key) stands twice") }
            document.fields.append(BSONDocument.Field(key: key, value: try value(depth: depth + 1)))
            skipBlanks()
        } while take(",")
        guard take("}") else { throw malformed("an object does not end") }
        return document
    }

    private mutating func elements(depth: Int) throws(Malformed) -> [BSONValue] {
        var values: [BSONValue] = []
        position += 1
        skipBlanks()
        if take("]") { return values }
        repeat {
            values.append(try value(depth: depth + 1))
            skipBlanks()
        } while take(",")
        guard take("]") else { throw malformed("an array does not end") }
        return values
    }

    private mutating func number() throws(Malformed) -> BSONValue {
        let start = position
        while let byte = peek, Self.isOfNumber(byte) { position += 1 }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        guard Self.isNumber(text) else { throw malformed("a value is missing") }
        // -0 is a double: whole numbers have no negative zero.
        if text != "-0", !text.contains(where: { ".eE".contains($0) }) {
            return Int64(text).map(BSONValue.int64) ?? BodyEscape.escape(number: text)
        }
        guard let double = Double(text), double.isFinite else { return BodyEscape.escape(number: text) }
        return .double(double)
    }

    private mutating func string() throws(Malformed) -> String {
        guard take("\"") else { throw malformed("a string is missing") }
        var text: [UInt8] = []
        while let byte = peek {
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let string = String(validating: text, as: UTF8.self) else {
                    throw malformed("text that is not UTF-8")
                }
                return string
            case UInt8(ascii: "\\"): text.append(contentsOf: try escaped().utf8)
            case 0..<0x20: throw malformed("a control character in a string")
            default: text.append(byte)
            }
        }
        throw malformed("a string does not end")
    }

    private mutating func escaped() throws(Malformed) -> String {
        guard let byte = peek else { throw malformed("a string does not end") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return String(UnicodeScalar(byte))
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"):
            var units = [try codeUnit()]
            if UTF16.isLeadSurrogate(units[0]), take("\\"), take("u") { units.append(try codeUnit()) }
            guard let text = String(validating: units, as: UTF16.self) else {
                throw malformed("half of a surrogate pair")
            }
            return text
        default: throw malformed("an unknown escape")
        }
    }

    private mutating func codeUnit() throws(Malformed) -> UInt16 {
        guard position + 4 <= bytes.count else { throw malformed("a short \\u escape") }
        let digits = bytes[position..<position + 4]
        guard digits.allSatisfy({ UnicodeScalar($0).properties.isASCIIHexDigit }),
            let unit = UInt16(String(decoding: digits, as: UTF8.self), radix: 16)
        else { throw malformed("a malformed \\u escape") }
        position += 4
        return unit
    }

    private mutating func word(_ word: String, _ value: BSONValue) throws(Malformed) -> BSONValue {
        guard bytes[position...].starts(with: word.utf8) else { throw malformed("an unknown word") }
        position += word.utf8.count
        return value
    }

    private mutating func take(_ character: Character) -> Bool {
        guard let byte = peek, byte == character.asciiValue else { return false }
        position += 1
        return true
    }

    private mutating func skipBlanks() {
        while let byte = peek, Self.isBlank(byte) { position += 1 }
    }

    private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    private static func isBlank(_ byte: UInt8) -> Bool { [0x20, 0x09, 0x0A, 0x0D].contains(byte) }

    private static func isOfNumber(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || [0x2B, 0x2D, 0x2E, 0x45, 0x65].contains(byte)
    }

    /// RFC 8259 §6: minus, digits without a leading zero, then a fraction and an exponent or not.
    private static func isNumber(_ text: String) -> Bool {
        var rest = text.utf8[...]
        func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
        func takeDigits() -> Int {
            let digits = rest.prefix(while: isDigit)
            rest = rest.dropFirst(digits.count)
            return digits.count
        }
        if rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
        let startsWithZero = rest.first == UInt8(ascii: "0")
        let wholeDigits = takeDigits()
        guard wholeDigits > 0, wholeDigits == 1 || !startsWithZero else { return false }
        if rest.first == UInt8(ascii: ".") {
            rest = rest.dropFirst()
            guard takeDigits() > 0 else { return false }
        }
        if let byte = rest.first, byte | 0x20 == UInt8(ascii: "e") {
            rest = rest.dropFirst()
            if let sign = rest.first, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") { rest = rest.dropFirst() }
            guard takeDigits() > 0 else { return false }
        }
        return rest.isEmpty
    }

    private func malformed(_ what: String) -> Malformed { Malformed(reason: "\(what), at byte \(position)") }
}
