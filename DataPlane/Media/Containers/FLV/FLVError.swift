package import Bytes

/// What is wrong with a tag or a media body.
package enum FLVError: Error, Equatable, Sendable, CustomStringConvertible {
    case notFLV
    /// The bytes ended inside a header.
    case truncated
    case unsupportedVideoCodecID(UInt8)
    case unsupportedSoundFormat(UInt8)
    case unsupportedFourCC(FourCC)
    case tagTooLong(bytes: Int, limit: Int)

    package var description: String {
        switch self {
        case .notFLV: "the bytes do not begin with an FLV file header"
        case .truncated: "a media header ends too early"
        case .unsupportedVideoCodecID(let id): "video codec id \(id) is not supported; use H.264, HEVC or AV1"
        case .unsupportedSoundFormat(let format): "sound format \(format) is not supported; use AAC, MP3, AC-3 or Opus"
        case .unsupportedFourCC(let code):
            "codec '\(code)' is not supported; use H.264, HEVC, AV1, AAC, MP3, AC-3 or Opus"
        case .tagTooLong(let bytes, let limit): "a tag of \(bytes) bytes is over the limit of \(limit)"
        }
    }

    /// A stable name for metrics.
    package var label: String {
        switch self {
        case .notFLV: "not_flv"
        case .truncated: "truncated"
        case .unsupportedVideoCodecID: "unsupported_video_codec"
        case .unsupportedSoundFormat: "unsupported_sound_format"
        case .unsupportedFourCC: "unsupported_fourcc"
        case .tagTooLong: "tag_too_long"
        }
    }
}
