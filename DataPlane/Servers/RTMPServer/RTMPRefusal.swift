import FLV
import RTMP
import Streams

extension Refusal {
    /// The status a refused publisher gets (contract §2).
    var publishCode: StatusCode {
        switch self {
        case .inUse, .notAnOrigin, .badName: .publishBadName
        case .unauthorized, .forbidden: .publishDenied
        case .overloaded, .viewersFull, .draining, .unavailable, .notMade, .unknownStream, .notAnEdge,
            .unsupportedCodec:
            .failed
        }
    }

    /// The status a refused player gets (contract §2).
    var playCode: StatusCode {
        switch self {
        case .unknownStream, .badName: .playStreamNotFound
        case .unauthorized, .forbidden: .playFailed
        case .overloaded, .viewersFull, .draining, .unavailable, .notMade, .inUse, .notAnOrigin, .notAnEdge,
            .unsupportedCodec:
            .failed
        }
    }
}

extension RTMPToStream.Fault: CustomStringConvertible {
    /// A stable word for metrics.
    var reason: String {
        switch self {
        case .container: "malformed_flv_body"
        case .codec: "malformed_codec_header"
        case .frameBeforeHeader: "frame_before_sequence_header"
        case .unsupported: "unsupported_codec"
        }
    }

    package var description: String {
        switch self {
        case .container(let error): "a media message cannot be read: \(error)"
        case .codec(let error): "a codec header cannot be read: \(error)"
        case .frameBeforeHeader: "a frame came before its codec's sequence header: let the encoder send headers first"
        case .unsupported(let codec): "\(codec) is not carried here: send H.264, HEVC, AV1, AAC, MP3, AC-3 or Opus"
        }
    }
}
