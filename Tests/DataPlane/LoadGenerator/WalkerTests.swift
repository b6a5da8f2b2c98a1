import LoadGenerator
import NIOCore
import RTMP
import Testing

/// What a walker reported of one message: enough to see a header read wrongly or a body cut wrongly.
struct Seen: Equatable, Sendable {
    var type: UInt8
    var timestamp: UInt32
    var length: Int
    var first: UInt8?
    var last: UInt8?

    init(_ type: UInt8, _ timestamp: UInt32, _ body: [UInt8]) {
        (self.type, self.timestamp, length) = (type, timestamp, body.count)
        (first, last) = (body.first, body.prefix(96).last)
    }

    init(_ message: MessageHead) {
        (type, timestamp, length) = (message.type, message.timestamp, message.length)
        first = message.byte(at: 0)
        last = message.length > 0 ? message.byte(at: min(96, message.length) - 1) : nil
    }
}

enum Walked: Equatable {
    case seen([Seen])
    case torn(TornStream)

    static func chunks(_ wire: [UInt8], split: Int) -> Self {
        var walker = ChunkWalker()
        return collect(wire, split) { bytes, position throws(TornStream) in try walker.next(in: bytes, at: &position) }
    }

    static func tags(_ wire: [UInt8], split: Int) -> Self {
        var walker = TagWalker()
        return collect(wire, split) { bytes, position throws(TornStream) in try walker.next(in: bytes, at: &position) }
    }

    private static func collect(
        _ wire: [UInt8],
        _ split: Int,
        _ next: (borrowing Span<UInt8>, inout Int) throws(TornStream) -> MessageHead?
    ) -> Self {
        var seen: [Seen] = []
        for piece in [Array(wire[..<split]), Array(wire[split...])] {
            var position = 0
            do throws(TornStream) {
                while let message = try next(piece.span, &position) { seen.append(Seen(message)) }
            } catch { return .torn(error) }
        }
        return .seen(seen)
    }
}

@Suite struct ChunkWalkerTests {
    struct Vector: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var wire: [UInt8]
        var seen: [Seen]
    }

    static let long = (0..<300).map { UInt8(truncatingIfNeeded: $0) }

    static let vectors = [
        Vector(
            testDescription: "all four header types",
            wire: [0x04, 0, 0, 100, 0, 0, 1, 8, 1, 0, 0, 0, 0xA]
                + [0x44, 0, 0, 20, 0, 0, 2, 9, 0xB, 0xC] + [0x84, 0, 0, 10, 0xD, 0xE] + [0xC4, 0xF, 0x10],
            seen: [
                Seen(8, 100, [0xA]), Seen(9, 120, [0xB, 0xC]), Seen(9, 130, [0xD, 0xE]), Seen(9, 140, [0xF, 0x10]),
            ]
        ),
        Vector(
            testDescription: "a message in chunks of 128 with another between them",
            wire: [0x06, 0, 0, 1, 0, 1, 44, 9, 1, 0, 0, 0] + long[..<128]
                + [0x04, 0, 0, 2, 0, 0, 1, 8, 1, 0, 0, 0, 7]
                + [0xC6] + long[128..<256] + [0xC6] + long[256...],
            seen: [Seen(8, 2, [7]), Seen(9, 1, long)]
        ),
        Vector(
            testDescription: "a chunk size that is set in between",
            wire: [0x02, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0, 0, 0, 1, 44]
                + [0x06, 0, 0, 1, 0, 1, 44, 9, 1, 0, 0, 0] + long,
            seen: [Seen(1, 0, [0, 0, 1, 44]), Seen(9, 1, long)]
        ),
        Vector(
            testDescription: "an extended timestamp, repeated in the next chunk",
            wire: [0x06, 0xFF, 0xFF, 0xFF, 0, 0, 130, 9, 1, 0, 0, 0, 1, 0, 0, 0] + long[..<128]
                + [0xC6, 1, 0, 0, 0] + long[128..<130],
            seen: [Seen(9, 0x0100_0000, Array(long[..<130]))]
        ),
        Vector(
            testDescription: "chunk stream ids in two and three bytes",
            wire: [0x00, 0, 0, 0, 0, 0, 0, 1, 9, 1, 0, 0, 0, 5] + [0x01, 0, 1, 0, 0, 0, 0, 0, 1, 9, 1, 0, 0, 0, 6],
            seen: [Seen(9, 0, [5]), Seen(9, 0, [6])]
        ),
        Vector(
            testDescription: "what the engine's own encoder writes",
            wire: Array(
                ChunkEncoder.encode(
                    .video,
                    on: .video,
                    streamID: .media,
                    timestamp: 77,
                    payload: ByteBuffer(bytes: [1])
                )
                .readableBytesView
            ),
            seen: [Seen(9, 77, [1])]
        ),
    ]

    @Test(arguments: vectors)
    func `messages are the same wherever the bytes were split`(vector: Vector) {
        for split in 0...vector.wire.count {
            #expect(Walked.chunks(vector.wire, split: split) == .seen(vector.seen), "split at \(split)")
        }
    }

    static let broken: [([UInt8], TornStream)] = [
        ([0x44, 0, 0, 1, 0, 0, 1, 9], .chunkStreamWithoutHeader(4)),
        (
            [0x06, 0, 0, 1, 0, 1, 44, 9, 1, 0, 0, 0] + long[..<128] + [0x06, 0, 0, 1, 0, 0, 1, 9, 1, 0, 0, 0, 1],
            .messageInterrupted(6)
        ),
        ([0x02, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0, 0, 0, 0, 0], .badChunkSize(0)),
    ]

    @Test(arguments: broken)
    func `broken framing is said to be torn`(wire: [UInt8], error: TornStream) {
        #expect(Walked.chunks(wire, split: 3) == .torn(error))
    }
}

@Suite struct TagWalkerTests {
    static let header: [UInt8] = [0x46, 0x4C, 0x56, 1, 5, 0, 0, 0, 9, 0, 0, 0, 0]
    static let body = (0..<120).map { UInt8($0) }
    static let wire =
        header + [9, 0, 0, 120, 0, 0, 5, 1, 0, 0, 0] + body + [0, 0, 0, 131]
        + [8, 0, 0, 0, 0, 0, 6, 1, 0, 0, 0] + [0, 0, 0, 11]

    @Test func `tags are the same wherever the bytes were split`() {
        let expected = [Seen(9, 0x0100_0005, Self.body), Seen(8, 0x0100_0006, [])]
        for split in 0...Self.wire.count {
            #expect(Walked.tags(Self.wire, split: split) == .seen(expected), "split at \(split)")
        }
    }

    @Test func `a tag whose size is repeated wrongly is torn`() {
        var wire = Self.wire
        wire[wire.count - 1] = 12
        #expect(Walked.tags(wire, split: 20) == .torn(.previousTagSize(12, expected: 11)))
    }

    @Test func `a tag of a type there is not is torn`() {
        let wire = Self.header + [7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        #expect(Walked.tags(wire, split: 5) == .torn(.unknownTagType(7)))
    }
}
