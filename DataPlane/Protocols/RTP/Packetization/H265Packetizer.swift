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
            let isDelimited = units.first.flatMap { H265NALUnitType(of: $0) } == .accessUnitDelimiter
            units.insert(contentsOf: parameterSets, at: isDelimited ? 1 : 0)
        }
        var writer = PayloadWriter(capacity: units.reduce(0) { $0 + $1.readableBytes + 8 } + unit.readableBytes / 256)
        var rest = units[...]
        while let first = rest.first {
            let together = aggregable(rest)
            if together > 1 {
                writeAggregation(rest.prefix(together), into: &writer)
            } else if first.readableBytes <= limits.payloadBytesMax {
                writer.storage.writeImmutableBuffer(first)
                writer.endPayload()
            } else {
                writeFragments(first, into: &writer)
            }
            rest.removeFirst(max(1, together))
        }
        return writer.payloads()
    }

    private func aggregable(_ units: ArraySlice<ByteBuffer>) -> Int {
        var size = 2
        return units.prefix {
            size += 2 + $0.readableBytes
            return size <= limits.payloadBytesMax
        }.count
    }

    /// §4.4.2: layer id and temporal id are the lowest of the units'.
    private func writeAggregation(_ units: ArraySlice<ByteBuffer>, into writer: inout PayloadWriter) {
        let headers = units.compactMap { $0.getInteger(at: $0.readerIndex, as: UInt16.self) }
        let layer = headers.map { $0 & 0x01F8 }.min() ?? 0
        let temporal = headers.map { $0 & 0x0007 }.min() ?? 1
        writer.storage.writeInteger(UInt16(H265PayloadType.aggregation) << 9 | layer | temporal)
        for unit in units {
            writer.storage.writeInteger(UInt16(unit.readableBytes))
            writer.storage.writeImmutableBuffer(unit)
        }
        writer.endPayload()
    }

    /// §4.4.3: the unit's header with the type of a fragment, then S, E and the unit's type.
    private func writeFragments(_ unit: ByteBuffer, into writer: inout PayloadWriter) {
        var rest = unit
        guard let header = rest.readInteger(as: UInt16.self) else { return }
        let type = UInt8(header >> 9 & 0x3F)
        var isStart = true
        while let piece = rest.readSlice(length: min(rest.readableBytes, limits.payloadBytesMax - 3)) {
            let isEnd = rest.readableBytes == 0
            writer.storage.writeInteger(header & 0x81FF | UInt16(H265PayloadType.fragmentation) << 9)
            writer.storage.writeInteger(type | (isStart ? 0x80 : 0) | (isEnd ? 0x40 : 0))
            writer.storage.writeImmutableBuffer(piece)
            writer.endPayload()
            if isEnd { return }
            isStart = false
        }
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
