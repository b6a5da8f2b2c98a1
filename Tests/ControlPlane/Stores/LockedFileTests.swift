import ClusterModel
import Coordination
import Domain
import Logging
import SQLiteStore
import StoreConformance
import Testing
import Timebase

/// A control plane whose file another program locks.
@Suite struct LockedFileTests {
    @Test func `an owner is not fenced because its lease could not be renewed while the file was locked`() async throws
    {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        let store = try SQLiteStore(path: directory.file("cluster.db"), limits: Self.impatient)
        let coordinator = Self.coordinator(over: store)
        await coordinator.ping(refreshLeases: false)
        for node in ["origin1", "origin2"] { try await Self.register(node, coordinator) }
        let stream = try StreamID(app: "live", id: "s1")
        _ = try await coordinator.claim(stream, Self.claim("origin1"))

        let lock = try await ForeignLock(on: directory.file("cluster.db"))
        await #expect(throws: Problem.self) { try await Self.beat("origin1", coordinator) }
        #expect(throws: Problem.self) { try coordinator.requireAnswering() }
        let end = coordinator.now + .milliseconds(500)
        try await eventually("every lease has ended") { coordinator.now > end }
        await coordinator.ping(refreshLeases: false)
        #expect(throws: Problem.self) { try coordinator.requireAnswering() }
        lock.release()

        try await eventually("the file takes writes again") {
            await coordinator.ping(refreshLeases: false)
            return coordinator.phase == .answering
        }
        let state = coordinator.read { state, now in state.state(of: "origin1", at: now) }
        #expect(state == .alive)
        let refusal = await #expect(throws: Problem.self) {
            try await coordinator.claim(stream, Self.claim("origin2"))
        }
        #expect(refusal?.kind == .streamInUse)
        await store.close()
    }

    private static let impatient: SQLiteLimits = {
        var limits = SQLiteLimits()
        limits.busyTimeoutSeconds = 0.05
        return limits
    }()

    /// Leases are over soon; what follows an outage is not.
    private static func coordinator(over store: SQLiteStore) -> Coordinator {
        var timing = ClusterTiming()
        timing.leaseDuration = .milliseconds(400)
        timing.heartbeatInterval = .milliseconds(100)
        timing.heartbeatSlack = .milliseconds(20)
        timing.claimHold = .seconds(1)
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return Coordinator(
            store: store,
            hub: WatchHub(seed: 1),
            relayKey: RelayKey(nodeToken: "token-of-the-tests"),
            timing: timing,
            probe: { _, _, _ in true },
            logger: logger
        )
    }

    private static func register(_ node: String, _ coordinator: Coordinator) async throws {
        var addresses = NodeAddresses(host: node)
        addresses.relay = 5000
        let registration = NodeRegistration(
            bootId: "b",
            role: .hybrid,
            group: "g",
            version: "1",
            addresses: addresses
        )
        _ = try await coordinator.register(node, registration, ifMatch: .any)
    }

    private static func beat(_ node: String, _ coordinator: Coordinator) async throws {
        _ = try await coordinator.heartbeat(node, Heartbeat(bootId: "b", load: NodeLoad()))
    }

    private static func claim(_ node: String) -> ClaimRequest {
        ClaimRequest(nodeId: node, bootId: "b", claimId: node, protocol: "rtmp")
    }
}
