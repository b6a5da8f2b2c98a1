import ClusterHarness
import ClusterModel
import Foundation
import Testing

/// What happens to WebRTC sessions on their way: other addresses, other certificates, new paths, lost origins, full nodes.
@Suite(.serialized) struct WebRTCPathTests {
    @Test func `peers with RSA certificates publish and play`() async throws {
        let cluster = try await Cluster.start(on: .sqlite)
        let node = try await cluster.startWorker("node1", .hybrid)
        let result = try await WebRTCClients.browser(
            publish: node.http("/live/whip/s1"),
            play: node.http("/live/whep/s1"),
            hasRSA: true
        )
        #expect(result.error == nil && result.publish?.state == "connected", "\(result)\n\(cluster.logs)")
        #expect(result.play?.video?.framesDecoded ?? 0 > 60, "\(result)\n\(cluster.logs)")
    }

    @Test func `a player that restarts ICE by PATCH goes on with the same source`() async throws {
        let cluster = try await Cluster.start(on: .sqlite)
        let node = try await cluster.startWorker("node1", .hybrid)
        let publisher = try cluster.publish("live/s1", to: node)
        try await cluster.waitForOrigin(of: "live/s1", "node1")
        let result = try await WebRTCClients.browser(play: node.http("/live/whep/s1"), seconds: 3, restarts: true)
        #expect(result.error == nil && result.play?.state == "connected", "\(result)\n\(cluster.logs)")
        let before = try #require(result.beforeRestart?.video?.framesDecoded)
        #expect(before > 0 && result.play?.video?.framesDecoded ?? 0 > before + 40, "\(result)\n\(cluster.logs)")
        #expect(result.play?.video?.packetsLost == 0, "\(result)")
        #expect(publisher.isRunning)
    }

    /// A browser names its path with each check, aiortc once; it checks every five seconds.
    @Test func `a player whose NAT gives it another address goes on with the same session`() async throws {
        let cluster = try await Cluster.start(on: .sqlite)
        let node = try await cluster.startWorker("node1", .hybrid)
        let publisher = try cluster.publish("live/s1", to: node)
        try await cluster.waitForOrigin(of: "live/s1", "node1")
        let nats = try (0..<2).map { _ in try AddressTranslator(to: node.ports.webrtc) }
        defer { for nat in nats { nat.end() } }
        let address = node.http("/live/whep/s1")
        async let browsing = WebRTCClients.browser(play: address, seconds: 20, via: nats[0].port)
        async let watching = WebRTCClients.aiortc("play", address, codec: "H264", seconds: 20, via: nats[1].port)
        // Some seconds of media.
        try await eventually("both play\n\(cluster.logs)") { nats.allSatisfy { $0.datagramsDown > 200 } }
        for nat in nats { try nat.rebind() }
        try await eventually("both are found again\n\(cluster.logs)") { nats.allSatisfy { $0.datagramsDown > 200 } }
        let (browser, peer) = try await (browsing, watching)
        #expect(browser.error == nil && browser.play?.state == "connected", "\(browser)\n\(cluster.logs)")
        #expect(peer.error == nil && peer.state == "connected", "\(peer)\n\(cluster.logs)")
        #expect(peer.sources?["audio"]?.count == 1 && peer.backwards == 0, "\(peer)")
        // Of 25 pictures a second: what passes until the next check, and up to the next keyframe.
        let gaps = [browser.longestGapTicks, peer.longestGapTicks].map { ($0 ?? .max) / (90_000 / 25) }
        #expect(gaps[0] < 100 && gaps[1] < 200, "\(gaps)")
        #expect(publisher.isRunning)
    }

