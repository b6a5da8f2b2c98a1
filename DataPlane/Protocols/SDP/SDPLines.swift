/// One line of a description: `type=value`.
struct SDPLine {
    var number: Int
    var type: Character
    var value: Substring

    /// `name:value` of an `a=` line; a flag has an empty value.
    var attribute: (name: Substring, value: Substring) {
        guard let colon = value.utf8.firstIndex(of: UInt8(ascii: ":")) else { return (value, value[value.endIndex...]) }
        return (value[..<colon], value[value.utf8.index(after: colon)...])
    }

    var malformed: SDPError {
        type == "a"
            ? .malformedAttribute(line: number, name: String(attribute.name.prefix(40)))
            : .malformedLine(line: number, type: type)
    }
}

/// A text's lines, ended by CRLF, or by LF alone as careless senders have it; empty ones are passed over.
struct SDPLines {
    private(set) var lines: [SDPLine] = []

    init(_ text: String, bytesMax: Int, limits: SDPLimits) throws(SDPError) {
        guard text.utf8.count <= bytesMax else { throw .tooLong(bytes: text.utf8.count, limit: bytesMax) }
        var number = 0
        for var line in text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            number += 1
            while line.last == UInt8(ascii: "\r") { line.removeLast() }
            guard !line.isEmpty else { continue }
            guard line.count <= limits.lineBytesMax else {
                throw .lineTooLong(line: number, limit: limits.lineBytesMax)
            }
            guard let type = line.first, UInt8(ascii: "a")...UInt8(ascii: "z") ~= type,
                line.dropFirst().first == UInt8(ascii: "=")
            else { throw .notSDP(line: number) }
            let value = Substring(line.dropFirst(2))
            lines.append(SDPLine(number: number, type: Character(Unicode.Scalar(type)), value: value))
        }
    }
}

extension Substring {
    /// Cut at an ASCII character as bytes are, which takes a tenth of the time that characters do.
    func parts(at separator: Unicode.Scalar, maxSplits: Int = .max, omittingEmpty: Bool = false) -> [Substring] {
        utf8.split(separator: UInt8(ascii: separator), maxSplits: maxSplits, omittingEmptySubsequences: omittingEmpty)
            .map { Substring($0) }
    }

    /// The words between spaces.
    var words: [Substring] { parts(at: " ", omittingEmpty: true) }

    /// What stands before and behind the first `separator`; nil when there is none.
    func halves(at separator: Unicode.Scalar) -> (Substring, Substring)? {
        guard let index = utf8.firstIndex(of: UInt8(ascii: separator)) else { return nil }
        return (self[..<index], self[utf8.index(after: index)...])
    }

    var trimmingSpaces: Substring {
        var trimmed = utf8
        while trimmed.first == UInt8(ascii: " ") { trimmed.removeFirst() }
        while trimmed.last == UInt8(ascii: " ") { trimmed.removeLast() }
        return Substring(trimmed)
    }
}

extension FixedWidthInteger {
    /// Digits alone: the library's parser would take a sign as well.
    init?(digits text: some StringProtocol) {
        guard text.utf8.first.map({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }) == true else { return nil }
        self.init(text)
    }
}

/// A description under construction.
struct SDPWriter {
    private(set) var text = ""

    mutating func line(_ type: Character, _ value: String) {
        text.append(type)
        text += "="
        text += value
        text += "\r\n"
    }

    mutating func attribute(_ name: String, _ value: String) { line("a", "\(name):\(value)") }

    mutating func flag(_ name: String, _ isSet: Bool) { if isSet { line("a", name) } }
}
