import ClusterModel
import Coordination
import Domain
import HTTPTypes
import MemoryStore
import Synchronization
import Testing
import Timebase

/// A control plane that is stopped for longer than a lease and then goes on as if nothing were, and a store whose clock leaps.
@Suite struct StillnessTests {
    private static let stillness = Duration.seconds(45)

    private func withStillness(_ body: @Sendable (TestCluster, TestAPI) async throws -> Void) async throws {
        let cluster = try await TestCluster()
        cluster.answering.withLock { $0 = ["origin1", "origin2"] }
        try await cluster.test { api in
            try await api.register("origin1")
            try await api.register("origin2")
            let upkeep = Task { await cluster.coordinator.keepInStep() }
            // Who pings the store and who looks for stillness.
            while cluster.time.sleepers < 2 { await Task.yield() }
            try await body(cluster, api)
            upkeep.cancel()
            await upkeep.value
        }
    }

    @Test func `it ends no stream whose owner's lease it did not see renewed`() async throws {
        try await withStillness { cluster, api in
            _ = try await api.claim("origin1")
            cluster.time.advance(by: Self.stillness)
            await cluster.coordinator.sweep()
            await cluster.coordinator.ping(refreshLeases: true)
            await cluster.coordinator.sweep()
            let stream: StreamResource = try await api.call(.get, "/v1/streams/live/s1").decode()
            #expect(stream.originNodeId == "origin1" && stream.status == .broadcasting)
            let node: NodeResource = try await api.call(.get, "/v1/nodes/origin1").decode()
            #expect(node.state == .alive)
        }
    }

    @Test func `a store whose clock is set forward ends no lease that nobody could renew by it`() async throws {
        let time = ManualTime()
        let lead = Mutex(Duration.zero)
        let cluster = try await TestCluster(
            over: MemoryStore(clock: { time.wall + lead.withLock { $0 } }),
            time: time
        )
        try await cluster.test { api in
            try await api.register("origin1")
            _ = try await api.claim("origin1")
            lead.withLock { $0 = .seconds(60) }
            await cluster.coordinator.ping(refreshLeases: true)
            await cluster.coordinator.sweep()
            let stream: StreamResource = try await api.call(.get, "/v1/streams/live/s1").decode()
            #expect(stream.originNodeId == "origin1" && stream.status == .broadcasting)
            time.advance(by: .seconds(21))
            await cluster.coordinator.sweep()
            let later: StreamResource = try await api.call(.get, "/v1/streams/live/s1").decode()
            #expect(later.status != .broadcasting)
        }
    }

    /// The owner went to another control plane long ago; its old connection's end is only noticed now.
    @Test func `a watch that it then sees closed is no sign of death`() async throws {
        try await withStillness { cluster, api in
            let grant: ClaimGrant = try await api.claim("origin1").decode()
            let watch = try cluster.coordinator.watch(since: nil, nodeID: "origin1", boot: "boot1")
            cluster.time.advance(by: Self.stillness)
            await cluster.coordinator.ping(refreshLeases: true)
            let hold = Hold(app: "live", id: "s1", epoch: grant.epoch)
            #expect(try await api.beat("origin1", holds: [hold]).status == 200)
            watch.close()
            let refused = try await api.passing(.milliseconds(50)) { try await api.claim("origin2") }
            #expect(refused.status == 409 && refused.problem?.owner == "origin1")
        }
    }
}
