import ClaimHistory
import ClusterModel
import Coordination
import Domain
import Logging
import MemoryStore
import Testing
import Timebase

/// Several control planes on one store, and nodes that race for the same streams through all of them.
@Suite struct SharedStoreTests {
    private static func claimants(seed: UInt64) -> Claimants {
        Claimants(streams: ["live/s1", "live/s2"], nodes: 5, turns: 60, seed: seed)
    }

    @Test(arguments: 1...10 as ClosedRange<UInt64>)
    func `claims through three control planes are those of one lock a stream`(seed: UInt64) async {
        let planes = await ControlPlanes(3, over: MemoryStore(clock: CoordinatorClock.systemWall))
        let histories = await Self.claimants(seed: seed).run(over: planes)
        #expect(histories.values.reduce(0) { $0 + $1.owners.count } > 10, "the streams changed hands")
        for (stream, history) in histories {
            if let violation = history.violation() { Issue.record("\(stream): \(violation.suffix(12))") }
        }
    }

    /// The planted bug: whoever writes last wins.
    @Test func `a store that does not compare before it sets is found out`() async {
        let base = MemoryStore(clock: CoordinatorClock.systemWall)
        let careless = AlteredStore(base: base) { kind, key, _ throws(StoreError) in
            try await base.read(kind, key)?.revision
        }
        let histories = await Self.claimants(seed: 7).run(over: await ControlPlanes(3, over: careless))
        #expect(histories.values.contains { $0.violation() != nil })
    }

    /// While one control plane reads of the old owner that it is gone, the stream is claimed through another, by a node in a
    /// boot that the first has not heard of.
    @Test func `a claim that another was faster than learns whether that one lives before it takes its stream`() async {
        let base = MemoryStore(clock: CoordinatorClock.systemWall)
        let (gone, old, new, late) = (Boot("a", "a-1"), Boot("b", "b-1"), Boot("b", "b-2"), Boot("c", "c-1"))
        let first = await ControlPlanes(1, over: base)
        for boot in [gone, old, late] { #expect(await first.register(boot, at: 0) == .done) }
        guard case .granted = await first.claim("live/s1", gone, claimID: "1", at: 0) else {
            Issue.record("a free stream is not granted")
            return
        }
        #expect(await first.register(Boot("a", "a-2"), at: 0) == .done)
        let faster = AlteredStore(base: base) { kind, _, expected in
            if kind == .stream { _ = await first.claim("live/s1", new, claimID: "2", at: 0) }
            return expected
        }
        let second = await ControlPlanes(1, over: faster)
        #expect(await first.register(new, at: 0) == .done)
        #expect(await second.claim("live/s1", late, claimID: "3", at: 0) == .inUse(owner: "b"))
    }
}

/// Coordinators that know of each other's writes only what the store tells them when they ask.
private struct ControlPlanes: Ownership {
    private let coordinators: [Coordinator]

    init(_ count: Int, over store: some ClusterStore) async {
        var timing = ClusterTiming()
        timing.claimHold = .zero
        var made: [Coordinator] = []
        for _ in 0..<count {
            let coordinator = Coordinator(
                store: store,
                hub: WatchHub(seed: 1),
                relayKey: RelayKey(nodeToken: "node-token-of-the-tests"),
                timing: timing,
                probe: { _, _, _ in true },
                logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
            )
            await coordinator.ping(refreshLeases: false)
            made.append(coordinator)
        }
        coordinators = made
    }

    var planes: Int { coordinators.count }

    func register(_ boot: Boot, at plane: Int) async -> StreamOperation.Answer {
        var addresses = NodeAddresses(host: boot.node)
        addresses.relay = 5000
        let registration = NodeRegistration(
            bootId: boot.boot,
            role: .origin,
            group: "default",
            version: "1",
            addresses: addresses
        )
        return await answer {
            _ = try await coordinators[plane].register(boot.node, registration, ifMatch: .any)
            return .done
        }
    }

    func renew(_ boot: Boot, at plane: Int) async {
        let heartbeat = Heartbeat(bootId: boot.boot, load: NodeLoad(), holds: [], pulls: [])
        _ = try? await coordinators[plane].heartbeat(boot.node, heartbeat)
    }

    func claim(_ stream: String, _ boot: Boot, claimID: String, at plane: Int) async -> StreamOperation.Answer {
        let request = ClaimRequest(nodeId: boot.node, bootId: boot.boot, claimId: claimID, protocol: "rtmp")
        return await answer { .granted(epoch: try await coordinators[plane].claim(id(stream), request).epoch) }
    }

    func release(_ stream: String, _ boot: Boot, epoch: Int64, at plane: Int) async -> StreamOperation.Answer {
        let request = ReleaseRequest(nodeId: boot.node, bootId: boot.boot, epoch: epoch, reason: .unpublished)
        return await answer {
            try await coordinators[plane].release(id(stream), request)
            return .done
        }
    }

    private func id(_ stream: String) throws -> StreamID {
        let parts = stream.split(separator: "/").map(String.init)
        return try StreamID(app: parts[0], id: parts[1])
    }

    private func answer(_ body: () async throws -> StreamOperation.Answer) async -> StreamOperation.Answer {
        do { return try await body() } catch let problem as Problem {
            switch problem.kind {
            case .streamInUse: return .inUse(owner: problem.owner ?? "")
            case .superseded: return .superseded
            default: return .unknown
            }
        } catch { return .unknown }
    }
}

/// A store that first does, at each write, what the test says, which also says what the write is to expect.
private struct AlteredStore: ClusterStore {
    let base: MemoryStore
    let expectation: @Sendable (RecordKind, String, Revision?) async throws(StoreError) -> Revision?

    var description: String { base.description }

    func write(
        _ kind: RecordKind,
        _ key: String,
        body: [UInt8],
        expecting expected: Revision?
    ) async throws(StoreError) -> WriteOutcome {
        try await base.write(kind, key, body: body, expecting: try await expectation(kind, key, expected))
    }

    func now() async throws(StoreError) -> WallTime { try await base.now() }

    func list(_ kind: RecordKind, after cursor: String?, limit: Int) async throws(StoreError) -> [Record] {
        try await base.list(kind, after: cursor, limit: limit)
    }

    func read(_ kind: RecordKind, _ key: String) async throws(StoreError) -> Record? { try await base.read(kind, key) }

    func delete(
        _ kind: RecordKind,
        _ key: String,
        expecting expected: Revision
    ) async throws(StoreError) -> WriteOutcome {
        try await base.delete(kind, key, expecting: expected)
    }

    func renew(_ renewals: [LeaseRenewal], for duration: Duration) async throws(StoreError) -> LeaseReport {
        try await base.renew(renewals, for: duration)
    }

    func leases() async throws(StoreError) -> (leases: [Lease], now: WallTime) { try await base.leases() }

    func removeLease(of nodeID: String) async throws(StoreError) { try await base.removeLease(of: nodeID) }

    func follow(_ handler: @escaping @Sendable (StoreChange) -> Void) async throws(StoreError) {
        try await base.follow(handler)
    }

    func close() async { await base.close() }
}
