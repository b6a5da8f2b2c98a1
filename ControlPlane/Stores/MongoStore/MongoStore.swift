package import Domain
import Synchronization
package import Timebase

/// The cluster's records in a MongoDB database, for any number of control planes.
///
/// - Durability: writes are acknowledged by a majority of the set's members, each from its journal; reads go to the primary.
/// - Threads: libmongoc blocks, so calls run on the pools' own threads; heartbeats have a pool, threads and connections of
///   their own.
/// - The server's clock judges leases.
/// - The server need not be up when the store is made, and may go and come back.
package final class MongoStore: ClusterStore {
    package let description: String
    private let database: MongoDatabase
    private let calls: MongoPool
    private let heartbeats: MongoPool

    /// `uri` is a connection string; `databaseDefault` counts when it names no database. Does not wait for the server.
    package init(
        uri: String,
        databaseDefault: String = "millrace",
        limits: MongoLimits = MongoLimits()
    ) throws(StoreError) {
        let address = try MongoAddress(uri, database: databaseDefault, limits: limits)
        description = address.description
        database = MongoDatabase(name: address.database, limits: limits)
        calls = try MongoPool(address, threads: limits.callsMax, limits: limits)
        heartbeats = try MongoPool(address, threads: limits.heartbeatCallsMax, limits: limits)
    }

    deinit {
        calls.endThreads()
        heartbeats.endThreads()
    }

    package func now() async throws(StoreError) -> WallTime {
        try await call { client, database in
            try database.writePulse(client)
            return WallTime(milliseconds: try database.now(client))
        }
    }

    package func list(_ kind: RecordKind, after cursor: String?, limit: Int) async throws(StoreError) -> [Record] {
        try await call { try $1.records($0, kind, after: cursor, limit: min(max(limit, 1), 1000)) }
    }

    package func read(_ kind: RecordKind, _ key: String) async throws(StoreError) -> Record? {
        try await call { try $1.record($0, kind, key) }
    }

    package func write(
        _ kind: RecordKind,
        _ key: String,
        body: [UInt8],
        expecting expected: Revision?
    ) async throws(StoreError) -> WriteOutcome {
        try await call { try $1.write($0, kind, key, body: body, expecting: expected) }
    }

    package func delete(
        _ kind: RecordKind,
        _ key: String,
        expecting expected: Revision
    ) async throws(StoreError) -> WriteOutcome {
        try await call { try $1.delete($0, kind, key, expecting: expected) }
    }

    package func renew(_ renewals: [LeaseRenewal], for duration: Duration) async throws(StoreError) -> LeaseReport {
        try await call(on: heartbeats) { try $1.renew($0, renewals, for: duration) }
    }

    package func leases() async throws(StoreError) -> (leases: [Lease], now: WallTime) {
        try await call { try $1.leases($0) }
    }

    package func removeLease(of nodeID: String) async throws(StoreError) {
        try await call { try $1.removeLease($0, of: nodeID) }
    }

    package func follow(_ handler: @escaping @Sendable (StoreChange) -> Void) async throws(StoreError) {
        let isCancelled = Cancellation()
        let result: Result<Void, StoreError> = await withTaskCancellationHandler {
            do throws(StoreError) {
                try await calls.runLong { [calls, database] client in
                    try database.checkSchema(client)
                    try database.follow(client, while: { !isCancelled.value && calls.isOpen }, handler)
                    if !isCancelled.value { throw StoreError.unavailable("the store is closed") }
                }
                return .success(())
            } catch {
                return .failure(error)
            }
        } onCancel: {
            isCancelled.set()
        }
        try result.get()
    }

    package func close() async {
        await calls.close()
        await heartbeats.close()
    }

    private func call<Value: Sendable>(
        on pool: MongoPool? = nil,
        _ body: @escaping @Sendable (borrowing MongoClient, MongoDatabase) throws -> Value
    ) async throws(StoreError) -> Value {
        try await (pool ?? calls).run { [database] client in
            try database.checkSchema(client)
            return try body(client, database)
        }
    }
}

private final class Cancellation: Sendable {
    private let flag = Mutex(false)
    var value: Bool { flag.withLock { $0 } }
    func set() { flag.withLock { $0 = true } }
}
