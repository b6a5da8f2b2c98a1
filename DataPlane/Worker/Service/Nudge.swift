import Synchronization

/// Cuts a wait short when there is news.
package final class Nudge: Sendable {
    private struct State {
        /// Nobody waited when it fired: the next wait is over at once.
        var isFired = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    package init() {}

    package func fire() {
        let waiter = state.withLock { state in
            state.isFired = state.waiter == nil
            return state.waiter.take()
        }
        waiter?.resume()
    }

    /// False when the task was cancelled meanwhile. One waiter at a time.
    package func wait(atMost duration: Duration, _ clock: WorkerClock) async -> Bool {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { _ = await clock.sleep(duration) }
            group.addTask { await self.fired() }
            await group.next()
            group.cancelAll()
        }
        return !Task.isCancelled
    }

    /// Returns when it fires, or when the task is cancelled.
    private func fired() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    guard !state.isFired, !Task.isCancelled else {
                        state.isFired = false
                        return true
                    }
                    state.waiter = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiter.take() }?.resume()
        }
    }
}
