package import ClusterModel
package import Streams
import Synchronization
package import Timebase

/// What the coordinator has told of this node's streams, for those who cannot wait for it.
package final class NodeScreen: StreamScreen {
    private struct State {
        var isDraining = false
        /// Streams that have a publisher here.
        var published: Set<StreamID> = []
        var unknown = UnknownStreams()
    }

    private let role: NodeRole
    private let nodeID: String
    private let registry: StreamRegistry
    private let now: @Sendable () -> MonotonicInstant
    private let state = Mutex(State())

    package init(
        role: NodeRole,
        nodeID: String,
        registry: StreamRegistry,
        now: @escaping @Sendable () -> MonotonicInstant
    ) {
        self.role = role
        self.nodeID = nodeID
        self.registry = registry
        self.now = now
    }

    // MARK: StreamScreen

    package func refusal(toPublish stream: StreamID) -> Refusal? {
        guard role.takesPublishers else { return .notAnOrigin(origin: nil) }
        return state.withLock { state in
            if state.isDraining { return .draining }
            return state.published.contains(stream) ? .inUse(stream, owner: nodeID) : nil
        }
    }

    package func refusal(toPlay stream: StreamID) -> Refusal? {
        if registry[stream]?.isServing == true { return nil }
        return state.withLock { state in
            if state.isDraining { return .draining }
            if state.published.contains(stream) { return nil }
            return state.unknown.contains(stream, at: now()) ? .unknownStream(stream) : nil
        }
    }

    // MARK: From the coordinator

    func setDraining(_ isDraining: Bool) { state.withLock { $0.isDraining = isDraining } }

    func setPublished(_ stream: StreamID, _ isPublished: Bool) {
        state.withLock { state in
            if isPublished { state.published.insert(stream) } else { state.published.remove(stream) }
        }
    }

    func addUnknown(_ stream: StreamID) { state.withLock { $0.unknown.add(stream, at: now()) } }
    func forgetUnknown(_ stream: StreamID) { state.withLock { $0.unknown.forget(stream) } }
    func isUnknown(_ stream: StreamID) -> Bool { state.withLock { $0.unknown.contains(stream, at: now()) } }
}
