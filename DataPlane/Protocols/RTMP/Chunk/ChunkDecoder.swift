import Bytes

package import struct NIOCore.ByteBuffer

/// Puts messages together from chunks (RTMP 1.0 §5.3). Obeys Set Chunk Size and Abort itself, since both change how the
/// bytes right behind them are read; delivers every other message.
package struct ChunkDecoder {
    /// Chunk size before the peer sets another (§5.4.1).
    private var chunkSize = 128
    private var input = ByteBuffer()
    private var streams: [ChunkStream] = []
    /// Index into `streams` of the chunk whose payload is being read.
    private var current: Int?
    private var chunkBytesLeft = 0
    private var partialBytes = 0
    private let limits: RTMPLimits

    package init(limits: RTMPLimits = RTMPLimits()) { self.limits = limits }

    package var unreadBytes: Int { input.readableBytes }

    package mutating func append(_ bytes: ByteBuffer) {
        if input.readableBytes == 0 {
            input = bytes
        } else {
            input.discardReadBytes()
            input.writeImmutableBuffer(bytes)
        }
    }

    /// The next whole message, or nil until more bytes come. After an error the connection cannot be read any further.
    package mutating func nextMessage() throws(RTMPError) -> RawMessage? {
        while true {
            if current == nil, try !beginChunk() {
                releaseInput()
                return nil
            }
            guard let message = readPayload() else {
                guard chunkBytesLeft > 0 else { continue }
                releaseInput()
                return nil
            }
            if try !obey(message) { return message }
        }
    }

    /// The buffer that was read into is the reader's again, to be filled the next time. What is left of it is part of a
    /// header at most.
    private mutating func releaseInput() {
        input = input.readableBytes == 0 ? ByteBuffer() : ByteBuffer(bytes: input.readableBytesView)
    }

    // MARK: Headers

    /// Reads one chunk's header; false when it is not all there yet.
    private mutating func beginChunk() throws(RTMPError) -> Bool {
        var reader = ByteReader(input)
        guard let header = try? ChunkHeader(decoding: &reader) else { return false }
        let index = try indexOfStream(header.chunkStreamID, isFull: header.isFull)
        guard let extended = streams[index].extendedTimestamp(for: header.message, in: &reader) else { return false }
        input.moveReaderIndex(forwardBy: input.readableBytes - reader.count)
        if streams[index].isBetweenMessages {
            try beginMessage(header.message, extended: extended, index: index)
        } else {
            guard header.message == .same else { throw .messageInterrupted(header.chunkStreamID) }
        }
        current = index
        chunkBytesLeft = min(chunkSize, streams[index].bytesMissing)
        return true
    }

    private mutating func beginMessage(
        _ header: ChunkHeader.Message,
        extended: UInt32?,
        index: Int
    ) throws(RTMPError) {
        streams[index].apply(header, extended: extended)
        let length = streams[index].length
        let limit = lengthLimit(ofType: streams[index].type)
        guard length <= limit else { throw .messageTooLong(type: streams[index].type, bytes: length, limit: limit) }
        partialBytes += length
        guard partialBytes <= limits.partialBytesMax else { throw .tooManyPartialBytes(limit: limits.partialBytesMax) }
        streams[index].isBetweenMessages = false
    }

    private mutating func indexOfStream(_ id: ChunkStreamID, isFull: Bool) throws(RTMPError) -> Int {
        if let index = streams.firstIndex(where: { $0.id == id }) { return index }
        guard isFull else { throw .chunkStreamWithoutHeader(id) }
        guard streams.count < limits.chunkStreamCountMax else {
            throw .tooManyChunkStreams(limit: limits.chunkStreamCountMax)
        }
        streams.append(ChunkStream(id: id))
        return streams.count - 1
    }

    private func lengthLimit(ofType type: UInt8) -> Int {
        switch MessageType(rawValue: type) {
        case .audio, .video, .aggregate: limits.mediaMessageBytesMax
        case .dataAMF0, .dataAMF3: limits.dataMessageBytesMax
        case .setChunkSize, .abort, .acknowledgement, .userControl, .windowAcknowledgementSize, .setPeerBandwidth,
            .commandAMF0, .commandAMF3, nil:
            limits.commandMessageBytesMax
        }
    }

    // MARK: Payload

    /// Takes what there is of the current chunk; the message when that was the last of it.
    private mutating func readPayload() -> RawMessage? {
        guard let index = current else { return nil }
        let available = min(chunkBytesLeft, input.readableBytes)
        if let slice = input.readSlice(length: available) { streams[index].append(slice, of: input.storageCapacity) }
        chunkBytesLeft -= available
        guard chunkBytesLeft == 0 else { return nil }
        current = nil
        guard streams[index].bytesMissing == 0 else { return nil }
        partialBytes -= streams[index].length
        return streams[index].takeMessage()
    }

    // MARK: Messages of the chunk layer

    /// True when the message was for this layer.
    private mutating func obey(_ message: RawMessage) throws(RTMPError) -> Bool {
        switch MessageType(rawValue: message.type) {
        case .setChunkSize:
            // The first bit is zero by §5.4.1; clients that set it still mean the other 31.
            let size = try field(of: message) & 0x7FFF_FFFF
            guard limits.chunkSizeRange.contains(size) else { throw .chunkSizeOutOfBounds(size) }
            chunkSize = Int(size)
            return true
        case .abort:
            let id = ChunkStreamID(try field(of: message))
            if let index = streams.firstIndex(where: { $0.id == id }), !streams[index].isBetweenMessages {
                partialBytes -= streams[index].length
                streams[index].abandonMessage()
            }
            return true
        case .acknowledgement, .userControl, .windowAcknowledgementSize, .setPeerBandwidth, .audio, .video, .dataAMF3,
            .commandAMF3, .dataAMF0, .commandAMF0, .aggregate, nil:
            return false
        }
    }

    private func field(of message: RawMessage) throws(RTMPError) -> UInt32 {
        guard let value = message.payload.getInteger(at: message.payload.readerIndex, as: UInt32.self) else {
            throw .malformedMessage(type: message.type)
        }
        return value
    }
}

extension ChunkHeader {
    fileprivate var isFull: Bool {
        if case .full = message { true } else { false }
    }
}
