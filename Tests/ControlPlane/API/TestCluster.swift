import API
import ClusterModel
import Coordination
import Domain
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import MemoryStore
import NIOCore
import Synchronization
import Testing
import Timebase

/// A control plane over a store in memory, on a clock the test holds.
final class TestCluster: Sendable {
    static let nodeToken = "node-token-of-the-tests"
    static let adminToken = "admin-token-of-the-tests"

    let time: ManualTime
    let store: MemoryStore
    let coordinator: Coordinator
    let api: API
    /// Relay ports that answer.
    let answering = Mutex<Set<String>>([])
    let probed = Mutex<[String]>([])

    init(
        over shared: MemoryStore? = nil,
        time: ManualTime = ManualTime(),
        load: Bool = true,
        watchLimits: WatchLimits = WatchLimits(),
        answerLimits: Coordinator.AnswerLimits = .init()
    ) async throws {
        let box = ProbeBox()
        let store = shared ?? MemoryStore(clock: { time.wall })
        self.store = store
        self.time = time
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        coordinator = Coordinator(
            store: MeasuredStore(store, clock: time.clock),
            hub: WatchHub(seed: 1000, limits: watchLimits),
            relayKey: RelayKey(nodeToken: Self.nodeToken),
            clock: time.clock,
            answerLimits: answerLimits,
            probe: { host, _, _ in box.cluster?.probe(host) ?? false },
            logger: logger
        )
        api = API(
            coordinator: coordinator,
            tokens: AccessTokens(node: Self.nodeToken, admin: Self.adminToken),
            renderMetrics: { "millrace_test 1\n" }
        )
        box.cluster = self
        if load { await coordinator.ping(refreshLeases: false) }
    }

    private func probe(_ host: String) -> Bool {
        probed.withLock { $0.append(host) }
        return answering.withLock { $0.contains(host) }
    }

    func test(_ body: @Sendable (TestAPI) async throws -> Void) async throws {
        let application = Application(router: api.router())
        try await application.test(.router) { client in try await body(TestAPI(client: client, cluster: self)) }
    }
}

/// The probe is made before the cluster it asks.
private final class ProbeBox: Sendable {
    private let held = Mutex<Weak>(Weak())

    private struct Weak {
        weak var cluster: TestCluster?
    }

    var cluster: TestCluster? {
        get { held.withLock { $0.cluster } }
        set { held.withLock { $0.cluster = newValue } }
    }
}

/// Calls of the API as its users make them.
struct TestAPI: Sendable {
    struct Answer: Sendable {
        var status: Int
        var headers: HTTPFields
        var body: ByteBuffer

        var text: String { String(buffer: body) }

        func decode<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
            try JSONDecoder().decode(type, from: Data(body.readableBytesView))
        }

        var problem: Problem? {
            guard headers[.contentType] == "application/problem+json" else { return nil }
            return try? decode(Problem.self)
        }
    }

    var client: any TestClientProtocol
    var cluster: TestCluster

    func call(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ body: String? = nil,
        token: String? = TestCluster.adminToken,
        headers: HTTPFields = [:]
    ) async throws -> Answer {
        var headers = headers
        if let token { headers[.authorization] = "Bearer \(token)" }
        return try await client.execute(
            uri: path,
            method: method,
            headers: headers,
            body: body.map { ByteBuffer(string: $0) }
        ) { Answer(status: $0.status.code, headers: $0.headers, body: $0.body) }
    }

    func call(_ method: HTTPRequest.Method, _ path: String, json: some Encodable) async throws -> Answer {
        let body = String(decoding: try JSONEncoder().encode(json), as: UTF8.self)
        return try await call(method, path, body, token: TestCluster.nodeToken)
    }

    @discardableResult
    func register(
        _ id: String,
        boot: String = "boot1",
        role: NodeRole = .hybrid,
        group: String = "region1"
    ) async throws -> Answer {
        var addresses = NodeAddresses(host: id)
        addresses.http = 5080
        addresses.relay = 5000
        let registration = NodeRegistration(bootId: boot, role: role, group: group, version: "1", addresses: addresses)
        return try await call(.put, "/v1/nodes/\(id)", json: registration)
    }

    func beat(_ id: String, boot: String = "boot1", holds: [Hold] = [], pulls: [Pull] = []) async throws -> Answer {
        let heartbeat = Heartbeat(bootId: boot, load: NodeLoad(), holds: holds, pulls: pulls)
        return try await call(.post, "/v1/nodes/\(id)/heartbeat", json: heartbeat)
    }

    func claim(_ id: String, boot: String = "boot1", claim: String = "c", of stream: String = "live/s1") async throws
        -> Answer
    {
        let request = ClaimRequest(nodeId: id, bootId: boot, claimId: claim, protocol: "rtmp")
        return try await call(.post, "/v1/streams/\(stream)/claim", json: request)
    }

    /// Moves the clock in small steps whenever something sleeps, until the call is answered.
    func passing(_ step: Duration, _ body: @escaping @Sendable () async throws -> Answer) async throws -> Answer {
        let isAnswered = Flag(false)
        let call = Task {
            defer { isAnswered.store(true) }
            return try await body()
        }
        while !isAnswered.load() {
            if cluster.time.sleepers > 0 { cluster.time.advance(by: step) }
            await Task.yield()
        }
        return try await call.value
    }
}

/// A flag that two tasks share.
private final class Flag: Sendable {
    private let value: Mutex<Bool>

    init(_ value: Bool) { self.value = Mutex(value) }

    func store(_ new: Bool) { value.withLock { $0 = new } }
    func load() -> Bool { value.withLock { $0 } }
}
