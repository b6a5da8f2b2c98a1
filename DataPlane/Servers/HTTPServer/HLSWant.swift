import DASH
import HLS
import NIOCore
import Streams

/// What somebody wants of a packaged stream, and how to tell them.
enum HLSWant: Sendable {
    case ask(HLSAsk, connection: ObjectIdentifier, @Sendable (MediaResponse) -> Void)
    case description(waits: Bool, @Sendable (Description) -> Void)
    /// Of a segment that is being made.
    case part(ObjectName, @Sendable (Part) -> Void)

    enum Description: Sendable {
        /// `rungs` are those that are good for this source.
        case rendition(MediaPresentation.Rendition, rungs: [Rung])
        /// Why there is none.
        case response(MediaResponse)
    }

    struct Rung: Sendable {
        var name: String
        /// Expected: one that is listed from its first part on has not shown what it needs.
        var bandwidth: UInt64
    }

    enum Part: Sendable {
        case bytes(ByteBuffer)
        /// The segment has no more.
        case end
        /// It will never come to this node.
        case missing
    }

    func refuse(_ refusal: Refusal) {
        switch self {
        case .ask(_, _, let answer): answer(.refusal(refusal))
        case .description(_, let answer): answer(.response(.refusal(refusal)))
        case .part(_, let answer): answer(.missing)
        }
    }
}
