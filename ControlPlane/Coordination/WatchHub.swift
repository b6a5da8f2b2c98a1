package import ClusterModel
import DequeModule
import Domain
import Synchronization

package struct WatchLimits: Sendable {
    /// Events kept to resume from.
    package var ringEventsMax = 10_000
    /// Events a slow watcher may be behind; then it is disconnected, and resumes.
    package var queueEventsMax = 2_000
    package var watchersMax = 50_000

    package init() {}
}

/// An event under the number it can be resumed from.
package struct WatchItem: Sendable {
    package var revision: Int64
    package var event: WatchEvent
}

/// Hands announcements to those who watch, and remembers the latest for those who come back.
package final class WatchHub: Sendable {
    private struct Watcher {
        var nodeID: String?
        var continuation: AsyncStream<WatchItem>.Continuation
    }

    private struct State {
        var revision: Int64
        var ring: Deque<(revision: Int64, announcement: Announcement)> = []
        var watchers: [UInt64: Watcher] = [:]
        var nextID: UInt64 = 0
        var isClosed = false
    }

    private let state: Mutex<State>
    private let limits: WatchLimits

    /// `seed` must differ between processes and grow over restarts, so that no other process's revision resumes here.
    package init(seed: Int64, limits: WatchLimits = WatchLimits()) {
        state = Mutex(State(revision: seed))
        self.limits = limits
    }

    package var revision: Int64 { state.withLock { $0.revision } }
    package var isClosed: Bool { state.withLock { $0.isClosed } }
    package var watchers: Int { state.withLock { $0.watchers.count } }

    func publish(_ announcements: [Announcement]) {
        guard !announcements.isEmpty else { return }
        state.withLock { state in
            for announcement in announcements {
                state.revision += 1
                state.ring.append((state.revision, announcement))
                if state.ring.count > limits.ringEventsMax { state.ring.removeFirst() }
                let item = WatchItem(revision: state.revision, event: announcement.event)
                deliver(item, in: &state) { announcement.concerns($0) }
            }
        }
    }

    /// Proves to every watcher that its connection lives.
    func ping() {
        state.withLock { state in
            deliver(WatchItem(revision: state.revision, event: .ping(.init())), in: &state) { _ in true }
        }
    }

    /// Ends every watch: the process is about to stop.
    package func close() {
        state.withLock { state in
            state.isClosed = true
            for watcher in state.watchers.values { watcher.continuation.finish() }
            state.watchers = [:]
        }
    }

    /// What a watcher gets, and what it missed since `since`; nil missed when that is not known any more.
    struct Opening: Sendable {
        var id: UInt64
        var items: AsyncStream<WatchItem>
        var revision: Int64
        var missed: [WatchItem]?
    }

    /// Nil when there are too many watchers already.
    func open(nodeID: String?, since: Int64?) -> Opening? {
        let (items, continuation) = AsyncStream.makeStream(
            of: WatchItem.self,
            bufferingPolicy: .bufferingOldest(limits.queueEventsMax)
        )
        return state.withLock { state in
            guard !state.isClosed, state.watchers.count < limits.watchersMax else { return nil }
            state.nextID += 1
            state.watchers[state.nextID] = Watcher(nodeID: nodeID, continuation: continuation)
            return Opening(
                id: state.nextID,
                items: items,
                revision: state.revision,
                missed: since.flatMap { missed(since: $0, by: nodeID, in: state) }
            )
        }
    }

    func end(_ id: UInt64) {
        state.withLock { $0.watchers.removeValue(forKey: id)?.continuation.finish() }
    }

    private func deliver(_ item: WatchItem, in state: inout State, to isWanted: (String?) -> Bool) {
        for (id, watcher) in state.watchers where isWanted(watcher.nodeID) {
            if case .dropped = watcher.continuation.yield(item) {
                watcher.continuation.finish()
                state.watchers[id] = nil
            }
        }
    }

    private func missed(since: Int64, by nodeID: String?, in state: State) -> [WatchItem]? {
        if since == state.revision { return [] }
        guard let first = state.ring.first?.revision, since >= first - 1, since < state.revision else { return nil }
        return state.ring.dropFirst(Int(since - first) + 1).filter { $0.announcement.concerns(nodeID) }
            .map { WatchItem(revision: $0.revision, event: $0.announcement.event) }
    }
}

extension Announcement {
    fileprivate func concerns(_ nodeID: String?) -> Bool {
        guard let nodes, let nodeID else { return true }
        return nodes.contains(nodeID)
    }
}
