import Domain
import GRDB
import Synchronization

/// Puts writes that wait at the same time into one commit, so that they share one wait for the disk, and lets heartbeats
/// go first: a renewal waits for the commit under way (bounded by the limits) and for nothing else.
///
/// All work runs on GRDB's writer queue, whose thread is its own.
final class CommitQueue: Sendable {
    /// A write that waits. `apply` changes the database and returns what to call once that is on the disk.
    private struct Waiting: Sendable {
        var bytes: Int
        var apply: @Sendable (Database) throws -> @Sendable () -> Void
        var fail: @Sendable (any Error) -> Void
    }

    private struct State {
        var urgent: [Waiting] = []
        var ordinary: [Waiting] = []
        var isWriterBusy = false
        var isClosed = false
    }

    private let pool: DatabasePool
    private let path: String
    private let limits: SQLiteLimits
    private let state = Mutex(State())

    init(pool: DatabasePool, path: String, limits: SQLiteLimits) {
        self.pool = pool
        self.path = path
        self.limits = limits
    }

    /// Runs `change` in a commit shared with others and returns its value when the commit is on the disk.
    func commit<Value: Sendable>(
        bytes: Int,
        urgent: Bool = false,
        _ change: @escaping @Sendable (Database) throws -> Value
    ) async throws(StoreError) -> Value {
        let path = path
        let result: Result<Value, StoreError> = await withCheckedContinuation { continuation in
            let waiting = Waiting(
                bytes: bytes,
                apply: { database in
                    let value = try change(database)
                    return { continuation.resume(returning: .success(value)) }
                },
                fail: { error in
                    let error = error as? StoreError ?? StoreError(sqlite: error, path: path)
                    continuation.resume(returning: .failure(error))
                }
            )
            if let refusal = enqueue(waiting, urgent: urgent) { waiting.fail(refusal) }
        }
        return try result.get()
    }

    /// No write is taken after this; those that wait are still done.
    func close() { state.withLock { $0.isClosed = true } }

    private func enqueue(_ waiting: Waiting, urgent: Bool) -> StoreError? {
        let (refusal, mustStart) = state.withLock { state -> (StoreError?, Bool) in
            if state.isClosed { return (.unavailable("\(path) is closed"), false) }
            // Each line has its own limit: heartbeats are not turned away because of other writes.
            guard (urgent ? state.urgent : state.ordinary).count < limits.waitingWritesMax else {
                return (.unavailable("\(path): \(limits.waitingWritesMax) writes wait for the disk"), false)
            }
            if urgent { state.urgent.append(waiting) } else { state.ordinary.append(waiting) }
            defer { state.isWriterBusy = true }
            return (nil, !state.isWriterBusy)
        }
        if mustStart { pool.asyncWriteWithoutTransaction { self.drain($0) } }
        return refusal
    }

    private func drain(_ database: Database) {
        while let batch = nextBatch() { commit(batch, database) }
    }

    /// Renewals go alone, so that they wait for nobody's bodies; nil when nothing waits.
    private func nextBatch() -> [Waiting]? {
        state.withLock { state in
            if !state.urgent.isEmpty {
                defer { state.urgent = [] }
                return state.urgent
            }
            guard !state.ordinary.isEmpty else {
                state.isWriterBusy = false
                return nil
            }
            var count = 0
            var bytes = 0
            for waiting in state.ordinary.prefix(limits.writesPerCommitMax) {
                bytes += waiting.bytes
                if count > 0, bytes > limits.bytesPerCommitMax { break }
                count += 1
            }
            defer { state.ordinary.removeFirst(count) }
            return Array(state.ordinary.prefix(count))
        }
    }

    /// All or none of a batch take effect. A batch that fails is tried again one by one, so that a write fails only by its own fault.
    private func commit(_ batch: [Waiting], _ database: Database) {
        var isBegun = false
        do {
            var answers: [@Sendable () -> Void] = []
            try database.inTransaction(.immediate) {
                isBegun = true
                answers = try batch.map { try $0.apply(database) }
                return .commit
            }
            for answer in answers { answer() }
        } catch {
            // Without the lock none can be written, and each would wait for it as long again.
            if batch.count == 1 || !isBegun {
                for waiting in batch { waiting.fail(error) }
            } else {
                for waiting in batch { commit([waiting], database) }
            }
        }
    }
}
