/// Names one source of packets within a session (RFC 3550 §3).
package struct SSRC: Hashable, Sendable, CustomStringConvertible {
    package var value: UInt32

    package init(_ value: UInt32) { self.value = value }

    package var description: String { String(value) }
}

/// Seven bits that name a format the session description explains (RFC 3550 §5.1).
package struct PayloadType: Hashable, Sendable, CustomStringConvertible {
    package let value: UInt8

    /// Nil above 127.
    package init?(_ value: Int) {
        guard (0...127).contains(value) else { return nil }
        self.value = UInt8(value)
    }

    init(masking byte: UInt8) { value = byte & 0x7F }

    package var description: String { String(value) }
}

/// Tells RTCP from RTP on one port by the second byte (RFC 5761 §4).
package enum RTPMultiplex: Sendable {
    package static func isRTCP(secondByte: UInt8) -> Bool { (192...223).contains(secondByte) }
}
