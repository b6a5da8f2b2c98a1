import Domain
import Synchronization
import Timebase

/// Renews leases many at a time: one call is on its way, and all heartbeats that come meanwhile go with the next.
///
/// Its own queue, so that heartbeats never stand behind other work.
final class HeartbeatBatcher: Sendable {
    typealias Outcome = Result<(outcome: LeaseOutcome, now: WallTime), StoreError>

    private struct Pending {
        var renewal: LeaseRenewal
        var continuation: CheckedContinuation<Outcome, Never>
    }

    private struct State {
        var pending: [Pending] = []
        var isRenewing = false
        var lastCommit: MonotonicInstant?
    }

    private let state = Mutex(State())
    private let store: any ClusterStore
    private let lease: Duration
    private let clock: CoordinatorClock
    /// One commit each this long at most: under load a commit costs more than the heartbeats in it. Without load a heartbeat
    /// goes at once.
    private let commitInterval = Duration.milliseconds(5)
    /// Longer batches would make the first wait for the last.
    private let batchMax = 500

    init(store: any ClusterStore, lease: Duration, clock: CoordinatorClock) {
        self.store = store
        self.lease = lease
        self.clock = clock
    }

    func renew(_ renewal: LeaseRenewal) async -> Outcome {
        await withCheckedContinuation { continuation in
            let starts = state.withLock { state in
                state.pending.append(Pending(renewal: renewal, continuation: continuation))
                defer { state.isRenewing = true }
                return !state.isRenewing
            }
            if starts { Task { await self.drain() } }
        }
    }

    private func drain() async {
        while true {
            await pace()
            guard let batch = nextBatch() else { return }
            let result = await send(batch.map(\.renewal))
            for (index, pending) in batch.enumerated() {
                pending.continuation.resume(returning: result.map { ($0.outcomes[index], $0.now) })
            }
        }
    }

    private func pace() async {
        let now = clock.now()
        let wait = state.withLock { state -> Duration? in
            guard let last = state.lastCommit, now - last < commitInterval, !state.pending.isEmpty else { return nil }
            return commitInterval - (now - last)
        }
        if let wait { await clock.sleep(wait) }
    }

    private func nextBatch() -> [Pending]? {
        let now = clock.now()
        return state.withLock { state in
            guard !state.pending.isEmpty else {
                state.isRenewing = false
                return nil
            }
            state.lastCommit = now
            let batch = Array(state.pending.prefix(batchMax))
            state.pending.removeFirst(batch.count)
            return batch
        }
    }

    private func send(_ renewals: [LeaseRenewal]) async -> Result<LeaseReport, StoreError> {
        do throws(StoreError) {
            let report = try await store.renew(renewals, for: lease)
            guard report.outcomes.count == renewals.count else {
                return .failure(.corrupt("\(report.outcomes.count) outcomes for \(renewals.count) renewals"))
            }
            return .success(report)
        } catch {
            return .failure(error)
        }
    }
}
