package import ClusterModel
package import Streams
import Synchronization
package import Timebase

/// What the coordinator has told of this node's streams, for those who cannot wait for it.
package final class NodeScreen: StreamScreen {
    /// What another publisher of a stream that has one here may expect.
    enum Place {
        case taken
        case takesAnother
    }

    private struct State {
        /// Streams that have a publisher here.
        var published: [StreamID: Place] = [:]
        var unknown = UnknownStreams()
    }

    private let role: NodeRole
    private let nodeID: String
    private let registry: StreamRegistry
    private let intake: Intake
    private let now: @Sendable () -> MonotonicInstant
    private let state = Mutex(State())

    package init(
        role: NodeRole,
        nodeID: String,
        registry: StreamRegistry,
        intake: Intake,
        now: @escaping @Sendable () -> MonotonicInstant
    ) {
        self.role = role
        self.nodeID = nodeID
        self.registry = registry
        self.intake = intake
        self.now = now
    }

    // MARK: StreamScreen

    package func refusal(toPublish stream: StreamID) -> Refusal? {
        guard role.takesPublishers else { return .notAnOrigin(origin: nil) }
        if let refusal = intake.refusal(of: .publish) { return refusal }
        return state.withLock { $0.published[stream] == .taken ? .inUse(stream, owner: nodeID) : nil }
    }

    package func refusal(toPlay stream: StreamID) -> Refusal? {
        if let refusal = intake.refusal(of: .play) { return refusal }
        if registry[stream]?.isServing == true { return nil }
        return state.withLock { state in
            if state.published[stream] != nil { return nil }
            return state.unknown.contains(stream, at: now()) ? .unknownStream(stream) : nil
        }
    }

    // MARK: From the coordinator

    /// Nil: it has no publisher here.
    func setPublished(_ stream: StreamID, _ place: Place?) { state.withLock { $0.published[stream] = place } }

    func addUnknown(_ stream: StreamID) { state.withLock { $0.unknown.add(stream, at: now()) } }
    func forgetUnknown(_ stream: StreamID) { state.withLock { $0.unknown.forget(stream) } }
    func note(_ error: ControlPlaneError, of stream: StreamID) {
        state.withLock { $0.unknown.note(error, of: stream, at: now()) }
    }

    func lastOwner(of stream: StreamID) -> NodeAddresses? {
        state.withLock { $0.unknown.lastOwner(of: stream, at: now()) }
    }

    func isUnknown(_ stream: StreamID) -> Bool { state.withLock { $0.unknown.contains(stream, at: now()) } }
}
