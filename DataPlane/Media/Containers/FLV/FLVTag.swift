package import Bytes

package import struct NIOCore.ByteBuffer

/// The types of tags, equal to RTMP's message type ids for the same content.
package enum FLVTagType: UInt8, Hashable, Sendable {
    case audio = 8
    case video = 9
    case data = 18
}

/// The 11 bytes before each tag body (FLV 10.1 §E.4.1).
///
///     | type 8 | body size 24 | timestamp 24 | timestamp extended 8 | stream id 24, always 0 |
package struct FLVTagHeader: Hashable, Sendable {
    package static let length = 11

    /// The type's number; bit 5 of the byte marks encryption and is kept, so an encrypted tag matches no type.
    package var rawType: UInt8
    package var bodyLength: Int
    /// Milliseconds; wraps at 2^32.
    package var timestamp: UInt32

    package var type: FLVTagType? { FLVTagType(rawValue: rawType) }

    package init(type: FLVTagType, bodyLength: Int, timestamp: UInt32) {
        rawType = type.rawValue
        self.bodyLength = bodyLength
        self.timestamp = timestamp
    }

    package init(decoding reader: inout ByteReader) throws(FLVError) {
        do {
            rawType = try reader.integer()
            bodyLength = Int(try reader.uint24())
            let low = try reader.uint24()
            let high: UInt8 = try reader.integer()
            timestamp = UInt32(high) << 24 | low
            try reader.skip(3)
        } catch { throw .truncated }
    }

    package func write(into buffer: inout ByteBuffer) {
        buffer.writeInteger(rawType)
        buffer.writeUInt24(UInt32(truncatingIfNeeded: bodyLength))
        buffer.writeUInt24(timestamp)
        buffer.writeInteger(UInt8(timestamp >> 24))
        buffer.writeUInt24(0)
    }
}

/// The file header with the PreviousTagSize0 behind it (FLV 10.1 §E.2, §E.3).
package struct FLVFileHeader: Hashable, Sendable {
    package static let length = 13

    package var hasAudio: Bool
    package var hasVideo: Bool

    package init(hasAudio: Bool, hasVideo: Bool) {
        self.hasAudio = hasAudio
        self.hasVideo = hasVideo
    }

    package init(decoding reader: inout ByteReader) throws(FLVError) {
        do {
            let signature = try reader.uint24()
            let version: UInt8 = try reader.integer()
            let flags: UInt8 = try reader.integer()
            let dataOffset: UInt32 = try reader.integer()
            let previousTagSize0: UInt32 = try reader.integer()
            guard signature == 0x464C56, version == 1, dataOffset == 9, previousTagSize0 == 0 else {
                throw FLVError.notFLV
            }
            hasAudio = flags & 0x04 != 0
            hasVideo = flags & 0x01 != 0
        } catch let error as FLVError {
            throw error
        } catch { throw .truncated }
    }

    package func write(into buffer: inout ByteBuffer) {
        buffer.writeUInt24(0x464C56)
        buffer.writeInteger(UInt8(1))
        buffer.writeInteger(UInt8((hasAudio ? 0x04 : 0) | (hasVideo ? 0x01 : 0)))
        buffer.writeInteger(UInt32(9))
        buffer.writeInteger(UInt32(0))
    }
}
