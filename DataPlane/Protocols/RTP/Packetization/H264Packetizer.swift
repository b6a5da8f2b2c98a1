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
        if isKeyframe, !hasSets {
            units.insert(parameterSets: parameterSets) { H264NALUnitType(of: $0) == .accessUnitDelimiter }
        }
        var writer = PayloadWriter(capacity: units.reduce(0) { $0 + $1.readableBytes + 8 } + unit.readableBytes / 256)
        switch mode {
        case .singleNALUnit: try writeSingle(units, into: &writer)
        case .nonInterleaved: H264Format.write(units, payloadBytesMax: limits.payloadBytesMax, into: &writer)
        }
        return writer.payloads()
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
}

/// STAP-A and FU-A.
private enum H264Format: NALUnitFormat {
    /// §5.7.1: the NRI is the greatest of the units'.
    static func aggregation(of headers: [UInt8]) -> UInt8 {
        H264PayloadType.stapA | (headers.map { $0 & 0x60 }.max() ?? 0)
    }

    /// §5.8.
    static func fragment(of header: UInt8) -> (header: UInt8, type: UInt8) {
        (header & 0xE0 | H264PayloadType.fuA, header & 0x1F)
    }
}