    @Test func `a player at an edge outlives the origin: the same sources, times that grow`() async throws {
        let cluster = try await Cluster.start(on: .sqlite)
        let first = try await cluster.startWorker("origin1", .origin)
        let second = try await cluster.startWorker("origin2", .origin)
        let edge = try await cluster.startWorker("edge1", .edge)
        let publisher = try cluster.publish("live/s1", to: first)
        try await cluster.waitForOrigin(of: "live/s1", "origin1")
        async let watching = WebRTCClients.aiortc("play", edge.http("/live/whep/s1"), codec: "H264", seconds: 18)
        try await eventually("the viewer is counted\n\(cluster.logs)") {
            try cluster.stream("live/s1").viewers.webrtc == 1
        }
        first.process.kill()
        publisher.kill()
        let again = try cluster.publish("live/s1", to: second)
        try await cluster.waitForOrigin(of: "live/s1", "origin2")
        let player = try await watching
        #expect(player.error == nil && player.state == "connected", "\(player)\n\(cluster.logs)")
        #expect(player.sinceLastFrame ?? .infinity < 2, "\(player)\n\(cluster.logs)")
        #expect(player.backwards == 0, "\(player)")
        #expect(player.sources?["video"]?.count == 1 && player.sources?["audio"]?.count == 1, "\(player)")
        #expect(player.video?.packetsLost == 0 && player.audio?.packetsLost == 0, "\(player)")
        #expect(again.isRunning)
    }

