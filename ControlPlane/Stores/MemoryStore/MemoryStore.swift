package import Domain
import Synchronization
package import Timebase

/// A store that forgets everything with its process: for tests, simulations and trying things out.
///
/// It can be told to stop answering, so that an outage can be played without a database.
package final class MemoryStore: ClusterStore {
    private struct Contents {
        var records: [RecordKind: [String: Record]] = [:]
        var leases: [String: Lease] = [:]
        var followers: [UInt64: @Sendable (StoreChange) -> Void] = [:]
        var nextFollower: UInt64 = 0
        var isAway = false
        var isClosed = false
    }

    private let contents = Mutex(Contents())
    private let clock: @Sendable () -> WallTime

    /// `clock` is the store's own clock, the judge of all leases.
    package init(clock: @escaping @Sendable () -> WallTime) { self.clock = clock }

    package var description: String { "memory" }

    /// While away every call throws `.unavailable` and nothing takes effect.
    package func setAway(_ isAway: Bool) {
        contents.withLock { $0.isAway = isAway }
    }

    package func now() async throws(StoreError) -> WallTime {
        try answering { _ in clock() }
    }

    package func list(_ kind: RecordKind, after cursor: String?, limit: Int) async throws(StoreError) -> [Record] {
        try answering { contents in
            let records = contents.records[kind, default: [:]].values.filter { record in
                cursor.map { isOrdered($0, before: record.key) } ?? true
            }
            return Array(records.sorted { isOrdered($0.key, before: $1.key) }.prefix(limit))
        }
    }

    package func read(_ kind: RecordKind, _ key: String) async throws(StoreError) -> Record? {
        try answering { $0.records[kind]?[key] }
    }

    package func write(
        _ kind: RecordKind,
        _ key: String,
        body: [UInt8],
        expecting expected: Revision?
    ) async throws(StoreError) -> WriteOutcome {
        let (outcome, told) = try answering { contents in
            let present = contents.records[kind]?[key]
            guard present?.revision == expected else { return (WriteOutcome.conflict(present), Told()) }
            let revision = Revision((expected?.value ?? 0) + 1)
            let record = Record(kind: kind, key: key, revision: revision, body: body)
            contents.records[kind, default: [:]][key] = record
            return (.done(revision), Told(followers: Array(contents.followers.values), change: .written(record)))
        }
        told.tell()
        return outcome
    }

    package func delete(
        _ kind: RecordKind,
        _ key: String,
        expecting expected: Revision
    ) async throws(StoreError) -> WriteOutcome {
        let (outcome, told) = try answering { contents in
            let present = contents.records[kind]?[key]
            guard present?.revision == expected else { return (WriteOutcome.conflict(present), Told()) }
            contents.records[kind]?[key] = nil
            return (
                .done(expected), Told(followers: Array(contents.followers.values), change: .deleted(kind, key: key))
            )
        }
        told.tell()
        return outcome
    }

    package func renew(_ renewals: [LeaseRenewal], for duration: Duration) async throws(StoreError) -> LeaseReport {
        try answering { contents in
            let now = clock()
            let outcomes = renewals.map { renewal -> LeaseOutcome in
                if let held = contents.leases[renewal.nodeID], held.bootNumber > renewal.bootNumber {
                    return .superseded(byBootID: held.bootID)
                }
                contents.leases[renewal.nodeID] = Lease(
                    nodeID: renewal.nodeID,
                    bootID: renewal.bootID,
                    bootNumber: renewal.bootNumber,
                    validUntil: now + duration,
                    report: renewal.report
                )
                return .renewed(validUntil: now + duration)
            }
            return LeaseReport(outcomes: outcomes, now: now)
        }
    }

    package func leases() async throws(StoreError) -> (leases: [Lease], now: WallTime) {
        try answering { contents in
            (contents.leases.values.sorted { isOrdered($0.nodeID, before: $1.nodeID) }, clock())
        }
    }

    package func removeLease(of nodeID: String) async throws(StoreError) {
        try answering { $0.leases[nodeID] = nil }
    }

    package func follow(_ handler: @escaping @Sendable (StoreChange) -> Void) async throws(StoreError) {
        let id = try answering { contents in
            contents.nextFollower += 1
            contents.followers[contents.nextFollower] = handler
            return contents.nextFollower
        }
        let (forever, end) = AsyncStream.makeStream(of: Never.self)
        for await _ in forever {}
        end.finish()
        contents.withLock { _ = $0.followers.removeValue(forKey: id) }
    }

    package func close() async {
        contents.withLock { $0.isClosed = true }
    }

    private func answering<Answer: Sendable>(
        _ body: (inout Contents) throws(StoreError) -> Answer
    ) throws(StoreError) -> Answer {
        let result = contents.withLock { contents -> Result<Answer, StoreError> in
            if contents.isClosed { return .failure(.unavailable("it is closed")) }
            if contents.isAway { return .failure(.unavailable("it is switched off")) }
            do throws(StoreError) { return .success(try body(&contents)) } catch { return .failure(error) }
        }
        return try result.get()
    }
}

/// Key order is by UTF-8 bytes on every store, so that a cursor means the same everywhere.
private func isOrdered(_ first: String, before second: String) -> Bool {
    first.utf8.lexicographicallyPrecedes(second.utf8)
}

/// Followers are told outside the lock, so that a handler may call the store.
private struct Told: Sendable {
    var followers: [@Sendable (StoreChange) -> Void] = []
    var change: StoreChange?

    func tell() {
        guard let change else { return }
        for follower in followers { follower(change) }
    }
}
