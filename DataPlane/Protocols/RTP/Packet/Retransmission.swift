import struct NIOCore.ByteBuffer

/// Retransmission in a stream of its own (RFC 4588 §4): the payload begins with the lost packet's sequence number.
extension RTPPacket {
    /// The packet that `self`, of an RTX stream, repeats. Nil for RTX packets without content, which senders use as padding.
    package func original(ssrc: SSRC, payloadType: PayloadType) throws(RTPError) -> RTPPacket? {
        guard payload.readableBytes > 0 else { return nil }
        var rest = payload
        guard let sequence = rest.readInteger(as: UInt16.self) else { throw .truncated(.retransmission) }
        guard rest.readableBytes > 0 else { return nil }
        return RTPPacket(
            marker: marker,
            payloadType: payloadType,
            sequence: sequence,
            timestamp: timestamp,
            ssrc: ssrc,
            contributors: contributors,
            headerExtension: headerExtension,
            payload: rest
        )
    }
}
