import NIOCore
import RTMP
import Testing

@Suite struct ChunkDecoderTests {
    enum Result: Equatable {
        case message(RawMessage)
        case failure(RTMPError)
    }

    struct Vector: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var wire: [UInt8]
        var messages: [RawMessage] = []
        var error: RTMPError?
        var limits = RTMPLimits()

        init(
            _ testDescription: String,
            _ messages: [RawMessage] = [],
            error: RTMPError? = nil,
            limits: RTMPLimits = RTMPLimits(),
            _ write: (inout ChunkWriter) -> Void
        ) {
            var writer = ChunkWriter()
            write(&writer)
            self.testDescription = testDescription
            wire = writer.bytes
            self.messages = messages
            self.error = error
            self.limits = limits
        }
    }

    static func message(_ type: UInt8, _ time: UInt32, _ payload: [UInt8], stream: UInt32 = 1) -> RawMessage {
        RawMessage(type: type, streamID: MessageStreamID(stream), timestamp: time, payload: ByteBuffer(bytes: payload))
    }

    static let long = (0..<300).map { UInt8(truncatingIfNeeded: $0) }

    static let vectors = [
        Vector("one message in one chunk", [message(9, 5, [1, 2])]) {
            $0.chunk(0, id: 6, time: 5, length: 2, type: 9, [1, 2])
        },
        Vector("an empty message", [message(9, 5, [])]) { $0.chunk(0, id: 6, time: 5, length: 0, type: 9, []) },
        Vector(
            "all four header types",
            [
                message(8, 100, [1]), message(9, 120, [2, 3]), message(9, 130, [4, 5]), message(9, 140, [6, 7]),
            ]
        ) {
            $0.chunk(0, id: 4, time: 100, length: 1, type: 8, [1])
            $0.chunk(1, id: 4, time: 20, length: 2, type: 9, [2, 3])
            $0.chunk(2, id: 4, time: 10, [4, 5])
            $0.chunk(3, id: 4, [6, 7])
        },
        Vector("type 3 right behind type 0 adds its timestamp again", [message(8, 7, [1]), message(8, 14, [2])]) {
            $0.chunk(0, id: 4, time: 7, length: 1, type: 8, [1])
            $0.chunk(3, id: 4, [2])
        },
        Vector(
            "chunk stream ids in two and three bytes",
            [
                message(9, 0, [1]), message(9, 0, [2]), message(9, 0, [3]), message(9, 0, [4]),
            ]
        ) {
            for (id, byte) in [(64, 1), (319, 2), (320, 3), (65_599, 4)] as [(UInt32, UInt8)] {
                $0.chunk(0, id: id, time: 0, length: 1, type: 9, [byte])
            }
        },
        Vector("a long message in chunks of 128", [message(9, 1, long)]) {
            $0.message(9, id: 6, time: 1, stream: 1, long)
        },
        Vector("a chunk size that changes between messages", [message(9, 1, long), message(9, 2, long)]) {
            $0.message(9, id: 6, time: 1, stream: 1, long)
            $0.message(1, id: 2, [0, 0, 1, 0])
            $0.message(9, id: 6, time: 2, stream: 1, chunkSize: 256, long)
        },
        Vector("a chunk size set between the chunks of a message", [message(9, 1, long)]) {
            $0.chunk(0, id: 6, time: 1, length: 300, type: 9, Array(long[..<128]))
            $0.message(1, id: 2, [0, 0, 0, 200])
            $0.chunk(3, id: 6, Array(long[128...]))
        },
        Vector("audio between the chunks of a video message", [message(8, 9, [7]), message(9, 1, long)]) {
            $0.chunk(0, id: 6, time: 1, length: 300, type: 9, Array(long[..<128]))
            $0.chunk(0, id: 4, time: 9, length: 1, type: 8, [7])
            $0.chunk(3, id: 6, Array(long[128..<256]))
            $0.chunk(3, id: 6, Array(long[256...]))
        },
        Vector("an extended timestamp, repeated in each chunk", [message(9, 0x1234_5678, long)]) {
            $0.message(9, id: 6, time: 0x1234_5678, stream: 1, long)
        },
        Vector("an extended timestamp that a client leaves out of type 3", [message(9, 0x1234_5678, long)]) {
            $0.chunk(0, id: 6, time: 0, length: 300, type: 9, extended: 0x1234_5678, Array(long[..<128]))
            $0.chunk(3, id: 6, Array(long[128..<256]))
            $0.chunk(3, id: 6, Array(long[256...]))
        },
        Vector(
            "an extended delta, and a type 3 that repeats the absolute time",
            [
                message(9, 10, [1]), message(9, 0x100_000A, long),
            ]
        ) {
            $0.chunk(0, id: 6, time: 10, length: 1, type: 9, [1])
            $0.chunk(1, id: 6, time: 0, length: 300, type: 9, extended: 0x100_0000, Array(long[..<128]))
            $0.chunk(3, id: 6, extended: 0x100_000A, Array(long[128..<256]))
            $0.chunk(3, id: 6, extended: 0x100_0000, Array(long[256...]))
        },
        Vector(
            "the largest timestamp that needs no extension, and the smallest that does",
            [
                message(9, 0xFF_FFFE, [1]), message(9, 0xFF_FFFF, [2]),
            ]
        ) {
            $0.message(9, id: 6, time: 0xFF_FFFE, stream: 1, [1])
            $0.message(9, id: 6, time: 0xFF_FFFF, stream: 1, [2])
        },
        Vector("a timestamp that wraps", [message(9, 0xFFFF_FFFF, [1]), message(9, 19, [2])]) {
            $0.message(9, id: 6, time: 0xFFFF_FFFF, stream: 1, [1])
            $0.chunk(2, id: 6, time: 20, [2])
        },
        Vector("an aborted message is forgotten", [message(9, 2, [5])]) {
            $0.chunk(0, id: 6, time: 1, length: 300, type: 9, Array(long[..<128]))
            $0.message(2, id: 2, [0, 0, 0, 6])
            $0.chunk(0, id: 6, time: 2, length: 1, type: 9, [5])
        },
        Vector("a first chunk that refers to an earlier one", error: .chunkStreamWithoutHeader(ChunkStreamID(6))) {
            $0.chunk(3, id: 6, [1])
        },
        Vector("a new header inside a message", error: .messageInterrupted(ChunkStreamID(6))) {
            $0.chunk(0, id: 6, time: 1, length: 300, type: 9, Array(long[..<128]))
            $0.chunk(0, id: 6, time: 1, length: 300, type: 9, Array(long[..<128]))
        },
        Vector("a chunk size of zero", error: .chunkSizeOutOfBounds(0)) { $0.message(1, id: 2, [0, 0, 0, 0]) },
        Vector("a Set Chunk Size without its size", error: .malformedMessage(type: 1)) {
            $0.message(1, id: 2, [0, 1])
        },
        Vector("a command over its limit", error: .messageTooLong(type: 20, bytes: 65_537, limit: 65_536)) {
            $0.chunk(0, id: 3, time: 0, length: 65_537, type: 20, [0])
        },
        Vector("many unfinished messages", error: .tooManyPartialBytes(limit: 500), limits: smallLimits) {
            $0.chunk(0, id: 6, time: 0, length: 300, type: 9, Array(long[..<128]))
            $0.chunk(0, id: 7, time: 0, length: 300, type: 9, [])
        },
        Vector(
            "many chunk streams",
            [message(9, 0, []), message(9, 0, [])],
            error: .tooManyChunkStreams(limit: 2),
            limits: smallLimits
        ) {
            for id in 3...5 as ClosedRange<UInt32> { $0.chunk(0, id: id, time: 0, length: 0, type: 9, []) }
        },
    ]

    static var smallLimits: RTMPLimits {
        var limits = RTMPLimits()
        limits.partialBytesMax = 500
        limits.chunkStreamCountMax = 2
        return limits
    }

    @Test(arguments: vectors)
    func `the same chunks give the same messages however they are cut`(vector: Vector) {
        let expected = vector.messages.map(Result.message) + (vector.error.map { [.failure($0)] } ?? [])
        #expect(decode([vector.wire], vector.limits) == expected)
        for cut in 1..<vector.wire.count {
            let pieces = [Array(vector.wire[..<cut]), Array(vector.wire[cut...])]
            #expect(decode(pieces, vector.limits) == expected, "cut at \(cut)")
        }
        #expect(decode(vector.wire.map { [$0] }, vector.limits) == expected)
    }

    @Test func `a message that came in one read shares its bytes`() throws {
        var writer = ChunkWriter()
        writer.message(1, id: 2, [0, 1, 0, 0])
        writer.message(9, id: 6, stream: 1, chunkSize: 65_536, [UInt8](repeating: 3, count: 20_000))
        let read = ByteBuffer(bytes: writer.bytes)
        var decoder = ChunkDecoder()
        decoder.append(read)
        let message = try #require(try decoder.nextMessage())
        let range = read.withUnsafeReadableBytes {
            UInt(bitPattern: $0.baseAddress)...UInt(bitPattern: $0.baseAddress) + 20_100
        }
        #expect(message.payload.withUnsafeReadableBytes { range.contains(UInt(bitPattern: $0.baseAddress)) })
    }

    @Test func `a small message does not keep a large read alive`() throws {
        var writer = ChunkWriter()
        writer.message(8, id: 4, stream: 1, [1, 2, 3])
        var read = ByteBuffer(bytes: writer.bytes)
        read.reserveCapacity(65_536)
        var decoder = ChunkDecoder()
        decoder.append(read)
        let message = try #require(try decoder.nextMessage())
        #expect(message.payload.storageCapacity < 1024)
    }

    private func decode(_ pieces: [[UInt8]], _ limits: RTMPLimits) -> [Result] {
        var decoder = ChunkDecoder(limits: limits)
        var results: [Result] = []
        for piece in pieces {
            decoder.append(ByteBuffer(bytes: piece))
            do throws(RTMPError) {
                while let message = try decoder.nextMessage() { results.append(.message(message)) }
            } catch {
                return results + [.failure(error)]
            }
        }
        return results
    }
}
