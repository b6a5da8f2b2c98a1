import ClusterHarness
import ClusterModel
import Foundation
import Testing

/// The `millrace` program against a running cluster.
@Suite(.serialized) struct OperatorTests {
    private func millrace(_ cluster: Cluster, _ arguments: String...) throws -> CommandResult {
        let settings = ["MILLRACE_CONTROL=\(cluster.controlURL)", "MILLRACE_ADMIN_TOKEN=\(Cluster.adminToken)"]
        return try run(["env"] + settings + [SourceTree.program("millrace")] + arguments)
    }

    @Test func `nodes, streams, groups and resolve show the cluster`() async throws {
        let (cluster, _, edge, publisher) = try await Cluster.publishing()
        try await cluster.waitUntilPlayable(edge.rtmp("live/s1"))
        let nodes = try millrace(cluster, "nodes", "--json")
        let listed = try JSONDecoder().decode([NodeResource].self, from: Data(nodes.output.utf8))
        #expect(listed.map(\.nodeId).sorted() == ["edge1", "origin1"])
        #expect(try millrace(cluster, "streams").output.contains("live/s1"))
        #expect(try millrace(cluster, "groups").output.contains("default"))
        let resolved = try millrace(cluster, "resolve", "live/s1")
        #expect(resolved.output.contains("edge1 ← origin1"), "\(resolved.output)")
        #expect(publisher.isRunning)
    }

    @Test func `the doctor finds nothing in a sound cluster, and names what is broken`() async throws {
        let cluster = try await Cluster.start(on: .sqlite)
        _ = try await cluster.startWorker("origin1", .origin)
        let edge = try await cluster.startWorker("edge1", .edge)
        let sound = try millrace(cluster, "doctor")
        #expect(sound.status == 0, "\(sound.output)")
        #expect(sound.output.contains("all is well"))
        edge.process.kill()
        let broken = try millrace(cluster, "doctor")
        #expect(broken.status == 1)
        #expect(broken.output.contains("WRONG  node edge1"), "\(broken.output)")
    }

    @Test func `the doctor names the two nodes that cannot reach each other`() async throws {
        let cluster = try await Cluster.start(on: .sqlite)
        _ = try await cluster.startWorker("origin1", .origin)
        _ = try await cluster.startWorker("edge1", .edge)
        try cluster.pretendNode("origin2", relayPort: try freePorts(1)[0])
        let result = try millrace(cluster, "doctor", "--json")
        #expect(result.status == 1)
        for from in ["edge1", "origin1"] {
            let words = "\(from) cannot reach origin2's relay port 127.0.0.1:"
            #expect(result.output.contains(words), "\(result.output)")
        }
        #expect(result.output.contains("connection refused"))
        #expect(result.output.contains("edge1 reaches origin1's relay port"), "\(result.output)")
    }

    @Test func `a store that a control plane uses cannot be moved`() async throws {
        let cluster = try await Cluster.start(on: .sqlite)
        let result = try millrace(cluster, "mode", "cluster", "127.0.0.1", "--from", cluster.storeAddress)
        #expect(result.status != 0)
        #expect(result.output.contains("held by process"), "\(result.output)")
    }
}