    @Test func `a player whose path carries less than the source is led to a rung, without a step back`() async throws {
        let cluster = try await Cluster.start(on: .sqlite)
        try cluster.setLadder(#"[{"height":120,"videoBitrate":200000,"audioBitrate":0}]"#)
        let origin = try await cluster.startWorker("origin1", .origin)
        let edge = try await cluster.startWorker("edge1", .edge)
        let publisher = try cluster.publish(clip: cluster.makeClip(kilobits: 2_000), at: origin.rtmp("live/s1"))
        try await cluster.waitForOrigin(of: "live/s1", "origin1")
        let player = try await WebRTCClients.aiortc(
            "play",
            edge.http("/live/whep/s1"),
            codec: "H264",
            seconds: 24,
            estimate: 700_000
        )
        #expect(player.error == nil && player.state == "connected", "\(player)\n\(cluster.logs)")
        // After ten quiet seconds the source is tried once more.
        #expect(player.heights?.prefix(2) == [180, 120], "\(player)\n\(cluster.logs)")
        #expect(player.backwards == 0 && player.sinceLastFrame ?? .infinity < 2, "\(player)")
        #expect(player.sources?["video"]?.count == 1 && player.video?.packetsLost == 0, "\(player)")
        #expect(publisher.isRunning)
    }

    @Test(arguments: ["H264", "VP8"])
    func
        `a browser's lower layer is a rendition at the edge: chosen where the path carries no more, and left when it stops`(
            codec: String
        ) async throws
    {
        let cluster = try await Cluster.start(on: .sqlite)
        let origin = try await cluster.startWorker("origin1", .origin)
        let edge = try await cluster.startWorker("edge1", .edge)
        async let publishing = WebRTCClients.browser(
            publish: origin.http("/live/whip/s1"),
            codec: codec.lowercased(),
            seconds: 50,
            lowerLayerFor: 30
        )
        try await cluster.waitForOrigin(of: "live/s1", "origin1")
        async let playing = WebRTCClients.aiortc(
            "play",
            edge.http("/live/whep/s1"),
            codec: codec,
            seconds: 42,
            estimate: 200_000
        )
        // HLS knows no VP8.
        if codec == "H264" { try await namesLayers(edge.media("live/s1", "_adaptive.m3u8"), cluster) }
        let player = try await playing
        #expect(player.error == nil && player.state == "connected", "\(player)\n\(cluster.logs)")
        // After ten quiet seconds the source is tried once more, and found too much.
        #expect(player.heights?.prefix(2) == [360, 180] && player.heights?.last == 360, "\(player)\n\(cluster.logs)")
        #expect(player.backwards == 0 && player.sinceLastFrame ?? .infinity < 2, "\(player)")
        #expect(player.sources?["video"]?.count == 1 && player.video?.packetsLost == 0, "\(player)")
        let publisher = try await publishing
        #expect(publisher.error == nil && publisher.publish?.state == "connected", "\(publisher)")
    }

    private func namesLayers(_ playlist: String, _ cluster: Cluster) async throws {
        try await eventually("the list of renditions names the lower layer\n\(cluster.logs)") {
            let text = String(decoding: try http(playlist).body, as: UTF8.self)
            return text.contains("RESOLUTION=640x360") && text.contains("RESOLUTION=320x180")
        }
    }

    @Test func `over IPv6, what WHIP publishes WHEP plays`() async throws {
        let cluster = try await Cluster.start(on: .sqlite)
        let node = try await cluster.startWorker("node1", .hybrid, arguments: ["--bind", "::", "--public-host", "::1"])
        let authority = "http://[::1]:\(node.ports.http)"
        let publisher = try cluster.publish(clip: cluster.makeClip(), at: authority + "/live/whip/s1")
        try await cluster.waitForOrigin(of: "live/s1", "node1")
        let play = try run(
            [
                SourceTree.program("millrace"), "bench", "play", "--protocol", "whep", "--url",
                authority + "/live/whep/s1", "--viewers", "3", "--seconds", "3", "--warm-up", "1", "--json",
            ],
            seconds: 40
        )
        #expect(play.status == 0, "\(play.output)\n\(publisher.lastLines)\n\(cluster.logs)")
    }

    @Test func `over a path that loses a packet in twenty a browser's picture is repaired by repeats`() async throws {
        let network = try Network(["node1", "viewer1"])
        let cluster = try await Cluster.start(on: .sqlite, network: network)
        let node = try await cluster.startWorker("node1", .hybrid)
        let publisher = try cluster.publish(clip: cluster.makeClip(kilobits: 1_000), at: node.rtmp("live/s1"))
        try await cluster.waitForOrigin(of: "live/s1", "node1")
        try network.set("node1", "viewer1", .lossy(percent: 5, delayMilliseconds: 50))
        let result = try await WebRTCClients.browser(
            play: node.http("/live/whep/s1"),
            seconds: 8,
            in: network.places["viewer1"]
        )
        #expect(result.error == nil && result.play?.state == "connected", "\(result)\n\(cluster.logs)")
        let video = try #require(result.play?.video)
        #expect(video.retransmittedPacketsReceived ?? 0 > 10, "\(video)")
        // Of 200; without repeats hardly one would come, as each needs six packets and those before it.
        #expect(video.framesDecoded ?? 0 > 150, "\(video)\n\(cluster.logs)")
        // What comes by its first repeat is no freeze. Of some sixty lost packets about six lose their request or repeat too, a
        // quarter of a second each.
        #expect(video.freezeCount != nil && video.totalFreezesDuration ?? 8 < 3, "\(video)")
        #expect(publisher.isRunning)
    }

    /// The kernel refuses datagrams for which it has no route.
    @Test func `players go on when their node had no network for a moment`() async throws {
        let network = try Network(["node1"])
        let cluster = try await Cluster.start(on: .sqlite, network: network)
        let node = try await cluster.startWorker("node1", .hybrid)
        let publisher = try cluster.publish(clip: cluster.makeClip(kilobits: 1_000), at: node.rtmp("live/s1"))
        try await cluster.waitForOrigin(of: "live/s1", "node1")
        async let watching = WebRTCClients.browser(play: node.http("/live/whep/s1"), seconds: 16)
        try await eventually("the player is there\n\(cluster.logs)") {
            try cluster.stream("live/s1").viewers.webrtc == 1
        }
        try network.setWay(of: "node1", isUp: false)
        let place = try #require(network.places["node1"])
        try await eventually("the worker's socket is gone\n\(cluster.logs)") {
            try run(place.entrance + ["curl", "-s", node.http("/metrics")], seconds: 10).output.contains(
                "socket_closed"
            )
        }
        try network.setWay(of: "node1", isUp: true)
        let result = try await watching
        #expect(result.error == nil && result.play?.state == "connected", "\(result)\n\(cluster.logs)")
        // Of 400; before the loss there were a few seconds at most.
        #expect(result.play?.video?.framesDecoded ?? 0 > 200, "\(result)\n\(cluster.logs)")
        #expect(publisher.isRunning)
    }

    @Test func `the public host is the first candidate that a client is told`() async throws {
        let cluster = try await Cluster.start(on: .sqlite)
        let node = try await cluster.startWorker("node1", .hybrid, arguments: ["--public-host", "192.0.2.7"])
        let publisher = try cluster.publish("live/s1", to: node)
        try await cluster.waitForOrigin(of: "live/s1", "node1")
        let player = try await WebRTCClients.aiortc("play", node.http("/live/whep/s1"), codec: "H264", seconds: 2)
        let lines = player.answer?.split(whereSeparator: \.isNewline).filter { $0.hasPrefix("a=candidate:") } ?? []
        let hosts = lines.map { $0.split(separator: " ")[4] }
        #expect(hosts.first == "192.0.2.7" && hosts.contains("127.0.0.1"), "\(player)")
        #expect(player.state == "connected", "\(player)")
        #expect(publisher.isRunning)
    }

    @Test func `a full node refuses new players with 503, and those that it has notice nothing`() async throws {
        let cluster = try await Cluster.start(on: .sqlite)
        let node = try await cluster.startWorker("node1", .hybrid, arguments: ["--max-viewers", "5"])
        let publisher = try cluster.publish(clip: cluster.makeClip(), at: node.http("/live/whip/s1"))
        try await cluster.waitForOrigin(of: "live/s1", "node1")
        let play = try run(
            [
                SourceTree.program("millrace"), "bench", "play", "--protocol", "whep", "--url",
                node.http("/live/whep/s1"), "--viewers", "12", "--seconds", "4", "--warm-up", "1", "--ramp", "2",
                "--json",
            ],
            seconds: 50
        )
        let report = try Self.report(in: play.output)
        // Viewers are counted once a second, so one more than the limit may get in.
        let refused = report.failures["refused: HTTP 503"] ?? 0
        #expect(report.failures.count == 1 && (5...7).contains(report.playing), "\(play.output)\n\(cluster.logs)")
        #expect(report.playing + refused == 12, "\(play.output)")
        #expect(report.lostPackets == 0 && report.stalls == 0, "\(play.output)")
        #expect(publisher.isRunning)
    }

    @Test func `a node at its CPU limit takes no new players, and those that it has notice nothing`()
        async throws
    {
        let cluster = try await Cluster.start(on: .sqlite)
        let node = try await cluster.startWorker("node1", .hybrid, arguments: ["--max-cpu", "15"])
        let publisher = try cluster.publish(clip: cluster.makeClip(), at: node.http("/live/whip/s1"))
        try await cluster.waitForOrigin(of: "live/s1", "node1")
        let players = try cluster.launch(
            "players",
            SourceTree.program("millrace"),
            [
                "bench", "play", "--protocol", "whep", "--url", node.http("/live/whep/s1"), "--viewers", "5",
                "--seconds", "20", "--warm-up", "1", "--json",
            ]
        )
        try await eventually("five play\n\(cluster.logs)") { try cluster.stream("live/s1").viewers.webrtc == 5 }
        #expect(try Self.ask(node).status == 422, "an offer of nothing comes as far as its negotiation")
        // Answers cost the node more than those who ask.
        let requests = ["-s", "-Z", "--parallel-max", "32", "-o", "/dev/null", node.http("/metrics?[1-10000000]")]
        let crowd = try cluster.launch("crowd", "/usr/bin/curl", requests)
        var refused: HTTPAnswer?
        try await eventually("a player is refused\n\(cluster.logs)") {
            let answer = try Self.ask(node)
            if answer.status == 503 { refused = answer }
            return refused != nil
        }
        let answer = try #require(refused)
        #expect(answer.headers["retry-after"].flatMap { Int($0) } ?? 0 > 0, "\(answer)")
        #expect(answer.headers["content-type"] == "application/problem+json", "\(answer)")
        #expect(String(decoding: answer.body, as: UTF8.self).contains("cpu "), "\(answer)")
        crowd.kill()
        try await eventually("players are taken again\n\(cluster.logs)") { try Self.ask(node).status == 422 }
        #expect(players.waitForEnd() == 0, "\(players.lastLines)")
        let report = try Self.report(in: players.log)
        #expect(report.playing == 5 && report.failures.isEmpty, "\(players.log)")
        #expect(report.lostPackets == 0 && report.stalls == 0 && report.lostFrames == 0, "\(players.log)")
        #expect(publisher.isRunning)
    }

    /// Offers to play nothing.
    private static func ask(_ node: WorkerHandle) throws -> HTTPAnswer {
        try http(
            node.http("/live/whep/s1"),
            method: "POST",
            body: "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n",
            type: "application/sdp"
        )
    }

    private struct Report: Decodable {
        var playing: Int
        var lostPackets: Int
        var lostFrames: Int
        var stalls: Int
        var failures: [String: Int]
    }

    /// It is the last that is said.
    private static func report(in output: String) throws -> Report {
        let json = try #require(output.firstIndex(of: "{").map { output[$0...] })
        return try JSONDecoder().decode(Report.self, from: Data(json.utf8))
    }
}
