package import struct NIOCore.ByteBuffer

/// Cuts messages into chunks of one fixed size, each message with a full header (see `writeFullChunkHeader`).
package enum ChunkEncoder {
    /// Large, so that most frames are one chunk. The session announces it before the first message longer than 128 bytes.
    package static let chunkSize = 65_536

    /// A small message as one buffer.
    package static func encode(
        _ type: MessageType,
        on chunkStreamID: ChunkStreamID,
        streamID: MessageStreamID,
        timestamp: UInt32 = 0,
        payload: ByteBuffer
    ) -> ByteBuffer {
        var whole = ByteBuffer()
        let pieces = pieces(
            type,
            on: chunkStreamID,
            streamID: streamID,
            timestamp: timestamp,
            head: [],
            payload: payload
        )
        whole.reserveCapacity(pieces.reduce(0) { $0 + $1.readableBytes })
        for piece in pieces { whole.writeImmutableBuffer(piece) }
        return whole
    }

    /// A message as buffers to be written one after the other. `head` comes before `payload` in the message and is copied;
    /// the payload is only sliced.
    package static func pieces(
        _ type: MessageType,
        on chunkStreamID: ChunkStreamID,
        streamID: MessageStreamID,
        timestamp: UInt32,
        head: some Collection<UInt8>,
        payload: ByteBuffer
    ) -> [ByteBuffer] {
        var payload = payload
        var first = ByteBuffer()
        first.reserveCapacity(16 + head.count)
        first.writeFullChunkHeader(
            chunkStreamID,
            type: type,
            streamID: streamID,
            timestamp: timestamp,
            length: head.count + payload.readableBytes
        )
        first.writeBytes(head)
        var pieces = [first]
        var room = chunkSize - head.count
        while payload.readableBytes > 0 {
            if room == 0 {
                var header = ByteBuffer()
                header.writeContinuationChunkHeader(chunkStreamID, timestamp: timestamp)
                pieces.append(header)
                room = chunkSize
            }
            guard let slice = payload.readSlice(length: min(room, payload.readableBytes)) else { break }
            pieces.append(slice)
            room -= slice.readableBytes
        }
        return pieces
    }
}
