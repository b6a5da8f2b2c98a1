import Codecs
import MediaModel

import struct NIOCore.ByteBuffer

/// How a track's units look in a transport stream, and what its program map says of it.
enum ElementaryForm: Sendable {
    /// `parameterSets` go before a keyframe that has none of its own.
    case h264(parameterSets: [ByteBuffer])
    case h265(parameterSets: [ByteBuffer])
    case adts(AudioSpecificConfig)
    case mp3(isLowRate: Bool)
    case ac3
    case opus(channels: Int)

    /// Nil for what a transport stream does not carry.
    init?(_ codec: CodecParameters) {
        switch codec {
        case .h264(let configuration, _, _):
            guard let record = try? AVCConfiguration(parsing: configuration) else { return nil }
            self = .h264(parameterSets: record.sequenceParameterSets + record.pictureParameterSets)
        case .h265(let configuration, _, _):
            guard let record = try? HEVCConfiguration(parsing: configuration) else { return nil }
            let sets = [.video, .sequence, .picture].flatMap { record.parameterSets($0) }
            self = .h265(parameterSets: sets)
        case .aac(let configuration, _, _):
            guard let config = try? AudioSpecificConfig(parsing: configuration),
                ADTSHeader(config: config, payloadBytes: 0) != nil
            else { return nil }
            self = .adts(config)
        case .mp3(let sampleRate, _): self = .mp3(isLowRate: sampleRate < 32_000)
        case .ac3: self = .ac3
        case .opus(_, let channels):
            guard (1...8).contains(channels) else { return nil }
            self = .opus(channels: channels)
        case .av1, .vp8, .vp9, .data: return nil
        }
    }

    func stream(on pid: PID) -> ProgramMap.Stream {
        switch self {
        case .h264: ElementaryCodec.h264.stream(on: pid, isLowRateMP3: false)
        case .h265: ElementaryCodec.h265.stream(on: pid, isLowRateMP3: false)
        case .adts: ElementaryCodec.aacADTS.stream(on: pid, isLowRateMP3: false)
        case .mp3(let isLowRate): ElementaryCodec.mp3.stream(on: pid, isLowRateMP3: isLowRate)
        case .ac3: ElementaryCodec.ac3.stream(on: pid, isLowRateMP3: false)
        case .opus(let channels): ElementaryCodec.opus(channels: channels).stream(on: pid, isLowRateMP3: false)
        }
    }

    /// Table 2-21; what has no number of its own is private stream 1.
    var pesStreamID: UInt8 {
        switch self {
        case .h264, .h265: 0xE0
        case .adts, .mp3: 0xC0
        case .ac3, .opus: 0xBD
        }
    }

    /// Nil for a unit that is not what its track says.
    func payload(of unit: AccessUnit) -> ByteBuffer? {
        switch self {
        case .h264(let sets):
            Self.byteStream(unit, syntax: .h264, delimiter: [0x09, 0xF0], parameterSets: sets)
        case .h265(let sets):
            Self.byteStream(unit, syntax: .h265, delimiter: [0x46, 0x01, 0x50], parameterSets: sets)
        case .adts(let config):
            ADTSHeader(config: config, payloadBytes: unit.payload.readableBytes).map {
                var bytes = $0.encoded()
                bytes.writeImmutableBuffer(unit.payload)
                return bytes
            }
        case .mp3, .ac3: unit.payload
        case .opus:
            {
                var bytes = OpusControlHeader.encoded(payloadBytes: unit.payload.readableBytes)
                bytes.writeImmutableBuffer(unit.payload)
                return bytes
            }()
        }
    }

    /// A delimiter, the parameter sets before a keyframe, the picture (ISO/IEC 13818-1 §2.14.1).
    private static func byteStream(
        _ unit: AccessUnit,
        syntax: VideoSyntax,
        delimiter: [UInt8],
        parameterSets: [ByteBuffer]
    ) -> ByteBuffer? {
        guard let all = try? LengthPrefixedNALUnits.split(unit.payload) else { return nil }
        let units = all.filter { syntax.role(of: $0) != .delimiter }
        let hasOwnSets = units.contains { syntax.role(of: $0) == .parameterSet(.sequence) }
        let before = [ByteBuffer(bytes: delimiter)] + (unit.isKeyframe && !hasOwnSets ? parameterSets : [])
        return AnnexB.join(before + units)
    }
}
