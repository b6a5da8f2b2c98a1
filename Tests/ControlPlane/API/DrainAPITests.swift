import ClusterModel
import HTTPTypes
import Testing

/// Drain and undrain as operators ask for them.
@Suite struct DrainAPITests {
    @Test func `a drain shows in the node, reaches it by heartbeat, and is undone`() async throws {
        try await TestCluster().test { api in
            try await api.register("edge1")
            let begun = try await api.call(.post, "/v1/nodes/edge1/drain", #"{"deadline":300}"#)
            #expect(begun.status == 200)
            let node: NodeResource = try begun.decode()
            #expect(node.state == .draining && !node.safeToTerminate)
            let told: HeartbeatAnswer = try await api.beat("edge1").decode()
            #expect(told.state == .draining)
            #expect(told.directives == [Directive(type: .drain, deadline: 300, hasReplacement: false)])
            let heartbeat = Heartbeat(bootId: "boot1", load: NodeLoad(), isDraining: true)
            _ = try await api.call(.post, "/v1/nodes/edge1/heartbeat", json: heartbeat)
            let drained: NodeResource = try await api.call(.get, "/v1/nodes/edge1").decode()
            #expect(drained.state == .drained && drained.safeToTerminate && drained.sessionsLeft == 0)
            let ended = try await api.call(.delete, "/v1/nodes/edge1/drain")
            #expect(ended.status == 200)
            #expect(try ended.decode(NodeResource.self).state == .alive)
        }
    }

    @Test(
        arguments: [
            ("edge1", #"{"deadline":-1}"#, 422), ("edge1", #"{"deadline":86401}"#, 422),
            ("edge1", #"{"deadline":"soon"}"#, 400), ("nobody", #"{}"#, 404), ("edge1", "{}", 200),
        ]
    )
    func `what cannot be drained so is refused`(node: String, body: String, status: Int) async throws {
        try await TestCluster().test { api in
            try await api.register("edge1")
            #expect(try await api.call(.post, "/v1/nodes/\(node)/drain", body).status == status)
        }
    }

    @Test func `without a body the deadline is 300 s`() async throws {
        try await TestCluster().test { api in
            try await api.register("edge1")
            #expect(try await api.call(.post, "/v1/nodes/edge1/drain").status == 200)
            let told: HeartbeatAnswer = try await api.beat("edge1").decode()
            #expect(told.directives.first?.deadline == 300)
        }
    }
}
