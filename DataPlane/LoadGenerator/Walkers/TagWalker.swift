/// Walks the tags of an FLV byte stream without copying bodies, and checks each PreviousTagSize.
package struct TagWalker: Sendable {
    private enum Place {
        case fileHeader
        case tagHeader
        case body
        case previousTagSize
    }

    private static let tagTypes: Set<UInt8> = [8, 9, 18]

    private var place = Place.fileHeader
    private var fields = InlineArray<13, UInt8>(repeating: 0)
    private var fieldCount = 0
    private var tag = MessageHead()

    package init() {}

    /// The next tag that ends within `bytes`; `position` moves to behind what was read.
    package mutating func next(
        in bytes: borrowing Span<UInt8>,
        at position: inout Int
    ) throws(TornStream) -> MessageHead? {
        while true {
            switch place {
            case .fileHeader:
                guard collect(13, bytes, &position) else { return nil }
                guard number(0, 3) == 0x464C56, number(5, 4) == 9, number(9, 4) == 0 else { throw .notFLV }
                place = .tagHeader
            case .tagHeader:
                guard collect(11, bytes, &position) else { return nil }
                try beginTag()
            case .body:
                let count = min(tag.missing, bytes.count - position)
                tag.take(bytes, from: position, count: count)
                position += count
                guard tag.isComplete else { return nil }
                place = .previousTagSize
            case .previousTagSize:
                guard collect(4, bytes, &position) else { return nil }
                let expected = UInt32(11 + tag.length)
                guard number(0, 4) == expected else { throw .previousTagSize(number(0, 4), expected: expected) }
                place = .tagHeader
                return tag
            }
        }
    }

    private mutating func beginTag() throws(TornStream) {
        guard Self.tagTypes.contains(fields[0]) else { throw .unknownTagType(fields[0]) }
        tag.type = fields[0]
        tag.length = Int(number(1, 3))
        tag.timestamp = number(4, 3) | UInt32(fields[7]) << 24
        tag.begin()
        place = .body
    }

    /// True, once, when `count` bytes of a field have come together.
    private mutating func collect(_ count: Int, _ bytes: borrowing Span<UInt8>, _ position: inout Int) -> Bool {
        while fieldCount < count {
            guard position < bytes.count else { return false }
            fields[fieldCount] = bytes[position]
            fieldCount += 1
            position += 1
        }
        fieldCount = 0
        return true
    }

    private func number(_ offset: Int, _ length: Int) -> UInt32 {
        (offset..<offset + length).reduce(0) { $0 << 8 | UInt32(fields[$1]) }
    }
}
