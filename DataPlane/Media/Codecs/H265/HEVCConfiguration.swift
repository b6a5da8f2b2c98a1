import Bytes

package import struct NIOCore.ByteBuffer

/// `HEVCDecoderConfigurationRecord` (ISO/IEC 14496-15 §8.3.3.1), the `hvcC` box.
package struct HEVCConfiguration: Hashable, Sendable {
    package enum ParameterSetType: UInt8, Sendable {
        case video = 32
        case sequence = 33
        case picture = 34
    }

    package let profileSpace: UInt8
    package let isHighTier: Bool
    package let profile: UInt8
    package let profileCompatibility: UInt32
    package let constraints: [UInt8]
    package let level: UInt8
    /// Bytes in front of each NAL unit of the stream this record came with: 1, 2 or 4.
    package let lengthBytes: Int
    /// NAL units by `nal_unit_type`, in the record's order.
    package let nalUnits: [(type: UInt8, unit: ByteBuffer)]

    /// 16 VPS, 16 SPS and 64 PPS are all there can be; the rest is for SEI. An empty unit costs two bytes and becomes many.
    private static let nalUnitsMax = 256

    package init(parsing bytes: ByteBuffer) throws(CodecError) {
        var reader = ByteReader(bytes)
        self = try CodecError.reading(.hevcConfiguration) { try Self(from: &reader) }
    }

    private init(from reader: inout ByteReader) throws {
        let version: UInt8 = try reader.integer()
        guard version == 1 else { throw CodecError.malformed(.hevcConfiguration, "version \(version), not 1") }
        let profileByte: UInt8 = try reader.integer()
        profileSpace = profileByte >> 6
        isHighTier = profileByte & 0x20 != 0
        profile = profileByte & 0x1F
        profileCompatibility = try reader.integer()
        constraints = try (0..<6).map { _ in try reader.integer() }
        level = try reader.integer()
        // min_spatial_segmentation, parallelism, chroma format, bit depths, average frame rate
        try reader.skip(8)
        let length = try reader.integer(as: UInt8.self) & 3
        guard length != 2 else { throw CodecError.malformed(.hevcConfiguration, "NAL unit lengths of 3 bytes") }
        lengthBytes = Int(length) + 1
        var units: [(type: UInt8, unit: ByteBuffer)] = []
        for _ in 0..<(try reader.integer(as: UInt8.self)) {
            let type = try reader.integer(as: UInt8.self) & 0x3F
            for _ in 0..<(try reader.integer(as: UInt16.self)) {
                guard units.count < Self.nalUnitsMax else {
                    throw CodecError.malformed(.hevcConfiguration, "more than \(Self.nalUnitsMax) NAL units")
                }
                units.append((type, try reader.slice(Int(try reader.integer(as: UInt16.self)))))
            }
        }
        nalUnits = units
    }

    /// The record for parameter sets found in a byte stream. Nil without an SPS and a PPS.
    package static func record(
        videoParameterSets: [ByteBuffer],
        sequenceParameterSets: [ByteBuffer],
        pictureParameterSets: [ByteBuffer]
    ) throws(CodecError) -> ByteBuffer? {
        guard let first = sequenceParameterSets.first, !pictureParameterSets.isEmpty else { return nil }
        let sps = try H265SequenceParameterSet(parsing: first)
        var bytes = ByteBuffer(bytes: [1] + sps.generalProfileTierLevel)
        bytes.writeInteger(UInt16(0xF000))
        // Parallelism is not told; then chroma format, bit depths, no average frame rate.
        bytes.writeBytes([
            0xFC, 0xFC | sps.chromaFormat, 0xF8 | (sps.bitDepthLuma - 8), 0xF8 | (sps.bitDepthChroma - 8), 0, 0,
            UInt8(sps.subLayers & 7) << 3 | (sps.isTemporalIDNested ? 4 : 0) | 3,
        ])
        let arrays: [(ParameterSetType, [ByteBuffer])] = [
            (.video, videoParameterSets), (.sequence, sequenceParameterSets), (.picture, pictureParameterSets),
        ]
        let present = arrays.filter { !$0.1.isEmpty }
        bytes.writeInteger(UInt8(present.count))
        for (type, units) in present {
            // All of the kind are here, none in the stream.
            bytes.writeInteger(0x80 | type.rawValue)
            bytes.writeInteger(UInt16(units.count))
            for unit in units {
                bytes.writeInteger(UInt16(clamping: unit.readableBytes))
                bytes.writeImmutableBuffer(unit)
            }
        }
        return bytes
    }

    package func parameterSets(_ type: ParameterSetType) -> [ByteBuffer] {
        nalUnits.filter { $0.type == type.rawValue }.map(\.unit)
    }

    /// ISO/IEC 14496-15 §E.3: profile, reversed compatibility flags, tier and level, constraint bytes.
    package var codecString: String {
        let space = ["", "A", "B", "C"][Int(profileSpace & 3)]
        let flags = String(profileCompatibility.reversedBits, radix: 16, uppercase: true)
        let used = constraints.lastIndex { $0 != 0 }.map { constraints[...$0] } ?? []
        return "hvc1.\(space)\(profile).\(flags).\(isHighTier ? "H" : "L")\(level)"
            + used.map { "." + String($0, radix: 16, uppercase: true) }.joined()
    }

    package static func == (lhs: Self, rhs: Self) -> Bool {
        lhs.codecString == rhs.codecString && lhs.lengthBytes == rhs.lengthBytes
            && lhs.nalUnits.elementsEqual(rhs.nalUnits) { $0.type == $1.type && $0.unit == $1.unit }
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(codecString)
        for (type, unit) in nalUnits {
            hasher.combine(type)
            hasher.combine(unit)
        }
    }
}

extension UInt32 {
    fileprivate var reversedBits: UInt32 { (0..<32).reduce(0) { $0 << 1 | (self >> UInt32($1) & 1) } }
}
