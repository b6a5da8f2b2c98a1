import Coordination
import Synchronization
import Timebase

/// A clock that stands still until the test moves it. Sleepers wake in order of their deadlines.
final class ManualTime: Sendable {
    private struct Sleeper {
        var id: UInt64
        var deadline: MonotonicInstant
        var continuation: CheckedContinuation<Void, Never>
    }

    private struct State {
        var now = MonotonicInstant(nanoseconds: 0)
        var sleepers: [Sleeper] = []
        var nextID: UInt64 = 0
        var cancelled: Set<UInt64> = []
    }

    static let start = WallTime(milliseconds: 1_700_000_000_000)
    private let state = Mutex(State())

    var now: MonotonicInstant { state.withLock { $0.now } }
    var wall: WallTime { Self.start + (now - MonotonicInstant(nanoseconds: 0)) }
    var sleepers: Int { state.withLock { $0.sleepers.count } }

    var clock: CoordinatorClock {
        CoordinatorClock(now: { self.now }, sleep: { await self.sleep($0) })
    }

    func advance(by duration: Duration) {
        let woken = state.withLock { state -> [Sleeper] in
            state.now = state.now + duration
            let due = state.sleepers.filter { $0.deadline <= state.now }
            state.sleepers.removeAll { $0.deadline <= state.now }
            return due.sorted { $0.deadline < $1.deadline }
        }
        for sleeper in woken { sleeper.continuation.resume() }
    }

    private func sleep(_ duration: Duration) async {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if state.cancelled.remove(id) != nil || duration <= .zero { return true }
                    state.sleepers.append(Sleeper(id: id, deadline: state.now + duration, continuation: continuation))
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            let sleeper = state.withLock { state -> Sleeper? in
                guard let index = state.sleepers.firstIndex(where: { $0.id == id }) else {
                    state.cancelled.insert(id)
                    return nil
                }
                return state.sleepers.remove(at: index)
            }
            sleeper?.continuation.resume()
        }
    }
}
