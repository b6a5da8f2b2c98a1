package import struct NIOCore.ByteBuffer

/// Which protocol a datagram on a WebRTC path belongs to, told from its first bytes (RFC 7983 §7, RFC 5761 §4).
///
///     first octet   0…3 STUN   20…63 DTLS   64…79 TURN channel   128…191 RTP or RTCP
package enum DatagramKind: Hashable, Sendable {
    case stun
    case dtls
    case rtp
    case rtcp
    /// Empty, or of a protocol that no session here speaks (ZRTP, TURN channels, QUIC).
    case unknown

    package init(of datagram: ByteBuffer) {
        guard let first = datagram.getInteger(at: datagram.readerIndex, as: UInt8.self) else {
            self = .unknown
            return
        }
        switch first {
        case 0...3: self = .stun
        case 20...63: self = .dtls
        case 128...191:
            guard let second = datagram.getInteger(at: datagram.readerIndex + 1, as: UInt8.self) else {
                self = .unknown
                return
            }
            // With the marker bit in front these are RTP's payload types 64 to 95, which RFC 5761 keeps free for RTCP.
            self = 192...223 ~= second ? .rtcp : .rtp
        default: self = .unknown
        }
    }
}
