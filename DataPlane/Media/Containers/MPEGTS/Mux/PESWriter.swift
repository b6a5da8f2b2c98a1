import struct NIOCore.ByteBuffer

/// Writes PES packets (ISO/IEC 13818-1 §2.4.3.6).
enum PESWriter {
    /// `decode` is left out where it equals `presentation`. The length is told when it fits: a receiver then need not wait for
    /// the next packet to know that this one is whole.
    static func packet(
        streamID: UInt8,
        presentation: TSTimestamp,
        decode: TSTimestamp?,
        payload: ByteBuffer
    ) -> ByteBuffer {
        let stampBytes = decode == nil ? 5 : 10
        let length = 3 + stampBytes + payload.readableBytes
        var bytes = ByteBuffer()
        bytes.reserveCapacity(6 + length)
        bytes.writeInteger(UInt32(0x100) | UInt32(streamID))
        bytes.writeInteger(length <= Int(UInt16.max) ? UInt16(length) : 0)
        // "10", and data_alignment_indicator: each packet begins with a unit.
        bytes.writeInteger(UInt8(0x84))
        bytes.writeInteger(UInt8(decode == nil ? 0x80 : 0xC0))
        bytes.writeInteger(UInt8(stampBytes))
        write(presentation, prefix: decode == nil ? 2 : 3, into: &bytes)
        if let decode { write(decode, prefix: 1, into: &bytes) }
        bytes.writeImmutableBuffer(payload)
        return bytes
    }

    private static func write(_ stamp: TSTimestamp, prefix: UInt8, into bytes: inout ByteBuffer) {
        let value = stamp.value
        bytes.writeInteger(prefix << 4 | UInt8(truncatingIfNeeded: value >> 30 & 7) << 1 | 1)
        bytes.writeInteger(UInt16(truncatingIfNeeded: value >> 15 & 0x7FFF) << 1 | 1)
        bytes.writeInteger(UInt16(truncatingIfNeeded: value & 0x7FFF) << 1 | 1)
    }
}
