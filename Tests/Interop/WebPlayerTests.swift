import ClusterHarness
import ClusterModel
import Testing

/// Players of the web on an edge, and how old the pictures are that they show. `ops/soak` does the same for longer.
@Suite(.serialized) struct WebPlayerTests {
    private static let rungs = #"{"encoderSettings":[{"height":144,"videoBitrate":150000}],"encoderSpeed":"ultrafast"}"#

    private static let targetDuration = 2.0

    private func cluster(_ settings: String? = nil) async throws -> (Cluster, edge: WorkerHandle) {
        let cluster = try await Cluster.start(on: .sqlite)
        if let settings { try cluster.set(settings, app: "live") }
        let origin = try await cluster.startWorker("origin1", .origin)
        let edge = try await cluster.startWorker("edge1", .edge)
        _ = try cluster.publishClock(at: origin.rtmp("live/s1"))
        try await cluster.waitForOrigin(of: "live/s1", "origin1")
        // Chromium's own player takes no list that has parts alone yet.
        try await waitForSegments(3, of: "live/s1", cluster, edge)
        return (cluster, edge)
    }

    private func waitForSegments(
        _ count: Int,
        of stream: String,
        _ cluster: Cluster,
        _ edge: WorkerHandle
    ) async throws {
        try await eventually("\(stream) has \(count) segments\n\(cluster.logs)") {
            let text = String(decoding: try http(edge.media(stream, ".m3u8")).body, as: UTF8.self)
            return text.split(separator: "\n").count { !$0.hasPrefix("#") } >= count
        }
    }

    /// Longer than a browser on a busy machine is held up, shorter than waiting for a segment.
    private static let pauseMax = 1.5

    @Test func `hls.js shows low-latency HLS two seconds after it was made, or sooner`() async throws {
        let (cluster, edge) = try await cluster()
        let (lateness, begun) = (Lateness(), ContinuousClock.now)
        let shown = try await WebPlayers.play(edge.media("live/s1", ".m3u8"), in: .hlsJS)
        let late = lateness.allowance(since: begun) / .seconds(1)
        #expect(shown.errors == [])
        #expect(shown.longestPause < Self.pauseMax + late, "\(shown)\n\(cluster.logs)")
        #expect(try #require(shown.medianDelay) < 2 + late, "\(shown)\n\(cluster.logs)")
    }

    /// Three target durations before the end of the newest whole segment, whose age is up to one more when they come. hls.js makes
    /// good what its own start and the way of the pictures to the list take. Chromium's own begins with the last three
    /// segments listed, whatever EXT-X-START and HOLD-BACK say, and neither it nor video.js makes anything good.
    @Test(arguments: [(WebPlayers.Player.hlsJS, "mpegts", 4.0), (.videoJS, "fmp4", 4.5), (.native, "fmp4", 4.25)])
    func `players without low latency are few target durations behind`(
        player: WebPlayers.Player,
        container: String,
        targets: Double
    ) async throws {
        let (cluster, edge) = try await cluster(#"{"hlsSegmentType":"\#(container)"}"#)
        let (lateness, begun) = (Lateness(), ContinuousClock.now)
        let shown = try await WebPlayers.play(edge.media("live/s1", ".m3u8"), in: player, isLowLatency: false)
        let late = lateness.allowance(since: begun) / .seconds(1)
        #expect(shown.errors == [])
        #expect(shown.frames > 100, "\(shown)\n\(cluster.logs)")
        #expect(shown.longestPause < Self.pauseMax + late, "\(shown)\n\(cluster.logs)")
        #expect(try #require(shown.medianDelay) <= targets * Self.targetDuration + late, "\(shown)\n\(cluster.logs)")
    }

    @Test func `video.js plays DASH, segment after segment and with sound`() async throws {
        let (cluster, edge) = try await cluster()
        let (lateness, begun) = (Lateness(), ContinuousClock.now)
        let shown = try await WebPlayers.play(edge.media("live/s1", "/s1.mpd"), in: .videoJS, seconds: 16)
        let late = lateness.allowance(since: begun) / .seconds(1)
        #expect(shown.errors == [])
        // More than the segments of the first description hold from where it begins: a player that stops there has 200.
        #expect(shown.frames > 250, "\(shown)\n\(cluster.logs)")
        #expect(shown.soundBytes > 0, "\(shown)\n\(cluster.logs)")
        #expect(shown.longestPause < Self.pauseMax + late, "\(shown)\n\(cluster.logs)")
        #expect(try #require(shown.medianDelay) <= 4 * Self.targetDuration + late, "\(shown)\n\(cluster.logs)")
    }

    @Test func `hls.js changes to a rung and back without a pause`() async throws {
        let (cluster, edge) = try await cluster(Self.rungs)
        // A player that begins with a window has a buffer, in whose time a rung is made again.
        for (name, count) in [("live/s1_144p150kbps", 1), ("live/s1", 4)] {
            try await waitForSegments(count, of: name, cluster, edge)
        }
        let (lateness, begun) = (Lateness(), ContinuousClock.now)
        let shown = try await WebPlayers.play(
            edge.media("live/s1", "_adaptive.m3u8"),
            in: .hlsJS,
            seconds: 24,
            isLowLatency: false,
            changesLevels: true
        )
        let late = lateness.allowance(since: begun) / .seconds(1)
        #expect(shown.errors == [])
        #expect(Array(shown.heights.suffix(2)) == [144, 360], "\(shown)\n\(cluster.logs)")
        #expect(shown.longestPause < Self.pauseMax + late, "\(shown)\n\(cluster.logs)")
    }
}
