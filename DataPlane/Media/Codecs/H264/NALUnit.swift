package import struct NIOCore.ByteBuffer

/// What the first byte of an H.264 NAL unit says (ITU-T H.264 §7.4.1, table 7-1).
package enum H264NALUnitType: UInt8, Sendable {
    case nonIDRSlice = 1
    case idrSlice = 5
    case supplementalEnhancement = 6
    case sequenceParameterSet = 7
    case pictureParameterSet = 8
    case accessUnitDelimiter = 9

    package init?(of nalUnit: ByteBuffer) {
        guard let header = nalUnit.getInteger(at: nalUnit.readerIndex, as: UInt8.self) else { return nil }
        self.init(rawValue: header & 0x1F)
    }
}

/// Raw byte sequence payloads (ITU-T H.264 §7.4.1.1, the same in H.265).
package enum RBSP {
    /// The bytes of a NAL unit without its `header` bytes and emulation prevention bytes.
    package static func unescape(_ nalUnit: ByteBuffer, headerBytes: Int) -> [UInt8] {
        var payload: [UInt8] = []
        payload.reserveCapacity(nalUnit.readableBytes)
        var zeros = 0
        for byte in nalUnit.readableBytesView.dropFirst(headerBytes) {
            if zeros >= 2, byte == 3 {
                zeros = 0
                continue
            }
            zeros = byte == 0 ? zeros + 1 : 0
            payload.append(byte)
        }
        return payload
    }
}
