package import ClusterModel
import Domain
import Synchronization
import Timebase

/// One open watch.
package struct Watch: Sendable {
    /// Sent first: what was missed since the watcher's revision, or a snapshot.
    package var opening: [WatchItem]
    /// Ends when the watcher fell too far behind, or the process stops.
    package var items: AsyncStream<WatchItem>
    /// To be called once, when the connection is closed.
    package var close: @Sendable () -> Void
}

extension Coordinator {
    /// With a node's id, the open connection also shows that this boot of the node lives. Allowed while the store is away:
    /// a node that cannot come back to its watch would be taken for dead.
    package func watch(since: Int64?, nodeID: String?, boot: String?) throws(Problem) -> Watch {
        guard phase != .starting else { throw .storeUnavailable(.unavailable("it has not answered yet")) }
        guard let opening = hub.open(nodeID: nodeID, since: since) else {
            throw .unavailable("Too many watchers are connected, or the control plane is stopping. Try another one.")
        }
        let watched = nodeID.map { noteWatchOpened(by: $0, boot: boot) }
        let first =
            opening.missed
            ?? read { state, now in
                [WatchItem(revision: opening.revision, event: .snapshot(state.snapshot(for: nodeID, at: now)))]
            }
        let opened = WatchItem(revision: opening.revision, event: .ping(.init()))
        return Watch(opening: first.isEmpty ? [opened] : first, items: opening.items) { [self] in
            hub.end(opening.id)
            if let nodeID, let watched { noteWatchClosed(by: nodeID, boot: watched) }
        }
    }

    /// Answers with the boot the connection counts for.
    private func noteWatchOpened(by nodeID: String, boot: String?) -> String {
        let watched = shared.withLock { shared -> String in
            let boot = boot ?? shared.state.nodes[nodeID]?.body.bootId ?? ""
            shared.watches[nodeID, default: [:]][boot, default: 0] += 1
            shared.state.watchOpened(by: nodeID, boot: boot)
            return boot
        }
        signals.fire()
        return watched
    }

    private func noteWatchClosed(by nodeID: String, boot: String) {
        shared.withLock { shared in
            let left = (shared.watches[nodeID]?[boot] ?? 1) - 1
            shared.watches[nodeID]?[boot] = left > 0 ? left : nil
            if shared.watches[nodeID]?.isEmpty == true { shared.watches[nodeID] = nil }
            guard left <= 0 else { return }
            let instant = clock.now()
            let now = shared.now(at: instant)
            if shared.stillness.isEcho(at: instant) {
                // The node may have gone to another control plane while this one stood still.
                shared.state.watchLost(by: nodeID, boot: boot)
            } else {
                shared.state.watchClosed(by: nodeID, boot: boot, at: now)
            }
        }
        signals.fire()
    }

    /// A watch that was opened before its boot registered counts from the registration on.
    func notePresentWatch(of nodeID: String) {
        shared.withLock { shared in
            guard let boot = shared.state.nodes[nodeID]?.body.bootId, shared.watches[nodeID]?[boot] != nil else {
                return
            }
            shared.state.watchOpened(by: nodeID, boot: boot)
        }
    }
}
