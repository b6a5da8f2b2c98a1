/// Walks the chunks of an RTMP connection (RTMP 1.0 §5.3.1) behind the handshake, without copying payloads.
///
/// A lighter reader than the engine's on purpose: thousands of them run beside the server they measure.
package struct ChunkWalker: Sendable {
    private struct Stream {
        let id: UInt32
        var message = MessageHead()
        var delta: UInt32 = 0
        var hasExtendedTimestamp = false
        var isBetweenMessages = true
    }

    private static let messageBytesMax = 16 << 20
    private static let setChunkSize: UInt8 = 1

    private var streams: [Stream] = []
    private var current = 0
    private var chunkLeft = 0
    private var chunkSize = 128
    /// A chunk header that did not arrive whole. 3 + 11 + 4 is the longest.
    private var header = InlineArray<18, UInt8>(repeating: 0)
    private var headerCount = 0

    package init() {}

    /// The next message that ends within `bytes`; `position` moves to behind what was read.
    package mutating func next(
        in bytes: borrowing Span<UInt8>,
        at position: inout Int
    ) throws(TornStream) -> MessageHead? {
        while true {
            if chunkLeft > 0 {
                let count = min(chunkLeft, bytes.count - position)
                guard count > 0 else { return nil }
                streams[current].message.take(bytes, from: position, count: count)
                position += count
                chunkLeft -= count
                guard chunkLeft == 0 else { return nil }
            } else {
                guard try readHeader(bytes, &position) else { return nil }
                chunkLeft = min(chunkSize, streams[current].message.missing)
                guard chunkLeft == 0 else { continue }
            }
            guard streams[current].message.isComplete else { continue }
            streams[current].isBetweenMessages = true
            let message = streams[current].message
            if message.type == Self.setChunkSize { try take(chunkSize: message.integer(at: 0) ?? 0) }
            return message
        }
    }

    private mutating func take(chunkSize size: UInt32) throws(TornStream) {
        guard (1...0x7FFF_FFFF).contains(size) else { throw .badChunkSize(size) }
        chunkSize = Int(size)
    }

    /// False when the header goes on beyond `bytes`.
    private mutating func readHeader(_ bytes: borrowing Span<UInt8>, _ position: inout Int) throws(TornStream) -> Bool {
        while true {
            let needed = neededHeaderBytes
            if headerCount > 0, headerCount == needed { break }
            guard position < bytes.count else { return false }
            header[headerCount] = bytes[position]
            headerCount += 1
            position += 1
        }
        defer { headerCount = 0 }
        try applyHeader()
        return true
    }

    private var basicLength: Int {
        switch header[0] & 0x3F {
        case 0: 2
        case 1: 3
        default: 1
        }
    }

    /// How long the header is, as far as the bytes so far tell.
    private var neededHeaderBytes: Int {
        guard headerCount > 0 else { return 1 }
        let basic = basicLength
        guard headerCount >= basic else { return basic }
        let format = header[0] >> 6
        let fixed = basic + Self.messageHeaderLengths[Int(format)]
        guard headerCount >= fixed else { return fixed }
        let isExtended =
            format == 3
            ? streams.first { $0.id == chunkStreamID }?.hasExtendedTimestamp ?? false
            : uint24(at: basic) == 0xFF_FFFF
        return fixed + (isExtended ? 4 : 0)
    }

    private static let messageHeaderLengths: InlineArray<4, Int> = [11, 7, 3, 0]

    private var chunkStreamID: UInt32 {
        switch basicLength {
        case 2: 64 + UInt32(header[1])
        case 3: 64 + UInt32(header[1]) + UInt32(header[2]) << 8
        default: UInt32(header[0] & 0x3F)
        }
    }

    private func uint24(at offset: Int) -> UInt32 {
        UInt32(header[offset]) << 16 | UInt32(header[offset + 1]) << 8 | UInt32(header[offset + 2])
    }

    private mutating func applyHeader() throws(TornStream) {
        let (id, format, basic) = (chunkStreamID, header[0] >> 6, basicLength)
        if let index = streams.firstIndex(where: { $0.id == id }) {
            current = index
        } else {
            guard format == 0 else { throw .chunkStreamWithoutHeader(id) }
            streams.append(Stream(id: id))
            current = streams.count - 1
        }
        if format == 3 {
            if streams[current].isBetweenMessages { begin(adding: streams[current].delta) }
            return
        }
        guard streams[current].isBetweenMessages else { throw .messageInterrupted(id) }
        var time = uint24(at: basic)
        streams[current].hasExtendedTimestamp = time == 0xFF_FFFF
        if time == 0xFF_FFFF { time = (headerCount - 4..<headerCount).reduce(0) { $0 << 8 | UInt32(header[$1]) } }
        if format <= 1 {
            streams[current].message.length = Int(uint24(at: basic + 3))
            streams[current].message.type = header[basic + 6]
            guard streams[current].message.length <= Self.messageBytesMax else {
                throw .messageTooLong(streams[current].message.length)
            }
        }
        streams[current].delta = time
        if format == 0 { streams[current].message.timestamp = 0 }
        begin(adding: time)
    }

    private mutating func begin(adding delta: UInt32) {
        streams[current].message.timestamp &+= delta
        streams[current].message.begin()
        streams[current].isBetweenMessages = false
    }
}
