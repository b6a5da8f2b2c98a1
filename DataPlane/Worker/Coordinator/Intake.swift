import Streams
import Synchronization

/// What this node lets in now. Asked for every player and publisher, from any thread.
package final class Intake: Sendable {
    /// What somebody asks for.
    package enum Ask: Sendable {
        case publish
        case play
        /// The next piece of something a client already gets by many requests: nothing new.
        case nextObject
    }

    private struct State {
        var isDraining = false
        /// The drain's deadline is over: what is left ends.
        var isClosed = false
    }

    private let state = Mutex(State())

    package init() {}

    package var isDraining: Bool { state.withLock { $0.isDraining } }

    package func refusal(of ask: Ask) -> Refusal? {
        state.withLock { state in
            switch ask {
            case .publish, .play: state.isDraining ? .draining : nil
            case .nextObject: state.isClosed ? .draining : nil
            }
        }
    }

    func setDraining(_ isDraining: Bool, isClosed: Bool) {
        state.withLock { ($0.isDraining, $0.isClosed) = (isDraining, isClosed) }
    }
}

extension ClientProtocol {
    /// Its players ask anew for every piece; their next request is not a new player.
    var isRequestPerObject: Bool { self == .hls || self == .dash }
}
