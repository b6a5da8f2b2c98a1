package import struct NIOCore.ByteBuffer

/// VP8 over RTP (RFC 7741 §4.2), with 15-bit picture ids so that a receiver sees which pictures it misses.
package struct VP8Packetizer: Sendable {
    private var pictureID: UInt16 = 0
    private let limits: PacketizationLimits

    private static let descriptorBytes = 4

    package init(limits: PacketizationLimits = PacketizationLimits()) { self.limits = limits }

    package mutating func packetize(_ frame: ByteBuffer) -> [RTPPayload] {
        var rest = frame
        var writer = PayloadWriter(capacity: frame.readableBytes + frame.readableBytes / 128 + 64)
        var isStart = true
        while rest.readableBytes > 0,
            let piece = rest.readSlice(length: min(rest.readableBytes, limits.payloadBytesMax - Self.descriptorBytes))
        {
            // X; S on the first packet of partition 0, and we never begin a packet anew at a partition.
            writer.storage.writeInteger(UInt8(0x80) | (isStart ? 0x10 : 0))
            writer.storage.writeInteger(UInt8(0x80))
            writer.storage.writeInteger(0x8000 | pictureID)
            writer.storage.writeImmutableBuffer(piece)
            writer.endPayload()
            isStart = false
        }
        pictureID = (pictureID + 1) & 0x7FFF
        return writer.payloads()
    }
}

/// The first bytes of a VP8 frame (RFC 6386 §9.1).
package enum VP8FrameHeader {
    package static func isKeyframe(_ frame: ByteBuffer) -> Bool {
        frame.getInteger(at: frame.readerIndex, as: UInt8.self).map { $0 & 1 == 0 } ?? false
    }

    /// Of a keyframe: three bytes of tag, the start code, then 14 bits each.
    package static func pictureSize(_ frame: ByteBuffer) -> (width: Int, height: Int)? {
        guard isKeyframe(frame), let bytes = frame.getBytes(at: frame.readerIndex, length: 10),
            bytes[3...5].elementsEqual([0x9D, 0x01, 0x2A])
        else { return nil }
        let width = Int(bytes[6]) | Int(bytes[7] & 0x3F) << 8
        let height = Int(bytes[8]) | Int(bytes[9] & 0x3F) << 8
        return width > 0 && height > 0 ? (width, height) : nil
    }
}
