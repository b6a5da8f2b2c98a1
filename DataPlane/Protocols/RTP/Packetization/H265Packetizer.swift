import Codecs

package import struct NIOCore.ByteBuffer

/// Types of RFC 7798 §4.4, beyond those of HEVC.
enum H265PayloadType {
    static let aggregation: UInt8 = 48
    static let fragmentation: UInt8 = 49
}

/// HEVC over RTP (RFC 7798), without DONL: units go in decoding order.
package struct H265Packetizer: Sendable {
    private let parameterSets: [ByteBuffer]
    private let limits: PacketizationLimits

    package init(parameterSets: [ByteBuffer], limits: PacketizationLimits = PacketizationLimits()) {
        self.parameterSets = parameterSets
        self.limits = limits
    }

    package func packetize(_ unit: ByteBuffer, isKeyframe: Bool) throws(RTPError) -> [RTPPayload] {
        guard let split = try? LengthPrefixedNALUnits.split(unit) else { throw .truncated(.h265) }
        // A NAL unit has a header of two bytes; less is none.
        var units = split.filter { $0.readableBytes >= 2 }
        let hasSets = units.contains { H265NALUnitType(of: $0) == .sequenceParameterSet }
        if isKeyframe, !hasSets {
            units.insert(parameterSets: parameterSets) { H265NALUnitType(of: $0) == .accessUnitDelimiter }
        }
        var writer = PayloadWriter(capacity: units.reduce(0) { $0 + $1.readableBytes + 8 } + unit.readableBytes / 256)
        H265Format.write(units, payloadBytesMax: limits.payloadBytesMax, into: &writer)
        return writer.payloads()
    }
}

/// Aggregation and fragmentation packets.
private enum H265Format: NALUnitFormat {
    /// §4.4.2: layer id and temporal id are the lowest of the units'.
    static func aggregation(of headers: [UInt16]) -> UInt16 {
        let layer = headers.map { $0 & 0x01F8 }.min() ?? 0
        let temporal = headers.map { $0 & 0x0007 }.min() ?? 1
        return UInt16(H265PayloadType.aggregation) << 9 | layer | temporal
    }

    /// §4.4.3.
    static func fragment(of header: UInt16) -> (header: UInt16, type: UInt8) {
        (header & 0x81FF | UInt16(H265PayloadType.fragmentation) << 9, UInt8(header >> 9 & 0x3F))
    }
}

/// The types we act on (ITU-T H.265 table 7-1).
enum H265NALUnitType: UInt8 {
    case videoParameterSet = 32
    case sequenceParameterSet = 33
    case pictureParameterSet = 34
    case accessUnitDelimiter = 35

    init?(of nalUnit: ByteBuffer) {
        guard let type = Self.rawType(of: nalUnit) else { return nil }
        self.init(rawValue: type)
    }

    static func rawType(of nalUnit: ByteBuffer) -> UInt8? {
        guard nalUnit.readableBytes >= 2 else { return nil }
        return nalUnit.getInteger(at: nalUnit.readerIndex, as: UInt8.self).map { $0 >> 1 & 0x3F }
    }

    /// BLA, IDR and CRA pictures, and the reserved ones beside them.
    static func isIRAP(_ type: UInt8) -> Bool { (16...23).contains(type) }
}
