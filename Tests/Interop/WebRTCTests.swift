import ClusterHarness
import ClusterModel
import Foundation
import Testing

/// WHIP and WHEP with clients that others wrote.
@Suite(.serialized) struct WebRTCTests {
    private struct Pair {
        let cluster: Cluster
        let origin: WorkerHandle
        let edge: WorkerHandle

        init() async throws {
            cluster = try await Cluster.start(on: .sqlite)
            origin = try await cluster.startWorker("origin1", .origin)
            edge = try await cluster.startWorker("edge1", .edge)
        }
    }

    @Test(arguments: ["h264", "vp8", "vp9", "av1"])
    func `what a browser publishes to an origin a browser watches at an edge`(codec: String) async throws {
        let pair = try await Pair()
        let result = try await WebRTCClients.browser(
            publish: pair.origin.http("/live/whip/s1"),
            play: pair.edge.http("/live/whep/s1"),
            codec: codec
        )
        #expect(result.error == nil, "\(pair.cluster.logs)")
        let (publish, play) = (try #require(result.publish), try #require(result.play))
        #expect(publish.state == "connected" && play.state == "connected")
        let video = try #require(play.video)
        #expect(video.codec == "video/" + codec.uppercased())
        // Six seconds of the fake camera's 20 frames, less a slow machine's start.
        #expect(video.framesDecoded ?? 0 > 60 && video.packetsLost == 0, "\(video)\n\(pair.cluster.logs)")
        #expect(play.audio?.packetsReceived ?? 0 > 100 && play.audio?.packetsLost == 0, "\(play)")
        #expect(play.srtpCipher == "SRTP_AEAD_AES_128_GCM")
        // Of one machine's clocks: what the camera took is shown later, and not much.
        let delay = try #require(play.captureDelayMilliseconds, "\(play)")
        #expect((0..<5000).contains(delay), "\(play)")
        let offset = try #require(play.captureOffsetMilliseconds, "\(play)")
        #expect(offset.magnitude < 1000, "\(play)")
        #expect(publish.deleted == 200 && play.deleted == 200)
    }

    /// HEVC is what browsers here do not have.
    @Test(arguments: [
        (WebRTCClients.Library.aiortc, "H264"), (.aiortc, "VP8"), (.gstreamer, "H264"), (.gstreamer, "H265"),
    ])
    func `what another client publishes it decodes at an edge`(
        client: WebRTCClients.Library,
        codec: String
    ) async throws {
        let pair = try await Pair()
        async let publishing = WebRTCClients.peer(
            client,
            "publish",
            pair.origin.http("/live/whip/s1"),
            codec: codec,
            seconds: 16
        )
        try await pair.cluster.waitForOrigin(of: "live/s1", "origin1")
        let player = try await WebRTCClients.peer(client, "play", pair.edge.http("/live/whep/s1"), codec: codec)
        #expect(player.error == nil && player.state == "connected", "\(player)\n\(pair.cluster.logs)")
        let frames = player.frames ?? [:]
        #expect(frames["video"] ?? 0 > 60 && frames["audio"] ?? 0 > 100, "\(player)\n\(pair.cluster.logs)")
        // Which aiortc counts.
        #expect(player.video?.packetsLost ?? 0 == 0 && player.audio?.packetsLost ?? 0 == 0, "\(player)")
        let publisher = try await publishing
        #expect(publisher.error == nil && publisher.deleted == 200, "\(publisher)")
        try await eventually("a DELETE finishes the stream\n\(pair.cluster.logs)") {
            try pair.cluster.stream("live/s1").status == .finished
        }
    }

    /// GStreamer's sender reports tell of a clock that runs twice as fast as its media.
    @Test func `what GStreamer publishes goes on over HLS`() async throws {
        let cluster = try await Cluster.start(on: .sqlite)
        let node = try await cluster.startWorker("node1", .hybrid)
        async let publishing = WebRTCClients.peer(
            .gstreamer,
            "publish",
            node.http("/live/whip/s1"),
            codec: "H264",
            seconds: 40
        )
        try await cluster.waitForOrigin(of: "live/s1", "node1")
        try await eventually("segment follows segment\n\(cluster.logs)") {
            let playlist = String(decoding: try http(node.media("live/s1", ".m3u8")).body, as: UTF8.self)
            return playlist.split(separator: "\n").count { $0.hasPrefix("#EXTINF") } >= 4
        }
        let publisher = try await publishing
        #expect(publisher.error == nil, "\(publisher)")
    }

    @Test func `a player that offers sound too watches a stream that has none`() async throws {
        let cluster = try await Cluster.start(on: .sqlite)
        let node = try await cluster.startWorker("node1", .hybrid)
        let publisher = try cluster.publish(clip: cluster.makeClip(hasSound: false), at: node.rtmp("live/s1"))
        try await cluster.waitForOrigin(of: "live/s1", "node1")
        let player = try await WebRTCClients.aiortc("play", node.http("/live/whep/s1"), codec: "H264", seconds: 4)
        #expect(player.error == nil && player.frames?["video"] ?? 0 > 40, "\(player)\n\(cluster.logs)")
        #expect(player.answer?.contains("m=audio 0 ") == true, "\(player)")
        #expect(publisher.isRunning)
    }

    @Test func `what ffmpeg publishes by RTMP a browser watches at an edge, as late as it is told, and is counted`()
        async throws
    {
        let pair = try await Pair()
        try pair.cluster.set(#"{"playoutDelayMinMilliseconds":700}"#, app: "live")
        let publisher = try pair.cluster.publish("live/s1", to: pair.origin)
        try await pair.cluster.waitForOrigin(of: "live/s1", "origin1")
        async let watching = WebRTCClients.browser(play: pair.edge.http("/live/whep/s1"))
        try await eventually("the viewer is counted\n\(pair.cluster.logs)") {
            try pair.cluster.stream("live/s1").viewers.webrtc == 1
        }
        let result = try await watching
        #expect(result.error == nil, "\(pair.cluster.logs)")
        let video = try #require(result.play?.video)
        #expect(video.codec == "video/H264" && video.packetsLost == 0)
        #expect(video.framesDecoded ?? 0 > 90, "\(video)\n\(pair.cluster.logs)")
        // Its sound is AAC, which browsers do not take.
        let audio = try #require(result.play?.audio)
        #expect(audio.codec == "audio/opus" && audio.totalSamplesReceived ?? 0 > 100_000, "\(audio)")
        // Less the time that frames take to be decoded and shown, which is not the buffer's.
        let delays = try #require(video.jitterBufferDelay)
        #expect(delays / Double(max(video.jitterBufferEmittedCount ?? 0, 1)) > 0.4, "\(video)")
        #expect(try pair.edge.egressBytes("webrtc") > 50_000)
        try await eventually("the viewer is gone") { try pair.cluster.stream("live/s1").viewers.total == 0 }
        #expect(publisher.isRunning)
    }

    @Test func `a browser that UDP does not reach watches over TCP on the same port number`() async throws {
        let pair = try await Pair()
        let publisher = try pair.cluster.publish("live/s1", to: pair.origin)
        try await pair.cluster.waitForOrigin(of: "live/s1", "origin1")
        let result = try await WebRTCClients.browser(play: pair.edge.http("/live/whep/s1"), onlyTCP: true)
        #expect(result.error == nil && result.play?.protocol == "tcp", "\(result)\n\(pair.cluster.logs)")
        #expect(result.play?.video?.framesDecoded ?? 0 > 90, "\(result)\n\(pair.cluster.logs)")
        #expect(publisher.isRunning)
    }

    @Test func `a page that speaks Ant Media's signalling publishes to an origin and plays from an edge`() async throws
    {
        let pair = try await Pair()
        let result = try await WebRTCClients.browser(
            publish: pair.origin.webSocket("/live/websocket") + "#s1",
            play: pair.edge.webSocket("/live/websocket") + "#s1"
        )
        #expect(result.error == nil, "\(result)\n\(pair.cluster.logs)")
        let (publish, play) = (try #require(result.publish), try #require(result.play))
        #expect(play.video?.framesDecoded ?? 0 > 60 && play.video?.packetsLost == 0, "\(play)\n\(pair.cluster.logs)")
        #expect(play.audio?.packetsReceived ?? 0 > 100, "\(play)")
        let published = [
            "pong", "start", "takeConfiguration", "publish_started", "streamInformation", "publish_finished",
        ]
        #expect(publish.heard == published)
        let played = ["pong", "takeConfiguration", "play_started", "streamInformation", "play_finished"]
        #expect(play.heard == played)
        try await eventually("stop finishes the stream\n\(pair.cluster.logs)") {
            try pair.cluster.stream("live/s1").status == .finished
        }
    }

    @Test func `a player that forces a quality by Ant Media's signalling is led to the rung of so many lines`()
        async throws
    {
        let cluster = try await Cluster.start(on: .sqlite)
        try cluster.setLadder(#"[{"height":120,"videoBitrate":200000,"audioBitrate":0}]"#)
        let node = try await cluster.startWorker("node1", .hybrid)
        let publisher = try cluster.publish("live/s1", to: node)
        try await cluster.waitForOrigin(of: "live/s1", "node1")
        let result = try await WebRTCClients.browser(
            play: node.webSocket("/live/websocket") + "#s1",
            seconds: 20,
            forcedHeight: 120
        )
        #expect(result.error == nil, "\(result)\n\(cluster.logs)")
        #expect(result.play?.video?.frameHeight == 120, "\(result)\n\(cluster.logs)")
        #expect(result.play?.video?.packetsLost == 0, "\(result)")
        #expect(publisher.isRunning)
    }

    @Test(arguments: ["webrtc": "WebRTC", "hls": "HLS"])
    func `the player page of an edge plays by the way that is asked for`(order: String, shown: String) async throws {
        let pair = try await Pair()
        let publisher = try pair.cluster.publish("live/s1", to: pair.origin)
        try await pair.cluster.waitForOrigin(of: "live/s1", "origin1")
        let page = try await WebRTCClients.page(pair.edge.http("/live/play.html?id=s1&playOrder=\(order)"))
        #expect(page.footer.contains(shown) && page.frames > 0, "\(page)\n\(pair.cluster.logs)")
        #expect(publisher.isRunning)
    }

    @Test func `the player page plays sound alone by WebRTC`() async throws {
        let pair = try await Pair()
        let publisher = try pair.cluster.publish(
            by: "-f lavfi -i sine=frequency=440:sample_rate=48000 -c:a aac",
            at: pair.origin.rtmp("live/s1")
        )
        try await pair.cluster.waitForOrigin(of: "live/s1", "origin1")
        let page = try await WebRTCClients.page(pair.edge.http("/live/play.html?id=s1&playOrder=webrtc"))
        #expect(page.footer.contains("WebRTC"), "\(page)\n\(pair.cluster.logs)")
        #expect(publisher.isRunning)
    }

    @Test func `the player page asks the ICE servers that the worker's answer names`() async throws {
        let cluster = try await Cluster.start(on: .sqlite)
        let ear = try DatagramEar()
        let servers = "stun:127.0.0.1:\(ear.port)"
        let node = try await cluster.startWorker("node1", .hybrid, arguments: ["--ice-servers", servers])
        let publisher = try cluster.publish("live/s1", to: node)
        try await cluster.waitForOrigin(of: "live/s1", "node1")
        let page = try await WebRTCClients.page(node.http("/live/play.html?id=s1"))
        #expect(page.footer.contains("WebRTC") && page.frames > 0, "\(page)\n\(cluster.logs)")
        // A binding request (RFC 8489 §5).
        #expect(ear.heard()?.prefix(2) == [0, 1], "\(cluster.logs)")
        #expect(publisher.isRunning)
    }

    /// RFC 6184 §6.2.
    @Test func `a player that takes single NAL units only gets nothing else, and decodes all`() async throws {
        let pair = try await Pair()
        let publisher = try pair.cluster.publish(
            clip: pair.cluster.makeClip(kilobits: 2_000),
            at: pair.origin.rtmp("live/s1")
        )
        try await pair.cluster.waitForOrigin(of: "live/s1", "origin1")
        let player = try await WebRTCClients.aiortc(
            "play",
            pair.edge.http("/live/whep/s1"),
            codec: "H264",
            takesWholeUnitsOnly: true
        )
        #expect(player.error == nil && player.state == "connected", "\(player)\n\(pair.cluster.logs)")
        #expect(player.answer?.contains("packetization-mode=0") == true, "\(player)")
        #expect(player.payloads?.allSatisfy { (1...23).contains($0) } == true, "\(player)")
        #expect(player.payloads?.contains(5) == true && player.video?.packetsLost == 0, "\(player)")
        // Of 25 a second, less the encoder's start.
        #expect(player.frames?["video"] ?? 0 > 75, "\(player)\n\(pair.cluster.logs)")
        #expect(publisher.isRunning)
    }

    @Test func `the bench's publisher goes where an edge sends it`() async throws {
        let pair = try await Pair()
        let publisher = try pair.cluster.publish(clip: pair.cluster.makeClip(), at: pair.edge.http("/live/whip/s1"))
        try await pair.cluster.waitForOrigin(of: "live/s1", "origin1")
        #expect(publisher.isRunning)
    }
}

/// A UDP port that answers nothing.
private final class DatagramEar {
    let port: Int
    private let descriptor: Int32

    init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        var own = sockaddr_in()
        own.sin_family = sa_family_t(AF_INET)
        own.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let (descriptor, size) = (descriptor, length)
        let isNamed = withUnsafeMutableBytes(of: &own) { bytes in
            bytes.withMemoryRebound(to: sockaddr.self) { address in
                bind(descriptor, address.baseAddress, size) == 0
                    && getsockname(descriptor, address.baseAddress, &length) == 0
            }
        }
        try #require(isNamed)
        port = Int(UInt16(bigEndian: own.sin_port))
    }

    deinit { close(descriptor) }

    /// The first that came and was not heard yet.
    func heard() -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: 2048)
        let count = recv(descriptor, &bytes, bytes.count, 0)
        return count > 0 ? Array(bytes[..<count]) : nil
    }
}
