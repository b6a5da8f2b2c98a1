import struct NIOCore.ByteBuffer

/// What stands in front of each Opus packet in a transport stream ("Opus in MPEG-2 TS", opus_control_header).
struct OpusControlHeader: Hashable, Sendable {
    /// The upper 11 bits.
    static let prefix: UInt16 = 0x7FE0
    /// Prefix, a size of 16 bytes, two trims, an extension.
    static let bytesMax = 2 + 16 + 4 + 256

    let headerBytes: Int
    let payloadBytes: Int

    /// Nil when the header is not whole.
    init?(parsing bytes: ByteBuffer) {
        var reader = bytes
        guard let flags = reader.readInteger(as: UInt16.self) else { return nil }
        var size = 0
        while true {
            guard let byte = reader.readInteger(as: UInt8.self) else { return nil }
            size += Int(byte)
            if byte != 255 { break }
        }
        let trims = (flags & 0x10 != 0 ? 2 : 0) + (flags & 0x08 != 0 ? 2 : 0)
        guard reader.readSlice(length: trims) != nil else { return nil }
        if flags & 0x04 != 0 {
            guard let length = reader.readInteger(as: UInt8.self), reader.readSlice(length: Int(length)) != nil else {
                return nil
            }
        }
        headerBytes = bytes.readableBytes - reader.readableBytes
        payloadBytes = size
    }

    /// The header of a packet of `payloadBytes` that is heard whole.
    static func encoded(payloadBytes: Int) -> ByteBuffer {
        var bytes = ByteBuffer()
        bytes.writeInteger(prefix)
        bytes.writeRepeatingByte(255, count: payloadBytes / 255)
        bytes.writeInteger(UInt8(payloadBytes % 255))
        return bytes
    }
}
