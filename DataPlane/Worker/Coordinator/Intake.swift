package import ClusterModel
package import Streams
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
        var full: [Admission.Full] = []
        var viewers = 0
        /// Let in since `viewers` were counted.
        var newcomers = 0

        func refusal(above viewersMax: Int) -> Refusal? {
            let expected = viewers + newcomers
            return expected < viewersMax ? nil : .viewersFull("\(expected) of \(viewersMax) viewers")
        }
    }

    private let viewersMax: Int?
    private let state = Mutex(State())

    package init(viewersMax: Int? = nil) { self.viewersMax = viewersMax }

    package var isDraining: Bool { state.withLock { $0.isDraining } }

    package func refusal(of ask: Ask) -> Refusal? {
        state.withLock { state in
            guard ask != .nextObject else { return state.isClosed ? .draining : nil }
            if state.isDraining { return .draining }
            return state.full.reasons(against: ask).map { .overloaded($0.joined(separator: ", ")) }
        }
    }

    /// Why a player would not be let in now.
    package var refusalOfPlayer: Refusal? {
        refusal(of: .play) ?? state.withLock { viewersMax.flatMap($0.refusal(above:)) }
    }

    /// As `refusalOfPlayer`, for one who comes in if it is nil: a burst between two counts is held to the limit too.
    package func admitPlayer() -> Refusal? {
        if let refusal = refusal(of: .play) { return refusal }
        return state.withLock { state in
            if let refusal = viewersMax.flatMap(state.refusal(above:)) { return refusal }
            state.newcomers += 1
            return nil
        }
    }

    package func counted(viewers: Int) {
        state.withLock { ($0.viewers, $0.newcomers) = (viewers, 0) }
    }

    /// Which of the things that a node of this role is for are not let in, and why: a hybrid with all its publishers still
    /// takes players.
    package func closed(for role: NodeRole) -> Closed {
        state.withLock { state in
            Closed(
                publish: role.takesPublishers ? state.full.reasons(against: .publish) : nil,
                play: role.takesPlayers ? state.full.reasons(against: .play) : nil
            )
        }
    }

    /// True when it changed whether something is let in.
    package func setFull(_ full: [Admission.Full]) -> Bool {
        state.withLock { state in
            defer { state.full = full }
            return state.full.map(\.resource) != full.map(\.resource)
        }
    }

    func setDraining(_ isDraining: Bool, isClosed: Bool) {
        state.withLock { ($0.isDraining, $0.isClosed) = (isDraining, isClosed) }
    }
}

extension [Admission.Full] {
    /// Nil when nothing is.
    fileprivate func reasons(against ask: Intake.Ask) -> [String]? {
        let reasons = filter { $0.resource.concerns(ask) }.map(\.reason)
        return reasons.isEmpty ? nil : reasons
    }
}
