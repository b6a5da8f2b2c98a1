package import Domain
import Foundation
import GRDB
import Glibc
import Synchronization
package import Timebase

/// The cluster's records in one SQLite file, for one control plane.
///
/// - Durability: write-ahead log with `synchronous = FULL`: a commit returns after its log pages are synced, so what was
///   acknowledged survives a crash of the process and, as far as the disk keeps its word, a loss of power. Leases share
///   this: at one commit per 50 ms of heartbeats the sync costs little, and a lost lease would let an older boot of a
///   node make itself a new one.
/// - One process: an advisory lock on `PATH.lock` refuses a second.
/// - Threads: one writer and some readers on dispatch queues of GRDB; nothing blocks the cooperative pool.
/// - The store's clock is the system's.
package final class SQLiteStore: ClusterStore {
    private let path: String
    private let lock: FileLock
    private let pool: DatabasePool
    private let queue: CommitQueue
    /// Guards that no read starts after the readers are gone.
    private let isClosed = Mutex(false)

    package var description: String { "SQLite \(path)" }

    /// Opens the file, or makes it with rights for its owner alone. Waits for the disk: call it while starting.
    package init(path: String, limits: SQLiteLimits = SQLiteLimits()) throws(StoreError) {
        let place = try SQLitePlace(path)
        self.path = place.path
        lock = try FileLock(path: place.path + ".lock")
        do {
            pool = try place.open(limits)
        } catch {
            lock.release()
            throw error as? StoreError ?? StoreError(sqlite: error, path: place.path)
        }
        queue = CommitQueue(pool: pool, path: place.path, limits: limits)
    }

    package func now() async throws(StoreError) -> WallTime {
        // The clock needs no file; that it is told shows that the file takes writes.
        try await queue.commit(bytes: 0, urgent: true) { database in
            try SQLiteSchema.rewriteVersion(database)
            return .systemNow
        }
    }

    package func list(_ kind: RecordKind, after cursor: String?, limit: Int) async throws(StoreError) -> [Domain.Record]
    {
        try await read { try $0.records(kind, after: cursor, limit: min(max(limit, 1), 1000)) }
    }

    package func read(_ kind: RecordKind, _ key: String) async throws(StoreError) -> Domain.Record? {
        try await read { try $0.record(kind, key) }
    }

    package func write(
        _ kind: RecordKind,
        _ key: String,
        body: [UInt8],
        expecting expected: Revision?
    ) async throws(StoreError) -> WriteOutcome {
        try await queue.commit(bytes: body.count) { try $0.write(kind, key, body: body, expecting: expected) }
    }

    package func delete(
        _ kind: RecordKind,
        _ key: String,
        expecting expected: Revision
    ) async throws(StoreError) -> WriteOutcome {
        try await queue.commit(bytes: 0) { try $0.delete(kind, key, expecting: expected) }
    }

    package func renew(
        _ renewals: [LeaseRenewal],
        for duration: Duration
    ) async throws(StoreError) -> LeaseReport {
        let bytes = renewals.reduce(0) { $0 + $1.report.count }
        return try await queue.commit(bytes: bytes, urgent: true) { database in
            let now = WallTime.systemNow
            return LeaseReport(outcomes: try database.renew(renewals, until: now + duration), now: now)
        }
    }

    package func leases() async throws(StoreError) -> (leases: [Lease], now: WallTime) {
        // The time is taken first: a lease that is renewed in between then still counts as valid.
        try await read { database in
            let now = WallTime.systemNow
            return (leases: try database.leases(), now: now)
        }
    }

    package func removeLease(of nodeID: String) async throws(StoreError) {
        try await queue.commit(bytes: 0) { try $0.removeLease(of: nodeID) }
    }

    package func follow(_ handler: @escaping @Sendable (StoreChange) -> Void) async throws(StoreError) {}

    package func close() async {
        let wasClosed = isClosed.withLock { closed in
            defer { closed = true }
            return closed
        }
        if wasClosed { return }
        queue.close()
        await withCheckedContinuation { continuation in
            // Behind the writes that were taken; then the file, then its lock.
            pool.asyncWriteWithoutTransaction { [pool, lock] _ in
                DispatchQueue.global().async {
                    try? pool.close()
                    lock.release()
                    continuation.resume()
                }
            }
        }
    }

    private func read<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws(StoreError) -> Value {
        let path = path
        let result: Result<Value, StoreError> = await withCheckedContinuation { continuation in
            isClosed.withLock { closed in
                if closed { return continuation.resume(returning: .failure(.unavailable("\(path) is closed"))) }
                pool.asyncRead { database in
                    let result = Result { try body(try database.get()) }
                    continuation.resume(returning: result.mapError { StoreError(sqlite: $0, path: path) })
                }
            }
        }
        return try result.get()
    }
}

extension WallTime {
    static var systemNow: WallTime {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return WallTime(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }
}
