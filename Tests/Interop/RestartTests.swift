import ClusterHarness
import ClusterModel
import Foundation
import Testing

/// Workers that come back while nobody can tell them anything.
@Suite(.serialized) struct RestartTests {
    @Test func `an edge restarted while the control plane is away serves the stream it knew`() async throws {
        let (cluster, _, edge, publisher) = try await Cluster.publishing()
        try await cluster.waitUntilPlayable(edge.rtmp("live/s1"))
        let map = cluster.directory.appending(path: "edge1/known-map.json")
        try await eventually("the edge keeps what it knows\n\(cluster.logs)") {
            (try? String(contentsOf: map, encoding: .utf8))?.contains("origin1") == true
        }
        cluster.killControl()
        edge.process.kill()
        let restarted = try await cluster.startWorker("edge1", .edge, ports: edge.ports, isControlAway: true)
        try await cluster.waitUntilPlayable(restarted.rtmp("live/s1"))
        #expect(publisher.isRunning)
    }
}
