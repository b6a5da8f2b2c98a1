/// Reads JSON whose shape is known, straight from its bytes: many times faster than a decoder that can read any.
///
/// It reads only what is plain: no escapes in strings, no `null`, no unknown fields, numbers a `Double` or an `Int64` holds
/// exactly. Whoever meets `Unusual` asks `JSONDecoder`, which knows the rest and words the errors.
struct JSONScanner {
    struct Unusual: Error {}

    private let bytes: UnsafeRawBufferPointer
    private var position = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    mutating func object(_ field: (inout JSONScanner, Key) throws(Unusual) -> Void) throws(Unusual) {
        try expect(UInt8(ascii: "{"))
        if take(UInt8(ascii: "}")) { return }
        repeat {
            let key = Key(bytes: try text())
            try expect(UInt8(ascii: ":"))
            try field(&self, key)
        } while take(UInt8(ascii: ","))
        try expect(UInt8(ascii: "}"))
    }

    mutating func array<Element>(
        of element: (inout JSONScanner) throws(Unusual) -> Element
    ) throws(Unusual) -> [Element] {
        try expect(UInt8(ascii: "["))
        var elements: [Element] = []
        if take(UInt8(ascii: "]")) { return elements }
        repeat { elements.append(try element(&self)) } while take(UInt8(ascii: ","))
        try expect(UInt8(ascii: "]"))
        return elements
    }

    mutating func string() throws(Unusual) -> String {
        let text = try text()
        guard let string = String(validating: text, as: UTF8.self) else { throw Unusual() }
        return string
    }

    mutating func bool() throws(Unusual) -> Bool {
        skipSpace()
        for (word, value) in [("true" as StaticString, true), ("false", false)] where isNext(word) {
            position += word.utf8CodeUnitCount
            return value
        }
        throw Unusual()
    }

    mutating func integer<Value: FixedWidthInteger>(_: Value.Type = Value.self) throws(Unusual) -> Value {
        skipSpace()
        let isNegative = takeByte(UInt8(ascii: "-"))
        let (digits, value) = digits(from: 0)
        guard (1...18).contains(digits), !isFractionNext, let value = Value(exactly: isNegative ? -value : value) else {
            throw Unusual()
        }
        return value
    }

    /// Exact by Clinger's rule: up to 15 digits over a power of ten up to 22 are both `Double`s, and a division rounds right.
    mutating func double() throws(Unusual) -> Double {
        skipSpace()
        let isNegative = takeByte(UInt8(ascii: "-"))
        let (whole, wholeValue) = digits(from: 0)
        var value = wholeValue
        var fraction = 0
        if whole > 0, takeByte(UInt8(ascii: ".")) {
            (fraction, value) = digits(from: value)
            guard fraction > 0 else { throw Unusual() }
        }
        guard whole > 0, whole + fraction <= 15, !isFractionNext else { throw Unusual() }
        let magnitude = Double(value) / Self.powersOfTen[fraction]
        return isNegative ? -magnitude : magnitude
    }

    /// Nothing but space may follow.
    mutating func end() throws(Unusual) {
        skipSpace()
        guard position == bytes.count else { throw Unusual() }
    }

    private static let powersOfTen: [Double] = [
        1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
    ]

    // MARK: Bytes

    /// Bytes between quotes, none of them an escape or a control character.
    private mutating func text() throws(Unusual) -> UnsafeRawBufferPointer {
        try expect(UInt8(ascii: "\""))
        let start = position
        while position < bytes.count {
            let byte = bytes[position]
            if byte == UInt8(ascii: "\"") {
                defer { position += 1 }
                return UnsafeRawBufferPointer(rebasing: bytes[start..<position])
            }
            guard byte >= 0x20, byte != UInt8(ascii: "\\") else { throw Unusual() }
            position += 1
        }
        throw Unusual()
    }

    private mutating func digits(from start: Int64) -> (count: Int, value: Int64) {
        let begin = position
        var value = start
        while position < bytes.count, case let digit = bytes[position] &- UInt8(ascii: "0"), digit < 10 {
            // Whoever asks refuses more than 18 digits; wrapping around before that cannot happen.
            value = value &* 10 &+ Int64(digit)
            position += 1
        }
        // JSON has no leading zeros: then there is no number.
        let hasLeadingZero = position - begin > 1 && bytes[begin] == UInt8(ascii: "0") && start == 0
        return (hasLeadingZero && !isAfterPoint(begin) ? 0 : position - begin, value)
    }

    private func isAfterPoint(_ place: Int) -> Bool { place > 0 && bytes[place - 1] == UInt8(ascii: ".") }

    private var isFractionNext: Bool {
        guard position < bytes.count else { return false }
        return [UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E")].contains(bytes[position])
    }

    private func isNext(_ word: StaticString) -> Bool {
        let end = position + word.utf8CodeUnitCount
        guard end <= bytes.count else { return false }
        return (position..<end).allSatisfy { bytes[$0] == word.utf8Start[$0 - position] }
    }

    private mutating func expect(_ byte: UInt8) throws(Unusual) { if !take(byte) { throw Unusual() } }

    private mutating func take(_ byte: UInt8) -> Bool {
        skipSpace()
        return takeByte(byte)
    }

    private mutating func takeByte(_ byte: UInt8) -> Bool {
        guard position < bytes.count, bytes[position] == byte else { return false }
        position += 1
        return true
    }

    private mutating func skipSpace() {
        while position < bytes.count, [0x20, 0x0A, 0x0D, 0x09].contains(bytes[position]) { position += 1 }
    }

    /// A field's name, compared without making a string of it.
    struct Key {
        let bytes: UnsafeRawBufferPointer

        static func ~= (name: StaticString, key: Key) -> Bool {
            guard key.bytes.count == name.utf8CodeUnitCount else { return false }
            return key.bytes.indices.allSatisfy { key.bytes[$0] == name.utf8Start[$0] }
        }
    }
}
