import SecureTransport

/// The few fields of RTP and RTCP headers that their protection depends on.
enum SRTPWire {
    struct RTPHeader {
        var length: Int
        var sequence: UInt16
        var ssrc: UInt32
    }

    /// What stays in the clear: fixed header, CSRCs and the extension (RFC 3711 §3.1).
    static func rtpHeader(_ bytes: UnsafeRawBufferPointer) throws(SRTPError) -> RTPHeader {
        guard bytes.count >= 12 else { throw .malformed("shorter than an RTP header") }
        guard bytes[0] >> 6 == 2 else { throw .malformed("not version 2") }
        var length = 12 + 4 * Int(bytes[0] & 0x0F)
        if bytes[0] & 0x10 != 0 {
            guard bytes.count >= length + 4 else { throw .malformed("the extension is cut off") }
            length += 4 + 4 * (Int(bytes[length + 2]) << 8 | Int(bytes[length + 3]))
        }
        guard bytes.count >= length else { throw .malformed("the header is cut off") }
        return RTPHeader(length: length, sequence: UInt16(bytes[2]) << 8 | UInt16(bytes[3]), ssrc: word(bytes, 8))
    }

    static let rtcpHeaderBytes = 8
    static let rtcpIndexBytes = 4
    static let encryptedFlag: UInt32 = 0x8000_0000

    static func rtcpSource(_ bytes: UnsafeRawBufferPointer) throws(SRTPError) -> UInt32 {
        guard bytes.count >= rtcpHeaderBytes else { throw .malformed("shorter than an RTCP header") }
        guard bytes[0] >> 6 == 2 else { throw .malformed("not version 2") }
        return word(bytes, 4)
    }

    static func word(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> UInt32 {
        UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }

    static func store(_ value: UInt32, _ bytes: UnsafeMutableRawBufferPointer, _ offset: Int) {
        bytes.storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt32.self)
    }
}
