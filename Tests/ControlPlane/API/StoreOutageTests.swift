import ClusterModel
import Coordination
import Domain
import HTTPTypes
import MemoryStore
import Synchronization
import Testing
import Timebase

@Suite struct StoreOutageTests {
    @Test func `before the store answered only liveness is served`() async throws {
        let cluster = try await TestCluster(load: false)
        try await cluster.test { api in
            #expect(try await api.call(.get, "/livez").status == 200)
            for path in ["/readyz", "/v1/nodes", "/v1/watch"] {
                let answer = try await api.call(.get, path)
                #expect(answer.status == 503 && answer.headers[.retryAfter] == "1", "\(path)")
            }
            #expect(try await api.register("edge1").status == 503)
        }
    }

    @Test func `while the store is away calls are refused at once, and afterwards nobody's lease has ended`()
        async throws
    {
        let cluster = try await TestCluster()
        try await cluster.test { api in
            try await api.register("origin1")
            try await api.register("origin2")
            let grant: ClaimGrant = try await api.claim("origin1").decode()
            cluster.store.setAway(true)
            let caught = try await api.beat("origin1")
            #expect(caught.status == 503 && caught.problem?.kind == .storeUnavailable)
            await cluster.coordinator.ping(refreshLeases: false)
            #expect(try await api.call(.get, "/readyz").status == 503)
            let metric = "/apis/external.metrics.k8s.io/v1beta1/namespaces/x/millrace_autoscale_desired_nodes"
            #expect(try await api.call(.get, metric, token: nil).status == 503)
            #expect(try await api.beat("origin1").status == 503)
            cluster.time.advance(by: .seconds(120))
            cluster.store.setAway(false)
            await cluster.coordinator.ping(refreshLeases: false)
            #expect(try await api.call(.get, "/readyz").status == 200)
            let stream: StreamResource = try await api.call(.get, "/v1/streams/live/s1").decode()
            #expect(stream.originNodeId == "origin1" && stream.status == .broadcasting)
            let hold = Hold(app: "live", id: "s1", epoch: grant.epoch)
            #expect(try await api.beat("origin1", holds: [hold]).decode(HeartbeatAnswer.self).lost.isEmpty)
        }
    }

    @Test func `one heartbeat that the store did not take is an outage, also when no ping noticed it`() async throws {
        let cluster = try await TestCluster()
        cluster.answering.withLock { $0 = ["origin1", "origin2"] }
        try await cluster.test { api in
            try await api.register("origin1")
            try await api.register("origin2")
            _ = try await api.claim("origin1")
            cluster.store.setAway(true)
            #expect(try await api.beat("origin1").status == 503)
            #expect(try await api.call(.get, "/readyz").status == 503)
            cluster.time.advance(by: .seconds(24))
            cluster.store.setAway(false)
            #expect(try await api.claim("origin2").status == 503)
            #expect(try await api.call(.get, "/metrics").status == 200)
            await cluster.coordinator.ping(refreshLeases: false)
            let node: NodeResource = try await api.call(.get, "/v1/nodes/origin1").decode()
            #expect(node.state == .alive)
            let refused = try await api.passing(.milliseconds(50)) { try await api.claim("origin2") }
            #expect(refused.status == 409 && refused.problem?.owner == "origin1")
        }
    }

    @Test func `a new process knows everything the store was told`() async throws {
        let first = try await TestCluster()
        try await first.test { api in
            try await api.register("origin1")
            _ = try await api.claim("origin1")
            _ = try await api.call(.put, "/v1/apps/live", #"{"pullLinger":3}"#)
        }
        let second = try await TestCluster(over: first.store, time: first.time)
        try await second.test { api in
            let stream: StreamResource = try await api.call(.get, "/v1/streams/live/s1").decode()
            #expect(stream.originNodeId == "origin1")
            let node: NodeResource = try await api.call(.get, "/v1/nodes/origin1").decode()
            #expect(node.state == .alive)
            #expect(try await api.call(.get, "/v1/apps/live").decode(AppSettings.self).pullLinger == 3)
        }
    }

    @Test func `two control planes on one store grant one claim`() async throws {
        let first = try await TestCluster()
        let second = try await TestCluster(over: first.store, time: first.time)
        for cluster in [first, second] { cluster.answering.withLock { $0 = ["origin1", "origin2"] } }
        try await first.test { api in
            try await second.test { other in
                try await api.register("origin1")
                try await other.register("origin2")
                // Neither has heard of the other's write: the store alone decides.
                #expect(try await api.claim("origin1").status == 201)
                let refused = try await other.passing(.milliseconds(50)) { try await other.claim("origin2") }
                #expect(refused.status == 409 && refused.problem?.owner == "origin1")
            }
        }
    }

    @Test func `a heartbeat through another control plane keeps an owner from being fenced`() async throws {
        let first = try await TestCluster()
        let second = try await TestCluster(over: first.store, time: first.time)
        second.answering.withLock { $0 = ["origin1"] }
        try await first.test { api in
            try await second.test { other in
                try await api.register("origin1")
                try await other.register("origin2")
                #expect(try await api.claim("origin1").status == 201)
                await second.coordinator.ping(refreshLeases: true)
                for _ in 0..<10 {
                    first.time.advance(by: .seconds(5))
                    _ = try await api.beat("origin1")
                    _ = try await other.beat("origin2")
                }
                // The second last heard of origin1 50 s ago.
                let refused = try await other.passing(.milliseconds(50)) { try await other.claim("origin2") }
                #expect(refused.status == 409)
            }
        }
    }
}
