import DequeModule
package import Domain
import Metrics
import Observability
import Synchronization

/// Events between those who notice them and the one who sends them on. Bounded: what nobody takes in time is dropped.
package final class EventFeed: Sendable {
    /// A region that dies at once, with room.
    private static let waitingMax = 10_000
    /// Keys remembered, so that an event noticed twice is told once.
    private static let keysMax = 20_000

    private struct State {
        var waiting: [ClusterEvent] = []
        var keys: Set<String> = []
        var keyOrder: Deque<String> = []
    }

    private let state = Mutex(State())
    private let dropped = MetricNames.webhookEventsDropped.counter()

    package init() {}

    package func add(_ events: [ClusterEvent]) {
        guard !events.isEmpty else { return }
        let lost = state.withLock { state in
            var lost = 0
            for event in events where state.keys.insert(event.key).inserted {
                state.keyOrder.append(event.key)
                if state.keyOrder.count > Self.keysMax, let old = state.keyOrder.popFirst() { state.keys.remove(old) }
                if state.waiting.count < Self.waitingMax { state.waiting.append(event) } else { lost += 1 }
            }
            return lost
        }
        if lost > 0 { dropped.increment(by: Int64(lost)) }
    }

    /// All that came since the last time.
    package func take() -> [ClusterEvent] {
        state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
    }
}
