import Synchronization

/// Wakes held claims when something was heard that may decide them.
final class Signals: Sendable {
    private struct State {
        var waiters: [UInt64: AsyncStream<Void>.Continuation] = [:]
        var next: UInt64 = 0
    }

    private let state = Mutex(State())

    /// Registered before the decision it belongs to, so that no signal is lost between the two.
    func register() -> Waiter {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let id = state.withLock { state in
            state.next += 1
            state.waiters[state.next] = continuation
            return state.next
        }
        return Waiter(stream: stream, end: { [weak self] in self?.remove(id) })
    }

    func fire() {
        state.withLock { state in
            for waiter in state.waiters.values { waiter.yield() }
        }
    }

    private func remove(_ id: UInt64) {
        state.withLock { _ = $0.waiters.removeValue(forKey: id) }
    }

    struct Waiter: Sendable {
        fileprivate let stream: AsyncStream<Void>
        fileprivate let end: @Sendable () -> Void

        /// Returns at a signal, or when `duration` is over.
        func wait(atMost duration: Duration, _ clock: CoordinatorClock) async {
            await withTaskGroup { group in
                group.addTask { [stream] in for await _ in stream { return } }
                group.addTask { await clock.sleep(duration) }
                await group.next()
                group.cancelAll()
            }
            end()
        }

        func cancel() { end() }
    }
}
