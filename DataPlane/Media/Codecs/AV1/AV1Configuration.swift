import Bytes

package import struct NIOCore.ByteBuffer

/// `AV1CodecConfigurationRecord` (AV1-ISOBMFF §2.3.3), the `av1C` box.
package struct AV1Configuration: Hashable, Sendable {
    package let profile: UInt8
    package let level: UInt8
    package let isHighTier: Bool
    package let bitDepth: Int
    /// From the record's `configOBUs`, which may lack it.
    package let sequenceHeader: AV1SequenceHeader?

    package init(parsing bytes: ByteBuffer) throws(CodecError) {
        var bits = BitReader(ByteBuffer(bytes.readableBytesView.prefix(4)))
        let fields = try CodecError.reading(.av1Configuration) {
            (
                marker: try bits.bits(8), profile: try bits.bits(3), level: try bits.bits(5), tier: try bits.bit(),
                highBitDepth: try bits.bit(), twelveBit: try bits.bit(), rest: try bits.bits(13)
            )
        }
        guard fields.marker == 0x81 else {
            throw .malformed(.av1Configuration, "marker and version are \(UInt8(fields.marker).hexadecimal), not 81")
        }
        profile = UInt8(fields.profile)
        level = UInt8(fields.level)
        isHighTier = fields.tier
        bitDepth = fields.highBitDepth ? (fields.twelveBit ? 12 : 10) : 8
        let units = bytes.getSlice(at: bytes.readerIndex + 4, length: bytes.readableBytes - 4) ?? ByteBuffer()
        sequenceHeader = try AV1SequenceHeader(inOBUs: units)
    }

    /// The record for a stream that begins with the sequence header in `units`; nil when there is none in full.
    package static func record(sequenceHeaderIn units: ByteBuffer) throws(CodecError) -> ByteBuffer? {
        guard let header = try AV1SequenceHeader(inOBUs: units), let colour = header.colour,
            let unit = try AV1SequenceHeader.unit(inOBUs: units)
        else { return nil }
        var bytes = ByteBuffer(bytes: [0x81, header.profile << 5 | header.level])
        bytes.writeInteger((header.isHighTier ? 0x80 : 0) | colour.recordBits)
        bytes.writeInteger(UInt8(0))
        bytes.writeImmutableBuffer(unit)
        return bytes
    }

    /// AV1-ISOBMFF §5.
    package var codecString: String {
        "av01.\(profile).\(level < 10 ? "0" : "")\(level)\(isHighTier ? "H" : "M").\(bitDepth < 10 ? "0" : "")\(bitDepth)"
    }
}
