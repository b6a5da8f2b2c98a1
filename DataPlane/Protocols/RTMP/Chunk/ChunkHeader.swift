import Bytes

import struct NIOCore.ByteBuffer

/// Which of the interleaved chunk sequences a chunk belongs to. Not the message stream.
package struct ChunkStreamID: Hashable, Sendable {
    package var value: UInt32

    package init(_ value: UInt32) { self.value = value }

    package static let control = ChunkStreamID(2)
    package static let command = ChunkStreamID(3)
    package static let audio = ChunkStreamID(4)
    package static let data = ChunkStreamID(5)
    package static let video = ChunkStreamID(6)
}

/// What a chunk says before its payload (RTMP 1.0 §5.3.1): the basic header and one of four message headers.
///
///     fmt 2 | csid 6                                     csid 2...63
///     fmt 2 | 0    | csid − 64, 8                        64...319
///     fmt 2 | 1    | csid − 64, 16, low byte first       64...65599
///
///     type 0   timestamp 24 | length 24 | type 8 | message stream id 32, little-endian
///     type 1   delta 24 | length 24 | type 8
///     type 2   delta 24
///     type 3   nothing
///
/// The extended timestamp behind it depends on the chunk stream's history and is read by the decoder.
struct ChunkHeader: Equatable {
    enum Message: Equatable {
        case full(timestamp: UInt32, length: Int, type: UInt8, streamID: MessageStreamID)
        case sameStream(delta: UInt32, length: Int, type: UInt8)
        case sameLength(delta: UInt32)
        case same
    }

    /// The 24-bit value that says the timestamp follows in 32 bits.
    static let extendedTimestampMark: UInt32 = 0xFF_FFFF

    var chunkStreamID: ChunkStreamID
    var message: Message

    init(chunkStreamID: ChunkStreamID, message: Message) {
        self.chunkStreamID = chunkStreamID
        self.message = message
    }

    init(decoding reader: inout ByteReader) throws(ByteReader.Underflow) {
        let first: UInt8 = try reader.integer()
        switch first & 0x3F {
        case 0: chunkStreamID = ChunkStreamID(64 + UInt32(try reader.integer(as: UInt8.self)))
        case 1: chunkStreamID = ChunkStreamID(64 + UInt32(try reader.littleEndian(as: UInt16.self)))
        case let id: chunkStreamID = ChunkStreamID(UInt32(id))
        }
        switch first >> 6 {
        case 0:
            message = .full(
                timestamp: try reader.uint24(),
                length: Int(try reader.uint24()),
                type: try reader.integer(),
                streamID: MessageStreamID(try reader.littleEndian())
            )
        case 1:
            message = .sameStream(
                delta: try reader.uint24(),
                length: Int(try reader.uint24()),
                type: try reader.integer()
            )
        case 2: message = .sameLength(delta: try reader.uint24())
        default: message = .same
        }
    }
}

extension ByteBuffer {
    /// A type-0 header with its extended timestamp. We send no other kind to begin a message: each then stands on its own,
    /// and one serialised copy fits every viewer.
    mutating func writeFullChunkHeader(
        _ id: ChunkStreamID,
        type: MessageType,
        streamID: MessageStreamID,
        timestamp: UInt32,
        length: Int
    ) {
        writeInteger(UInt8(truncatingIfNeeded: id.value & 0x3F))
        writeUInt24(min(timestamp, ChunkHeader.extendedTimestampMark))
        writeUInt24(UInt32(truncatingIfNeeded: length))
        writeInteger(type.rawValue)
        writeInteger(streamID.value, endianness: .little)
        if timestamp >= ChunkHeader.extendedTimestampMark { writeInteger(timestamp) }
    }

    /// A type-3 header that continues a message; it repeats the extended timestamp, as §5.3.1.3 asks.
    mutating func writeContinuationChunkHeader(_ id: ChunkStreamID, timestamp: UInt32) {
        writeInteger(0xC0 | UInt8(truncatingIfNeeded: id.value & 0x3F))
        if timestamp >= ChunkHeader.extendedTimestampMark { writeInteger(timestamp) }
    }
}
