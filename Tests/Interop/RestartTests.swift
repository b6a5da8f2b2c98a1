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

    /// What C libraries do as a process ends meets threads that still use them, sometimes: hence so many times.
    @Test func `a worker that serves every protocol ends with status 0 each time it is stopped`() async throws {
        let cluster = try await Cluster.start(on: .sqlite)
        var node: WorkerHandle?
        for _ in 1...8 {
            let started = try await cluster.startWorker("node1", .hybrid, ports: node?.ports, servesSRT: true)
            started.process.signal(SIGTERM)
            #expect(started.process.waitForEnd() == 0, "\(started.process.lastLines)")
            node = started
        }
    }
}
