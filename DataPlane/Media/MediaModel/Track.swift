package import struct NIOCore.ByteBuffer

/// One elementary stream inside a live stream.
package struct Track: Hashable, Sendable {
    package var id: TrackID
    package var codec: CodecParameters
    /// Lower layers that its publisher sends beside it (simulcast), highest first. Their units are none of the stream's: each
    /// layer is a rendition. They have no layers themselves.
    package var layers: [Track] = []

    package init(id: TrackID, codec: CodecParameters) {
        self.id = id
        self.codec = codec
    }

    package var kind: TrackKind { codec.kind }
}

/// Names a track within its stream. Stable for the life of the stream, also when its codec parameters change.
package struct TrackID: Hashable, Comparable, Sendable {
    package var value: UInt8

    package init(_ value: UInt8) { self.value = value }

    /// The ids single-track protocols (RTMP without multitrack) use.
    package static let video = TrackID(1)
    package static let audio = TrackID(2)
    /// Timed metadata (RTMP data messages).
    package static let data = TrackID(3)

    package static func < (lhs: Self, rhs: Self) -> Bool { lhs.value < rhs.value }
}

package enum TrackKind: String, Hashable, Sendable {
    case video
    case audio
    case data
}

/// What a decoder must know before the first access unit. `configuration` is always the record MP4 stores for the codec:
/// the shared currency of FLV, RTMP and fMP4; RTP and MPEG-TS derive their form from it.
package enum CodecParameters: Hashable, Sendable {
    /// `AVCDecoderConfigurationRecord` (ISO/IEC 14496-15 §5.3.3).
    case h264(configuration: ByteBuffer, width: Int, height: Int)
    /// `HEVCDecoderConfigurationRecord` (ISO/IEC 14496-15 §8.3.3).
    case h265(configuration: ByteBuffer, width: Int, height: Int)
    /// `AV1CodecConfigurationRecord` (AV1-ISOBMFF §2.3).
    case av1(configuration: ByteBuffer, width: Int, height: Int)
    /// VP8 describes itself in each keyframe.
    case vp8(width: Int, height: Int)
    /// `VPCodecConfigurationRecord` (VP Codec ISO Media File Format Binding §2), without the version of its box.
    case vp9(configuration: ByteBuffer, width: Int, height: Int)
    /// `AudioSpecificConfig` (ISO/IEC 14496-3 §1.6.2.1).
    case aac(configuration: ByteBuffer, sampleRate: Int, channels: Int)
    /// MPEG-1/2 layer III needs no configuration.
    case mp3(sampleRate: Int, channels: Int)
    /// The body of `dac3` (ETSI TS 102 366 §F.4), three bytes.
    case ac3(configuration: ByteBuffer, sampleRate: Int, channels: Int)
    /// The whole identification header with its `OpusHead` magic (RFC 7845 §5.1). Opus always runs at 48 kHz.
    case opus(configuration: ByteBuffer, channels: Int)
    /// AMF0-encoded data messages (`onMetaData` and the like).
    case data

    package var kind: TrackKind {
        switch self {
        case .h264, .h265, .av1, .vp8, .vp9: .video
        case .aac, .mp3, .ac3, .opus: .audio
        case .data: .data
        }
    }

    /// A short name for logs, metrics and the REST API.
    package var name: String {
        switch self {
        case .h264: "h264"
        case .h265: "h265"
        case .av1: "av1"
        case .vp8: "vp8"
        case .vp9: "vp9"
        case .aac: "aac"
        case .mp3: "mp3"
        case .ac3: "ac3"
        case .opus: "opus"
        case .data: "data"
        }
    }
}
