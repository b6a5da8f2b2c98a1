import ClusterHarness
import ClusterModel
import Foundation
import Testing

@Suite(.serialized) struct RestreamTests {
    @Test(arguments: ["rtmp", "rtmps", "srt"])
    func `a stream is pushed to another server, which may come later than the stream`(scheme: String) async throws {
        let (cluster, far) = (try await Cluster.start(on: .sqlite), try await FarServer())
        let node = try await cluster.startWorker("node1", .hybrid, trusted: far.certificate)
        let url = far.url(scheme, "live/copy", mode: "publish")
        far.worker.process.kill()
        _ = try cluster.publish("live/s1", to: node)
        try await cluster.waitForOrigin(of: "live/s1", "node1")
        let added = try cluster.admin("POST", "/v1/streams/live/s1/restreams", #"{"id":"copy","url":"\#(url)"}"#)
        #expect(added.status == 201, "\(added)")
        try await eventually("the push waits\n\(cluster.logs)") {
            let push = try cluster.stream("live/s1").restreams.first
            return push?.failures ?? 0 > 0 && push?.error != nil
        }
        try await far.startAgain()
        try await far.cluster.waitForOrigin(of: "live/copy", "far1")
        try await far.cluster.waitUntilPlayable(far.worker.rtmp("live/copy"))
        try await eventually("the push is active\n\(cluster.logs)") {
            try cluster.stream("live/s1").restreams.first?.state == .active
        }
        #expect(try codecs(at: far.worker.media("live/copy", ".flv")) == ["aac", "h264"])
        #expect(try node.egressBytes("restream") > 0)
        #expect(try cluster.admin("DELETE", "/v1/streams/live/s1/restreams/copy").status == 204)
        try await eventually("the push has ended\n\(far.cluster.logs)") {
            try far.cluster.stream("live/copy").status != .broadcasting
        }
        #expect(try cluster.stream("live/s1").status == .broadcasting)
    }

    @Test(arguments: ["libopus", "ac3"])
    func `a server gets AAC of a publisher whose sound plain RTMP does not carry`(codec: String) async throws {
        let (cluster, far) = (try await Cluster.start(on: .sqlite), try await FarServer())
        let node = try await cluster.startWorker("node1", .hybrid, servesSRT: true)
        _ = try cluster.publish(
            by: "-f lavfi -i testsrc2=size=320x180:rate=25 -f lavfi -i sine=sample_rate=48000 -c:v libx264 "
                + "-preset ultrafast -tune zerolatency -g 25 -pix_fmt yuv420p -c:a \(codec)",
            at: node.srt("live/s1", mode: "publish")
        )
        try await cluster.waitForOrigin(of: "live/s1", "node1")
        let url = far.url("rtmp", "live/copy", mode: "publish")
        _ = try cluster.admin("POST", "/v1/streams/live/s1/restreams", #"{"id":"copy","url":"\#(url)"}"#)
        try await far.cluster.waitForOrigin(of: "live/copy", "far1")
        // As it came, without what the far node would make of it for players.
        try await eventually("the far server has AAC\n\(cluster.logs)") {
            try far.cluster.stream("live/copy").tracks.contains { $0.codec == "aac" }
        }
        #expect(try codecs(at: node.rtmp("live/s1")) == ["aac", "h264"])
    }

    @Test func `nothing is pushed to a server whose certificate nobody vouches for`() async throws {
        let (cluster, far) = (try await Cluster.start(on: .sqlite), try await FarServer())
        let node = try await cluster.startWorker("node1", .hybrid)
        _ = try cluster.publish("live/s1", to: node)
        try await cluster.waitForOrigin(of: "live/s1", "node1")
        let url = far.url("rtmps", "live/copy")
        _ = try cluster.admin("POST", "/v1/streams/live/s1/restreams", #"{"id":"copy","url":"\#(url)"}"#)
        try await eventually("the push has been tried twice\n\(cluster.logs)") {
            try cluster.stream("live/s1").restreams.first?.failures ?? 0 > 1
        }
        let error = try cluster.stream("live/s1").restreams.first?.error ?? ""
        #expect(error.localizedCaseInsensitiveContains("certificate"), "\(error)")
        #expect(try http("\(far.cluster.controlURL)/v1/streams/live/copy", bearer: Cluster.adminToken).status == 404)
    }
}
