import ClusterHarness
import ClusterModel
import Testing

@Suite(.serialized) struct MetricsTests {
    @Test func `both daemons' metrics are what Prometheus wants`() async throws {
        let cluster = try await Cluster.start(on: .sqlite)
        let worker = try await cluster.startWorker("node1", .hybrid)
        let publisher = try cluster.publish("live/s1", to: worker)
        try await cluster.waitForOrigin(of: "live/s1", "node1")
        for address in [cluster.controlURL + "/metrics", worker.http("/metrics")] {
            let metrics = try http(address)
            #expect(metrics.headers["content-type"]?.hasPrefix("text/plain; version=0.0.4") == true)
            let check = try run(["bash", "-c", #"curl -sS "$1" | promtool check metrics"#, "promtool", address])
            #expect(check.status == 0, "\(address): \(check.output)")
            #expect(check.output.isEmpty, "\(address): \(check.output)")
        }
        try await cluster.waitUntilPlayable(worker.media("live/s1", ".m3u8"))
        try await eventually("what HLS sends and the memory are the node's load\n\(cluster.logs)") {
            // Egress is of the last seconds.
            _ = try codecs(at: worker.media("live/s1", ".m3u8"))
            let node: NodeResource = try http(
                cluster.controlURL + "/v1/nodes/node1",
                bearer: Cluster.adminToken
            ).json()
            let load = node.load
            return load.egressBitsPerSecond > 0 && load.memory > 0
        }
        #expect(try worker.egressBytes("hls") > 0)
        #expect(publisher.isRunning)
    }
}
