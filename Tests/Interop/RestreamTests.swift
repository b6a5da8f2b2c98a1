import ClusterHarness
import ClusterModel
import Foundation
import Testing

@Suite(.serialized) struct RestreamTests {
    @Test(arguments: ["rtmp", "srt"])
    func `a stream is pushed to another server, which may come later than the stream`(scheme: String) async throws {
        let (cluster, other) = (try await Cluster.start(on: .sqlite), try await Cluster.start(on: .sqlite))
        let node = try await cluster.startWorker("node1", .hybrid, servesSRT: true)
        let far = try await other.startWorker("far1", .hybrid, servesSRT: true)
        let url = scheme == "rtmp" ? far.rtmp("live/copy") : far.srt("live/copy", mode: "publish")
        far.process.kill()
        _ = try cluster.publish("live/s1", to: node)
        try await cluster.waitForOrigin(of: "live/s1", "node1")
        let added = try cluster.admin("POST", "/v1/streams/live/s1/restreams", #"{"id":"copy","url":"\#(url)"}"#)
        #expect(added.status == 201, "\(added)")
        try await eventually("the push waits\n\(cluster.logs)") {
            let push = try cluster.stream("live/s1").restreams.first
            return push?.failures ?? 0 > 0 && push?.error != nil
        }
        let again = try await other.startWorker("far1", .hybrid, ports: far.ports)
        try await other.waitForOrigin(of: "live/copy", "far1")
        try await other.waitUntilPlayable(again.rtmp("live/copy"))
        try await eventually("the push is active\n\(cluster.logs)") {
            try cluster.stream("live/s1").restreams.first?.state == .active
        }
        #expect(try codecs(at: again.media("live/copy", ".flv")) == ["aac", "h264"])
        #expect(try cluster.admin("DELETE", "/v1/streams/live/s1/restreams/copy").status == 204)
        try await eventually("the push has ended\n\(other.logs)") {
            try other.stream("live/copy").status != .broadcasting
        }
        #expect(try cluster.stream("live/s1").status == .broadcasting)
    }
}
