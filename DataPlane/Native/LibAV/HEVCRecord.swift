import Codecs

import struct NIOCore.ByteBuffer

/// Writes the `HEVCDecoderConfigurationRecord` (ISO/IEC 14496-15 §8.3.3.1) of an encoder that makes 8-bit 4:2:0.
enum HEVCRecord {
    private static let parameterSets: ClosedRange<UInt8> = 32...34

    /// Nil unless there are a VPS, an SPS and a PPS.
    static func write(parameterSets units: [ByteBuffer]) -> ByteBuffer? {
        let byType = Dictionary(grouping: units.filter { parameterSets.contains(type(of: $0)) }, by: type)
        guard byType.count == parameterSets.count, let sps = byType[33]?.first else { return nil }
        // profile_tier_level follows one byte of the SPS, and has twelve up to general_level_idc (H.265 §7.3.2.2.1).
        let profile = RBSP.unescape(sps, headerBytes: 2).dropFirst().prefix(12)
        guard profile.count == 12 else { return nil }
        var record = ByteBuffer(bytes: [1])
        record.writeBytes(profile)
        // No spatial segmentation, unknown parallelism, 4:2:0, 8 bits twice, unknown frame rate, one temporal layer,
        // 4-byte lengths.
        record.writeBytes([0xF0, 0, 0xFC, 0xFD, 0xF8, 0xF8, 0, 0, 0x0F, UInt8(byType.count)])
        for (type, units) in byType.sorted(by: { $0.key < $1.key }) {
            record.writeInteger(0x80 | type)
            record.writeInteger(UInt16(units.count))
            for unit in units {
                record.writeInteger(UInt16(clamping: unit.readableBytes))
                record.writeImmutableBuffer(unit)
            }
        }
        return record
    }

    private static func type(of unit: ByteBuffer) -> UInt8 {
        (unit.getInteger(at: unit.readerIndex, as: UInt8.self) ?? 0) >> 1 & 0x3F
    }
}
