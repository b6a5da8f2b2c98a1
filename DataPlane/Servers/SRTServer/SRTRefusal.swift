package import SRT
package import Streams

extension Refusal {
    /// The code that refuses an SRT caller: that of HTTP, and 1000.
    package var srtRejection: SRTRejection {
        switch self {
        case .unknownStream: .notFound
        case .badName: .badRequest
        case .inUse: .conflict
        case .notAnOrigin, .notAnEdge, .forbidden: .forbidden
        case .unauthorized: .unauthorized
        case .unsupportedCodec: .unsupportedMedia
        case .overloaded, .viewersFull: .overloaded
        case .draining, .unavailable, .notMade: .unavailable
        }
    }
}
