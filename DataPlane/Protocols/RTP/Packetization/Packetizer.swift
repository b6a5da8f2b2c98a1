package import Codecs
package import MediaModel

import struct NIOCore.ByteBuffer

/// Cuts the access units of one track into RTP payloads. One per stream, not per viewer.
package struct Packetizer: Sendable {
    private enum Format: Sendable {
        case h264(H264Packetizer)
        case h265(H265Packetizer)
        case vp8(VP8Packetizer)
        case vp9(VP9Packetizer)
        case av1(AV1Packetizer)
        case opus
    }

    private var format: Format

    /// Nil for codecs that WebRTC does not carry: those are transcoded first.
    package init?(
        _ codec: CodecParameters,
        h264Mode: H264PacketizationMode = .nonInterleaved,
        limits: PacketizationLimits = PacketizationLimits()
    ) throws(CodecError) {
        switch codec {
        case .h264(let configuration, _, _):
            let record = try AVCConfiguration(parsing: configuration)
            let sets = record.sequenceParameterSets + record.pictureParameterSets
            format = .h264(H264Packetizer(mode: h264Mode, parameterSets: sets, limits: limits))
        case .h265(let configuration, _, _):
            let record = try HEVCConfiguration(parsing: configuration)
            let sets = [.video, .sequence, .picture].flatMap { record.parameterSets($0) }
            format = .h265(H265Packetizer(parameterSets: sets, limits: limits))
        case .av1(let configuration, _, _):
            format = .av1(AV1Packetizer(configuration: configuration, limits: limits))
        case .vp8: format = .vp8(VP8Packetizer(limits: limits))
        case .vp9: format = .vp9(VP9Packetizer(limits: limits))
        case .opus: format = .opus
        case .aac, .mp3, .ac3, .data: return nil
        }
    }

    package mutating func packetize(_ unit: AccessUnit) throws(RTPError) -> PacketizedFrame {
        PacketizedFrame(
            track: unit.track,
            presentationTime: unit.presentationTime,
            isKeyframe: unit.isKeyframe,
            payloads: try payloads(of: unit.payload, isKeyframe: unit.isKeyframe)
        )
    }

    private mutating func payloads(of unit: ByteBuffer, isKeyframe: Bool) throws(RTPError) -> [RTPPayload] {
        switch format {
        case .h264(let packetizer): return try packetizer.packetize(unit, isKeyframe: isKeyframe)
        case .h265(let packetizer): return try packetizer.packetize(unit, isKeyframe: isKeyframe)
        case .vp8(var packetizer):
            defer { format = .vp8(packetizer) }
            return packetizer.packetize(unit)
        case .vp9(var packetizer):
            defer { format = .vp9(packetizer) }
            return packetizer.packetize(unit)
        case .av1(let packetizer): return try packetizer.packetize(unit, isKeyframe: isKeyframe)
        case .opus:
            // RFC 7587 §4.2: one packet each. The marker would tell a talkspurt's begin; without DTX there is none.
            return [RTPPayload(bytes: unit, marker: false)]
        }
    }
}
