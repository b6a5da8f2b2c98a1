import ClusterModel
import Coordination
import HTTPTypes
import MemoryStore
import Testing

@Suite struct ServiceDiscoveryTests {
    private struct Target: Decodable, Equatable {
        var targets: [String]
        var labels: [String: String]
    }

    @Test func `Prometheus finds every node without a token, dead ones too, also while the store is away`() async throws
    {
        let cluster = try await TestCluster()
        try await cluster.test { api in
            try await api.register("edge1", role: .edge, group: "region2")
            cluster.time.advance(by: .seconds(21))
            try await api.register("origin1", role: .origin)
            let answer = try await api.call(.get, "/sd/prometheus", token: nil)
            #expect(answer.status == 200 && answer.headers[.contentType]?.hasPrefix("application/json") == true)
            #expect(
                try answer.decode([Target].self) == [
                    Self.target("edge1", "edge", "region2", "dead"),
                    Self.target("origin1", "origin", "region1", "alive"),
                ]
            )
            cluster.store.setAway(true)
            await cluster.coordinator.ping(refreshLeases: false)
            #expect(try await api.call(.get, "/sd/prometheus", token: nil).decode([Target].self).count == 2)
        }
    }

    @Test func `before the store was read no target is forgotten for an empty list`() async throws {
        let cluster = try await TestCluster(load: false)
        try await cluster.test { api in
            let answer = try await api.call(.get, "/sd/prometheus", token: nil)
            #expect(answer.status == 503)
        }
    }

    private static func target(_ node: String, _ role: String, _ group: String, _ state: String) -> Target {
        Target(
            targets: ["\(node):5080"],
            labels: [
                "__meta_millrace_node": node, "__meta_millrace_role": role, "__meta_millrace_group": group,
                "__meta_millrace_state": state,
            ]
        )
    }
}
