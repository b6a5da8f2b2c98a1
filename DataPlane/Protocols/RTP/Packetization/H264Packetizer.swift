import Codecs

package import struct NIOCore.ByteBuffer

/// `packetization-mode` (RFC 6184 §8.1).
package enum H264PacketizationMode: Int, Hashable, Sendable {
    /// One NAL unit a packet: the encoder has to keep its slices below the packet size.
    case singleNALUnit = 0
    /// Also STAP-A and FU-A.
    case nonInterleaved = 1
}

/// Types of RFC 6184 §5.2, beyond those of H.264.
enum H264PayloadType {
    static let stapA: UInt8 = 24
    static let fuA: UInt8 = 28
}

/// H.264 over RTP (RFC 6184). Keyframes carry their parameter sets: a viewer may join at any of them.
package struct H264Packetizer: Sendable {
    private let mode: H264PacketizationMode
    private let parameterSets: [ByteBuffer]
    private let limits: PacketizationLimits

    package init(
        mode: H264PacketizationMode,
        parameterSets: [ByteBuffer],
        limits: PacketizationLimits = PacketizationLimits()
    ) {
        self.mode = mode
        self.parameterSets = parameterSets
        self.limits = limits
    }

    package func packetize(_ unit: ByteBuffer, isKeyframe: Bool) throws(RTPError) -> [RTPPayload] {
        guard var units = try? LengthPrefixedNALUnits.split(unit) else { throw .truncated(.h264) }
        let hasSets = units.contains { H264NALUnitType(of: $0) == .sequenceParameterSet }
        if isKeyframe, !hasSets { insertParameterSets(into: &units) }
        var writer = PayloadWriter(capacity: units.reduce(0) { $0 + $1.readableBytes + 8 } + unit.readableBytes / 256)
        switch mode {
        case .singleNALUnit: try writeSingle(units, into: &writer)
        case .nonInterleaved: writeAggregatedOrFragmented(units, into: &writer)
        }
        return writer.payloads()
    }

    /// An access unit delimiter stays first (H.264 §7.4.1.2.3).
    private func insertParameterSets(into units: inout [ByteBuffer]) {
        let isDelimited = units.first.flatMap { H264NALUnitType(of: $0) } == .accessUnitDelimiter
        units.insert(contentsOf: parameterSets, at: isDelimited ? 1 : 0)
    }

    private func writeSingle(_ units: [ByteBuffer], into writer: inout PayloadWriter) throws(RTPError) {
        for unit in units {
            guard unit.readableBytes <= limits.payloadBytesMax else {
                throw .cannotPacketize(
                    "a NAL unit of \(unit.readableBytes) bytes does not fit a packet, and packetization mode 0 has no "
                        + "fragments; offer packetization-mode=1 or let the encoder make smaller slices"
                )
            }
            writer.storage.writeImmutableBuffer(unit)
            writer.endPayload()
        }
    }

    private func writeAggregatedOrFragmented(_ units: [ByteBuffer], into writer: inout PayloadWriter) {
        var rest = units[...]
        while let unit = rest.first {
            let together = aggregable(rest)
            if together > 1 {
                writeSTAPA(rest.prefix(together), into: &writer)
            } else if unit.readableBytes <= limits.payloadBytesMax {
                writer.storage.writeImmutableBuffer(unit)
                writer.endPayload()
            } else {
                writeFUA(unit, into: &writer)
            }
            rest.removeFirst(max(1, together))
        }
    }

    /// How many of the next units fit one STAP-A.
    private func aggregable(_ units: ArraySlice<ByteBuffer>) -> Int {
        var size = 1
        return units.prefix {
            size += 2 + $0.readableBytes
            return size <= limits.payloadBytesMax
        }.count
    }

    /// §5.7.1. The NRI is the greatest of the units'.
    private func writeSTAPA(_ units: ArraySlice<ByteBuffer>, into writer: inout PayloadWriter) {
        let headers = units.compactMap { $0.getInteger(at: $0.readerIndex, as: UInt8.self) }
        writer.storage.writeInteger(H264PayloadType.stapA | (headers.map { $0 & 0x60 }.max() ?? 0))
        for unit in units {
            writer.storage.writeInteger(UInt16(unit.readableBytes))
            writer.storage.writeImmutableBuffer(unit)
        }
        writer.endPayload()
    }

    /// §5.8: FU indicator and FU header (S, E, R, type) instead of the unit's own first byte.
    private func writeFUA(_ unit: ByteBuffer, into writer: inout PayloadWriter) {
        var rest = unit
        guard let header = rest.readInteger(as: UInt8.self) else { return }
        var isStart = true
        while let piece = rest.readSlice(length: min(rest.readableBytes, limits.payloadBytesMax - 2)) {
            let isEnd = rest.readableBytes == 0
            writer.storage.writeInteger(header & 0xE0 | H264PayloadType.fuA)
            writer.storage.writeInteger(header & 0x1F | (isStart ? 0x80 : 0) | (isEnd ? 0x40 : 0))
            writer.storage.writeImmutableBuffer(piece)
            writer.endPayload()
            if isEnd { return }
            isStart = false
        }
    }
}
