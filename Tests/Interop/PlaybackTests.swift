import ClusterHarness
import ClusterModel
import Testing

@Suite(.serialized) struct PlaybackTests {
    @Test(arguments: StoreKind.allCases)
    func `what is published to an origin plays from an edge in every protocol`(store: StoreKind) async throws {
        let cluster = try await Cluster.start(on: store)
        let origin = try await cluster.startWorker("origin1", .origin)
        let edge = try await cluster.startWorker("edge1", .edge)
        let publisher = try cluster.publish("live/s1", to: origin)
        try await cluster.waitForOrigin(of: "live/s1", "origin1")
        for worker in [edge, origin] {
            for url in [
                worker.rtmp("live/s1"), worker.media("live/s1", ".flv"), worker.media("live/s1", ".m3u8"),
            ] {
                try await cluster.waitUntilPlayable(url)
                #expect(try codecs(at: url) == ["aac", "h264"], "\(url)")
            }
        }
        #expect(publisher.isRunning)
    }

    @Test func `viewers are counted, relay pulls are not`() async throws {
        let (cluster, _, edge, publisher) = try await Cluster.publishing()
        let viewers = [
            try cluster.view(edge.rtmp("live/s1")), try cluster.view(edge.rtmp("live/s1")),
            try cluster.view(edge.media("live/s1", ".flv")),
        ]
        try await eventually("two RTMP viewers and one of HTTP-FLV are counted\n\(cluster.logs)") {
            let counts = try cluster.stream("live/s1").viewers
            return counts.rtmp == 2 && counts.httpFlv == 1 && counts.total == 3
        }
        let tree = try cluster.stream("live/s1").relayTree
        #expect(tree.map(\.nodeId) == ["edge1"] && tree.map(\.from) == ["origin1"])
        for viewer in viewers { viewer.process.kill() }
        try await eventually("all viewers are gone") { try cluster.stream("live/s1").viewers.total == 0 }
        #expect(publisher.isRunning)
    }

    @Test func `a clean end finishes the stream for every viewer`() async throws {
        let (cluster, _, edge, publisher) = try await Cluster.publishing(seconds: 12)
        let viewers = [try cluster.view(edge.rtmp("live/s1")), try cluster.view(edge.media("live/s1", ".flv"))]
        for viewer in viewers { try await viewer.waitForMore() }
        try await cluster.waitUntilPlayable(edge.media("live/s1", ".m3u8"))
        try await eventually("the publisher ends") { !publisher.isRunning }
        try await eventually("the stream is finished\n\(cluster.logs)") {
            try cluster.stream("live/s1").status == .finished
        }
        for viewer in viewers {
            try await eventually("\(viewer.path) ends\n\(viewer.process.lastLines)") { !viewer.process.isRunning }
        }
        try await eventually("the playlist says it has ended") {
            let playlist = try http(edge.media("live/s1", ".m3u8"))
            return String(decoding: playlist.body, as: UTF8.self).contains("#EXT-X-ENDLIST")
        }
    }

    @Test func `a finished stream is readable where it was, also when nobody watched it over HLS`() async throws {
        let (cluster, origin, edge, publisher) = try await Cluster.publishing(seconds: 6)
        let viewer = try cluster.view(edge.rtmp("live/s1"))
        try await viewer.waitForMore()
        try await eventually("the publisher ends") { !publisher.isRunning }
        for node in [origin, edge] {
            try await eventually("\(node.id) has the finished stream\n\(cluster.logs)") {
                let playlist = try http(node.media("live/s1", ".m3u8"))
                return String(decoding: playlist.body, as: UTF8.self).contains("#EXT-X-ENDLIST")
            }
            #expect(try codecs(at: node.media("live/s1", ".m3u8")) == ["aac", "h264"])
        }
    }

    @Test func `a publisher that breaks off interrupts the stream, which then ends and is free for another origin`()
        async throws
    {
        let cluster = try await Cluster.start(on: .sqlite)
        let app = cluster.controlURL + "/v1/apps/live"
        _ = try http(app, method: "PUT", bearer: Cluster.adminToken, body: #"{"publisherGrace":3}"#)
        let origin = try await cluster.startWorker("origin1", .origin)
        let other = try await cluster.startWorker("origin2", .origin)
        let publisher = try cluster.publish("live/s1", to: origin)
        try await cluster.waitForOrigin(of: "live/s1", "origin1")
        publisher.kill()
        for status in [StreamStatus.interrupted, .finished] {
            try await eventually("the stream is \(status)\n\(cluster.logs)") {
                try cluster.stream("live/s1").status == status
            }
        }
        let again = try cluster.publish("live/s1", to: other)
        try await cluster.waitForOrigin(of: "live/s1", "origin2")
        #expect(again.isRunning)
    }
}
