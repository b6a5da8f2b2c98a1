import Bytes

package import struct NIOCore.ByteBuffer

/// `AVCDecoderConfigurationRecord` (ISO/IEC 14496-15 §5.3.3.1), the `avcC` box and FLV's AVC sequence header.
package struct AVCConfiguration: Hashable, Sendable {
    package var profile: UInt8
    package var profileCompatibility: UInt8
    package var level: UInt8
    /// Bytes in front of each NAL unit of the stream this record came with: 1, 2 or 4.
    package var lengthBytes: Int
    package var sequenceParameterSets: [ByteBuffer]
    package var pictureParameterSets: [ByteBuffer]
    /// The chroma and bit depth fields of High profiles, as they came.
    package var highProfileFields: ByteBuffer

    /// The record for parameter sets found in a byte stream. Nil without an SPS of at least four bytes and a PPS.
    package init?(sequenceParameterSets: [ByteBuffer], pictureParameterSets: [ByteBuffer]) {
        guard let sps = sequenceParameterSets.first, !pictureParameterSets.isEmpty,
            let head = sps.getBytes(at: sps.readerIndex, length: 4)
        else { return nil }
        (profile, profileCompatibility, level) = (head[1], head[2], head[3])
        lengthBytes = 4
        self.sequenceParameterSets = sequenceParameterSets
        self.pictureParameterSets = pictureParameterSets
        highProfileFields = Self.highProfileFields(of: sps)
    }

    package init(parsing bytes: ByteBuffer) throws(CodecError) {
        var reader = ByteReader(bytes)
        let fixed = try CodecError.reading(.avcConfiguration) {
            (
                version: try reader.integer(as: UInt8.self), profile: try reader.integer(as: UInt8.self),
                compatibility: try reader.integer(as: UInt8.self), level: try reader.integer(as: UInt8.self),
                length: try reader.integer(as: UInt8.self) & 3
            )
        }
        guard fixed.version == 1 else { throw .malformed(.avcConfiguration, "version \(fixed.version), not 1") }
        guard fixed.length != 2 else { throw .malformed(.avcConfiguration, "NAL unit lengths of 3 bytes") }
        (profile, profileCompatibility, level) = (fixed.profile, fixed.compatibility, fixed.level)
        lengthBytes = Int(fixed.length) + 1
        sequenceParameterSets = try Self.parameterSets(from: &reader, countMask: 0x1F)
        pictureParameterSets = try Self.parameterSets(from: &reader, countMask: 0xFF)
        highProfileFields = reader.rest()
        guard !sequenceParameterSets.isEmpty else { throw .malformed(.avcConfiguration, "no sequence parameter set") }
    }

    /// The record with 4-byte lengths, which is how `AccessUnit` carries NAL units.
    package func encoded() -> ByteBuffer {
        var bytes = ByteBuffer()
        bytes.writeBytes([1, profile, profileCompatibility, level, 0xFC | 3])
        bytes.writeInteger(0xE0 | UInt8(min(sequenceParameterSets.count, 31)))
        for set in sequenceParameterSets.prefix(31) { Self.write(set, into: &bytes) }
        bytes.writeInteger(UInt8(min(pictureParameterSets.count, 255)))
        for set in pictureParameterSets.prefix(255) { Self.write(set, into: &bytes) }
        bytes.writeImmutableBuffer(highProfileFields)
        return bytes
    }

    /// RFC 6381 §3.3.
    package var codecString: String { "avc1." + [profile, profileCompatibility, level].map(\.hexadecimal).joined() }

    private static func parameterSets(from reader: inout ByteReader, countMask: UInt8) throws(CodecError)
        -> [ByteBuffer]
    {
        try CodecError.reading(.avcConfiguration) {
            let count = try reader.integer(as: UInt8.self) & countMask
            return try (0..<count).map { _ in try reader.slice(Int(try reader.integer(as: UInt16.self))) }
        }
    }

    private static func write(_ set: ByteBuffer, into bytes: inout ByteBuffer) {
        let set = set.getSlice(at: set.readerIndex, length: min(set.readableBytes, Int(UInt16.max))) ?? set
        bytes.writeInteger(UInt16(set.readableBytes))
        bytes.writeImmutableBuffer(set)
    }

    private static func highProfileFields(of sps: ByteBuffer) -> ByteBuffer {
        guard let parsed = try? H264SequenceParameterSet(parsing: sps), parsed.hasChromaFields else {
            return ByteBuffer()
        }
        return ByteBuffer(bytes: [
            0xFC | parsed.chromaFormat, 0xF8 | (parsed.bitDepthLuma - 8), 0xF8 | (parsed.bitDepthChroma - 8), 0,
        ])
    }
}

extension UInt8 {
    var hexadecimal: String { (self < 16 ? "0" : "") + String(self, radix: 16) }
}
