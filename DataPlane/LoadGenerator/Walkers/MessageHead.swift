/// A whole RTMP message or FLV tag that went by: its header and the first bytes of its body. The rest is only counted.
package struct MessageHead {
    /// Room for a video body's header, an access unit delimiter and a send stamp.
    static let keptBytesMax = 96

    /// RTMP message type or FLV tag type: the same for audio (8) and video (9).
    package internal(set) var type: UInt8 = 0
    /// Milliseconds; wraps at 2^32.
    package internal(set) var timestamp: UInt32 = 0
    package internal(set) var length = 0
    private var kept = InlineArray<96, UInt8>(repeating: 0)
    private(set) var keptCount = 0
    private(set) var received = 0

    var isComplete: Bool { received == length }
    var missing: Int { length - received }

    /// The first bytes of the body, as many as are kept.
    package func byte(at offset: Int) -> UInt8? { offset < keptCount ? kept[offset] : nil }

    func integer(at offset: Int) -> UInt32? {
        guard offset + 4 <= keptCount else { return nil }
        return (0..<4).reduce(0) { $0 << 8 | UInt32(kept[offset + $1]) }
    }

    mutating func begin() {
        keptCount = 0
        received = 0
    }

    /// Takes the body's next `count` bytes.
    mutating func take(_ bytes: borrowing Span<UInt8>, from position: Int, count: Int) {
        let kept = min(count, Self.keptBytesMax - keptCount)
        if kept > 0 {
            for offset in 0..<kept { self.kept[keptCount + offset] = bytes[position + offset] }
            keptCount += kept
        }
        received += count
    }
}

/// How a byte stream broke its own framing.
package enum TornStream: Error, Equatable, CustomStringConvertible {
    case chunkStreamWithoutHeader(UInt32)
    case messageInterrupted(UInt32)
    case messageTooLong(Int)
    case badChunkSize(UInt32)
    case notFLV
    case unknownTagType(UInt8)
    case previousTagSize(UInt32, expected: UInt32)
    case badHTTP(String)

    package var description: String {
        switch self {
        case .chunkStreamWithoutHeader(let id): "chunk stream \(id) begins with a header that refers to an earlier one"
        case .messageInterrupted(let id): "a message begins inside an unfinished one on chunk stream \(id)"
        case .messageTooLong(let bytes): "a message of \(bytes) bytes"
        case .badChunkSize(let size): "a chunk size of \(size)"
        case .notFLV: "no FLV file header"
        case .unknownTagType(let type): "an FLV tag of type \(type)"
        case .previousTagSize(let size, let expected): "PreviousTagSize is \(size), the tag had \(expected) bytes"
        case .badHTTP(let why): "HTTP: \(why)"
        }
    }
}
