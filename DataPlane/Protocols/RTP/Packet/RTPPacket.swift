import Bytes

package import struct NIOCore.ByteBuffer

/// One RTP packet (RFC 3550 §5.1). The payload is a slice of the datagram it came in.
///
/// ```
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// |V=2|P|X|  CC   |M|     PT      |        sequence number        |
/// |                           timestamp                           |
/// |                             SSRC                              |
/// |                        CSRC × CC, extension                   |
/// ```
package struct RTPPacket: Hashable, Sendable {
    package var marker: Bool
    package var payloadType: PayloadType
    package var sequence: UInt16
    package var timestamp: UInt32
    package var ssrc: SSRC
    package var contributors: [SSRC]
    package var headerExtension: HeaderExtensionBlock?
    package var payload: ByteBuffer
    /// Counted in the datagram, not in `payload`.
    package var paddingBytes: UInt8

    package static let fixedHeaderBytes = 12

    package init(
        marker: Bool = false,
        payloadType: PayloadType,
        sequence: UInt16,
        timestamp: UInt32,
        ssrc: SSRC,
        contributors: [SSRC] = [],
        headerExtension: HeaderExtensionBlock? = nil,
        payload: ByteBuffer,
        paddingBytes: UInt8 = 0
    ) {
        self.marker = marker
        self.payloadType = payloadType
        self.sequence = sequence
        self.timestamp = timestamp
        self.ssrc = ssrc
        self.contributors = contributors
        self.headerExtension = headerExtension
        self.payload = payload
        self.paddingBytes = paddingBytes
    }

    package init(parsing datagram: ByteBuffer) throws(RTPError) {
        var reader = ByteReader(datagram)
        self = try RTPError.reading(.packet) { try Self(from: &reader) }
    }

    private init(from reader: inout ByteReader) throws {
        let first: UInt8 = try reader.integer()
        guard first >> 6 == 2 else { throw RTPError.malformed(.packet, "version \(first >> 6), not 2") }
        let second: UInt8 = try reader.integer()
        marker = second & 0x80 != 0
        payloadType = PayloadType(masking: second)
        sequence = try reader.integer()
        timestamp = try reader.integer()
        ssrc = SSRC(try reader.integer())
        contributors = try (0..<(first & 0x0F)).map { _ in SSRC(try reader.integer()) }
        headerExtension = first & 0x10 != 0 ? try HeaderExtensionBlock(from: &reader) : nil
        payload = reader.rest()
        paddingBytes = 0
        guard first & 0x20 != 0 else { return }
        let view = payload.readableBytesView
        guard let padding = view.last, padding > 0, Int(padding) <= view.count else {
            throw RTPError.malformed(.packet, "padding longer than the payload")
        }
        paddingBytes = padding
        payload = payload.getSlice(at: payload.readerIndex, length: view.count - Int(padding)) ?? payload
    }

    package func encode(into bytes: inout ByteBuffer) {
        encodeHeader(into: &bytes)
        bytes.writeImmutableBuffer(payload)
        guard paddingBytes > 0 else { return }
        bytes.writeRepeatingByte(0, count: Int(paddingBytes) - 1)
        bytes.writeInteger(paddingBytes)
    }

    package var encoded: ByteBuffer {
        var bytes = ByteBuffer()
        encode(into: &bytes)
        return bytes
    }

    private func encodeHeader(into bytes: inout ByteBuffer) {
        let count = min(contributors.count, 15)
        bytes.writeInteger(
            UInt8(0x80 | count) | (paddingBytes > 0 ? 0x20 : 0) | (headerExtension == nil ? 0 : 0x10)
        )
        bytes.writeInteger(payloadType.value | (marker ? 0x80 : 0))
        bytes.writeInteger(sequence)
        bytes.writeInteger(timestamp)
        bytes.writeInteger(ssrc.value)
        for contributor in contributors.prefix(count) { bytes.writeInteger(contributor.value) }
        headerExtension?.encode(into: &bytes)
    }
}
