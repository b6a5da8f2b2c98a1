import CMongoC
import Domain
import Foundation

/// Connections, and the threads that wait for their answers: libmongoc blocks, and the cooperative pool must not.
///
/// `@unchecked Sendable`: the C pool may be used by any thread, what changes is guarded by `condition`, and a client is
/// lent to one thread at a time.
final class MongoPool: @unchecked Sendable {
    private struct Job {
        var deadline: ContinuousClock.Instant
        var run: @Sendable (OpaquePointer) -> Void
        var refuse: @Sendable (StoreError) -> Void
    }

    private let clients: OpaquePointer
    private let limits: MongoLimits
    private let condition = NSCondition()
    private var jobs: [Job] = []
    private var isClosed = false
    private let threads = DispatchGroup()

    init(_ address: borrowing MongoAddress, threads count: Int, limits: MongoLimits) throws(StoreError) {
        var error = bson_error_t()
        mongoc_uri_set_option_as_int32(address.raw, MONGOC_URI_MAXPOOLSIZE, Int32(count + limits.followersMax))
        guard let clients = mongoc_client_pool_new_with_error(address.raw, &error) else {
            throw .refused("MongoDB's driver does not take the address: \(MongoError(error).message)")
        }
        // Server errors then come with the server's own codes. Must precede the first client.
        mongoc_client_pool_set_error_api(clients, MONGOC_ERROR_API_VERSION_2)
        self.clients = clients
        self.limits = limits
        for number in 0..<count { start(named: "mongo-\(number)") { $0.work() } }
    }

    var isOpen: Bool {
        condition.lock()
        defer { condition.unlock() }
        return !isClosed
    }

    /// Runs `body`, which may block, on one of the pool's threads with a client of its own.
    func run<Value: Sendable>(
        _ body: @escaping @Sendable (borrowing MongoClient) throws -> Value
    ) async throws(StoreError) -> Value {
        let result: Result<Value, StoreError> = await withCheckedContinuation { continuation in
            let job = Job(
                deadline: .now + .milliseconds(Int64(limits.answerMillisecondsMax)),
                run: { client in
                    let result = Result { try body(MongoClient(raw: client)) }
                    continuation.resume(returning: result.mapError { StoreError(mongo: $0) })
                },
                refuse: { continuation.resume(returning: .failure($0)) }
            )
            if let refusal = enqueue(job) { job.refuse(refusal) }
        }
        return try result.get()
    }

    /// Runs `body` on a new thread for as long as it takes; it must end soon after `isOpen` is false.
    func runLong(_ body: @escaping @Sendable (borrowing MongoClient) throws -> Void) async throws(StoreError) {
        let result: Result<Void, StoreError> = await withCheckedContinuation { continuation in
            guard isOpen else { return continuation.resume(returning: .failure(.unavailable("the store is closed"))) }
            start(named: "mongo-follow") { pool in
                guard let client = mongoc_client_pool_try_pop(pool.clients) else {
                    let refusal = StoreError.refused("more than \(pool.limits.followersMax) follow the store")
                    return continuation.resume(returning: .failure(refusal))
                }
                let result = Result { try body(MongoClient(raw: client)) }
                mongoc_client_pool_push(pool.clients, client)
                continuation.resume(returning: result.mapError { StoreError(mongo: $0) })
            }
        }
        try result.get()
    }

    /// Refuses what waits and has the threads end after what they do now.
    func endThreads() {
        for job in takeJobsForClosing() { job.refuse(.unavailable("the store is closed")) }
    }

    /// Ends the threads and waits for it.
    func close() async {
        endThreads()
        await withCheckedContinuation { continuation in
            threads.notify(queue: .global()) { continuation.resume() }
        }
    }

    deinit { mongoc_client_pool_destroy(clients) }

    private func takeJobsForClosing() -> [Job] {
        condition.lock()
        defer { condition.unlock() }
        isClosed = true
        condition.broadcast()
        defer { jobs = [] }
        return jobs
    }

    private func enqueue(_ job: Job) -> StoreError? {
        condition.lock()
        defer { condition.unlock() }
        if isClosed { return .unavailable("the store is closed") }
        guard jobs.count < limits.waitingCallsMax else {
            return .unavailable("MongoDB: \(limits.waitingCallsMax) calls wait for an answer")
        }
        jobs.append(job)
        condition.signal()
        return nil
    }

    /// A thread keeps the pool until it ends; `close` ends all.
    private func start(named name: String, _ body: @escaping @Sendable (MongoPool) -> Void) {
        threads.enter()
        let thread = Thread { [self] in
            body(self)
            threads.leave()
        }
        thread.name = name
        thread.start()
    }

    private func work() {
        while let job = nextJob() {
            // After an outage the old calls are given up: their callers have long decided without an answer.
            guard job.deadline > .now else {
                job.refuse(.unavailable("MongoDB did not answer earlier calls in time"))
                continue
            }
            guard let client = mongoc_client_pool_pop(clients) else {
                job.refuse(.unavailable("MongoDB: no connection is free"))
                continue
            }
            job.run(client)
            mongoc_client_pool_push(clients, client)
        }
    }

    private func nextJob() -> Job? {
        condition.lock()
        defer { condition.unlock() }
        while jobs.isEmpty, !isClosed { condition.wait() }
        return jobs.isEmpty ? nil : jobs.removeFirst()
    }
}

extension StoreError {
    fileprivate init(mongo error: any Error) {
        switch error {
        case let error as StoreError: self = error
        case let error as MongoError: self = StoreError(error)
        case let error as BSONError: self = StoreError(error)
        default: self = .unavailable("MongoDB: \(error)")
        }
    }
}
