package import Domain
import Metrics
import Observability
import Synchronization
package import Timebase

/// Measures every call to a store and bounds how long its caller waits.
package final class MeasuredStore: ClusterStore {
    private let base: any ClusterStore
    private let deadline: Duration
    private let clock: CoordinatorClock
    private let outstanding = Mutex(0)
    /// Calls still unanswered in a store that hangs; beyond this it is not asked any more.
    private let outstandingMax = 1000

    package init(_ base: any ClusterStore, deadline: Duration = .seconds(2), clock: CoordinatorClock = .system) {
        self.base = base
        self.deadline = deadline
        self.clock = clock
    }

    package var description: String { base.description }

    package func now() async throws(StoreError) -> WallTime {
        try await measure("now") { store throws(StoreError) in try await store.now() }
    }

    package func list(_ kind: RecordKind, after cursor: String?, limit: Int) async throws(StoreError) -> [Record] {
        try await measure("list") { store throws(StoreError) in
            try await store.list(kind, after: cursor, limit: limit)
        }
    }

    package func read(_ kind: RecordKind, _ key: String) async throws(StoreError) -> Record? {
        try await measure("read") { store throws(StoreError) in try await store.read(kind, key) }
    }

    package func write(
        _ kind: RecordKind,
        _ key: String,
        body: [UInt8],
        expecting expected: Revision?
    ) async throws(StoreError) -> WriteOutcome {
        try await measure("write") { store throws(StoreError) in
            try await store.write(kind, key, body: body, expecting: expected)
        }
    }

    package func delete(
        _ kind: RecordKind,
        _ key: String,
        expecting expected: Revision
    ) async throws(StoreError) -> WriteOutcome {
        try await measure("delete") { store throws(StoreError) in
            try await store.delete(kind, key, expecting: expected)
        }
    }

    package func renew(_ renewals: [LeaseRenewal], for duration: Duration) async throws(StoreError) -> LeaseReport {
        try await measure("renew") { store throws(StoreError) in try await store.renew(renewals, for: duration) }
    }

    package func leases() async throws(StoreError) -> (leases: [Lease], now: WallTime) {
        try await measure("leases") { store throws(StoreError) in try await store.leases() }
    }

    package func removeLease(of nodeID: String) async throws(StoreError) {
        try await measure("removeLease") { store throws(StoreError) in try await store.removeLease(of: nodeID) }
    }

    package func follow(_ handler: @escaping @Sendable (StoreChange) -> Void) async throws(StoreError) {
        try await base.follow(handler)
    }

    package func close() async { await base.close() }

    private func measure<Answer: Sendable>(
        _ operation: String,
        _ body: @escaping @Sendable (any ClusterStore) async throws(StoreError) -> Answer
    ) async throws(StoreError) -> Answer {
        let isAdmitted = outstanding.withLock { count in
            guard count < outstandingMax else { return false }
            count += 1
            return true
        }
        guard isAdmitted else { throw .unavailable("\(outstandingMax) calls are waiting for it") }
        let start = clock.now()
        let result = await race(body)
        MetricNames.storeOperationTime.timer(operation).recordNanoseconds((clock.now() - start).nanoseconds)
        if case .failure = result { MetricNames.storeErrors.counter(operation).increment() }
        return try result.get()
    }

    /// The call goes on when its deadline passed: a blocked thread cannot be cancelled, and what it does may take effect.
    private func race<Answer: Sendable>(
        _ body: @escaping @Sendable (any ClusterStore) async throws(StoreError) -> Answer
    ) async -> Result<Answer, StoreError> {
        let answer = FirstAnswer<Result<Answer, StoreError>>()
        let timer = Task { [clock, deadline] in
            await clock.sleep(deadline)
            if !Task.isCancelled { answer.give(.failure(.unavailable("no answer within \(deadline)"))) }
        }
        Task { [base] in
            let result: Result<Answer, StoreError>
            do throws(StoreError) { result = .success(try await body(base)) } catch { result = .failure(error) }
            outstanding.withLock { $0 -= 1 }
            answer.give(result)
        }
        let first = await answer.value
        timer.cancel()
        return first
    }
}

/// Of several answers the first.
private final class FirstAnswer<Answer: Sendable>: Sendable {
    private enum State {
        case empty
        case waiting(CheckedContinuation<Answer, Never>)
        case given(Answer)
        case taken
    }

    private let state = Mutex(State.empty)

    func give(_ answer: Answer) {
        let waiter = state.withLock { state -> CheckedContinuation<Answer, Never>? in
            switch state {
            case .empty:
                state = .given(answer)
                return nil
            case .waiting(let continuation):
                state = .taken
                return continuation
            case .given, .taken: return nil
            }
        }
        waiter?.resume(returning: answer)
    }

    /// For one reader, once.
    var value: Answer {
        get async {
            await withCheckedContinuation { continuation in
                let answer = state.withLock { state -> Answer? in
                    if case .given(let answer) = state {
                        state = .taken
                        return answer
                    }
                    state = .waiting(continuation)
                    return nil
                }
                if let answer { continuation.resume(returning: answer) }
            }
        }
    }
}
