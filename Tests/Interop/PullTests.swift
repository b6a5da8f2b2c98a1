import ClusterHarness
import ClusterModel
import Foundation
import Testing

@Suite(.serialized) struct PullTests {
    @Test(arguments: ["rtmp", "rtmps", "srt", "hls"])
    func `a stream is fetched from another server and watched on an edge`(scheme: String) async throws {
        let (cluster, far) = (try await Cluster.start(on: .sqlite), try await FarServer())
        _ = try far.cluster.publish("live/source", to: far.worker)
        try await far.cluster.waitUntilPlayable(far.worker.media("live/source", ".m3u8"))
        _ = try await cluster.startWorker("origin1", .origin, trusted: far.certificate)
        let edge = try await cluster.startWorker("edge1", .edge)
        let url = far.url(scheme, "live/source")
        let made = try cluster.admin("PUT", "/v1/streams/live/s1", #"{"source":{"url":"\#(url)"}}"#)
        #expect(made.status == 201, "\(made)")
        try await cluster.waitForOrigin(of: "live/s1", "origin1")
        for address in [edge.rtmp("live/s1"), edge.media("live/s1", ".m3u8")] {
            try await cluster.waitUntilPlayable(address)
            #expect(try codecs(at: address) == ["aac", "h264"])
        }
        try await eventually("its source is shown\n\(cluster.logs)") {
            let source = try cluster.stream("live/s1").source
            return source?.nodeId == "origin1" && source?.state == .active
        }
        #expect(try cluster.admin("DELETE", "/v1/streams/live/s1").status == 204)
        try await eventually("it is fetched no more\n\(cluster.logs)") {
            try cluster.stream("live/s1").status == .finished
        }
    }

    @Test func `another origin fetches the stream when the first has died, and the viewer stays`() async throws {
        let (cluster, other) = (try await Cluster.start(on: .sqlite), try await Cluster.start(on: .sqlite))
        let far = try await other.startWorker("far1", .hybrid)
        _ = try other.publish("live/source", to: far)
        try await other.waitForOrigin(of: "live/source", "far1")
        let origins = [
            try await cluster.startWorker("origin1", .origin), try await cluster.startWorker("origin2", .origin),
        ]
        let edge = try await cluster.startWorker("edge1", .edge)
        let url = far.rtmp("live/source")
        _ = try cluster.admin("PUT", "/v1/streams/live/s1", #"{"source":{"url":"\#(url)"}}"#)
        try await cluster.waitUntilPlayable(edge.rtmp("live/s1"))
        let viewer = try cluster.view(edge.rtmp("live/s1"))
        try await viewer.waitForMore()
        let first = try #require(try cluster.stream("live/s1").originNodeId)
        try #require(origins.first { $0.id == first }).process.kill()
        try await eventually("the other origin has it\n\(cluster.logs)") {
            let owner = try cluster.stream("live/s1").originNodeId
            return owner != nil && owner != first
        }
        try await viewer.waitForMore()
        let times = try videoTimes(in: viewer.path)
        #expect(zip(times, times.dropFirst()).allSatisfy { $0 < $1 })
    }

    @Test func `a stream on demand is fetched while somebody watches`() async throws {
        let (cluster, other) = (try await Cluster.start(on: .sqlite), try await Cluster.start(on: .sqlite))
        let far = try await other.startWorker("far1", .hybrid)
        _ = try other.publish("live/source", to: far)
        try await other.waitForOrigin(of: "live/source", "far1")
        _ = try await cluster.startWorker("origin1", .origin)
        let edge = try await cluster.startWorker("edge1", .edge)
        _ = try cluster.admin("PUT", "/v1/apps/live", #"{"pullLinger":1}"#)
        let source = #"{"source":{"url":"\#(far.rtmp("live/source"))","mode":"onDemand"}}"#
        _ = try cluster.admin("PUT", "/v1/streams/live/s1", source)
        #expect(try cluster.stream("live/s1").source?.nodeId == nil)
        for _ in 0..<2 {
            let viewer = try cluster.view(edge.rtmp("live/s1"))
            try await viewer.waitForMore()
            #expect(try cluster.stream("live/s1").status == .broadcasting)
            viewer.process.kill()
            try await eventually("nobody watches, and nothing is fetched\n\(cluster.logs)") {
                let stream = try cluster.stream("live/s1")
                return stream.status == .finished && stream.source?.nodeId == nil
            }
        }
    }
}
