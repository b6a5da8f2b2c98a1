package import Bytes
package import MediaModel

/// The codecs that FLV and RTMP bodies name, by legacy number or by Enhanced RTMP FourCC.
package enum FLVCodec: Hashable, Sendable, CaseIterable {
    case avc
    case hevc
    case av1
    case vp9
    case aac
    case mp3
    case ac3
    case opus

    package var fourCC: FourCC {
        switch self {
        case .avc: "avc1"
        case .hevc: "hvc1"
        case .av1: "av01"
        case .vp9: "vp09"
        case .aac: "mp4a"
        case .mp3: ".mp3"
        case .ac3: "ac-3"
        case .opus: "Opus"
        }
    }

    package var kind: TrackKind {
        switch self {
        case .avc, .hevc, .av1, .vp9: .video
        case .aac, .mp3, .ac3, .opus: .audio
        }
    }

    package init?(_ fourCC: FourCC) {
        guard let codec = Self.allCases.first(where: { $0.fourCC == fourCC }) else { return nil }
        self = codec
    }

    /// Nil for data, which FLV carries without a codec, and for VP8, which it does not carry.
    package init?(_ parameters: CodecParameters) {
        switch parameters {
        case .h264: self = .avc
        case .h265: self = .hevc
        case .av1: self = .av1
        case .vp9: self = .vp9
        case .aac: self = .aac
        case .mp3: self = .mp3
        case .ac3: self = .ac3
        case .opus: self = .opus
        case .vp8, .data: return nil
        }
    }

    /// `CodecID` (FLV 10.1 §E.4.3.1); 12 for HEVC is a de-facto extension that predates Enhanced RTMP.
    init?(videoCodecID: UInt8) {
        switch videoCodecID {
        case 7: self = .avc
        case 12: self = .hevc
        default: return nil
        }
    }

    /// `SoundFormat` (FLV 10.1 §E.4.2.1). 14 is MP3 at 8 kHz.
    init?(soundFormat: UInt8) {
        switch soundFormat {
        case 2, 14: self = .mp3
        case 10: self = .aac
        default: return nil
        }
    }

    /// What `videocodecid` and `audiocodecid` of `onMetaData` say: the legacy number, else the FourCC as a number.
    package var metadataID: Double {
        switch self {
        case .avc: 7
        case .aac: 10
        case .mp3: 2
        case .hevc, .av1, .vp9, .ac3, .opus: Double(fourCC.value)
        }
    }
}
