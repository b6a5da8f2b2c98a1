import ClusterHarness
import ClusterModel
import Testing

/// Players of the web on an edge, and how old the pictures are that they show. `ops/soak` does the same for longer.
@Suite(.serialized) struct WebPlayerTests {
    private static let rungs = #"{"encoderSettings":[{"height":144,"videoBitrate":150000}],"encoderSpeed":"ultrafast"}"#

    /// What a player may be behind: of low-latency HLS, and of four target durations of 2 s.
    private static let (lowDelay, plainDelay) = (2.0, 8.0)

    private func cluster(_ settings: String? = nil) async throws -> (Cluster, edge: WorkerHandle) {
        let cluster = try await Cluster.start(on: .sqlite)
        if let settings { try cluster.set(settings, app: "live") }
        let origin = try await cluster.startWorker("origin1", .origin)
        let edge = try await cluster.startWorker("edge1", .edge)
        _ = try cluster.publishClock(at: origin.rtmp("live/s1"))
        try await cluster.waitForOrigin(of: "live/s1", "origin1")
        try await cluster.waitUntilPlayable(edge.media("live/s1", ".m3u8"))
        return (cluster, edge)
    }

    @Test func `hls.js shows low-latency HLS two seconds after it was made, or sooner`() async throws {
        let (cluster, edge) = try await cluster()
        let shown = try await WebPlayers.play(edge.media("live/s1", ".m3u8"), in: .hlsJS)
        #expect(shown.errors == [])
        #expect(shown.longestPause < 1, "\(shown)\n\(cluster.logs)")
        #expect(try #require(shown.medianDelay) < Self.lowDelay, "\(shown)\n\(cluster.logs)")
    }

    @Test(arguments: zip([WebPlayers.Player.hlsJS, .videoJS, .native], ["mpegts", "fmp4", "fmp4"]))
    func `players without low latency are at most four target durations behind`(
        player: WebPlayers.Player,
        container: String
    ) async throws {
        let (cluster, edge) = try await cluster(#"{"hlsSegmentType":"\#(container)"}"#)
        let shown = try await WebPlayers.play(edge.media("live/s1", ".m3u8"), in: player, isLowLatency: false)
        #expect(shown.errors == [])
        #expect(shown.frames > 100, "\(shown)\n\(cluster.logs)")
        #expect(shown.longestPause < 1, "\(shown)\n\(cluster.logs)")
        #expect(try #require(shown.medianDelay) < Self.plainDelay, "\(shown)\n\(cluster.logs)")
    }

    @Test func `hls.js changes to a rung and back without a pause`() async throws {
        let (cluster, edge) = try await cluster(Self.rungs)
        try await cluster.waitUntilPlayable(edge.media("live/s1_144p150kbps", ".m3u8"))
        let shown = try await WebPlayers.play(
            edge.media("live/s1", "_adaptive.m3u8"),
            in: .hlsJS,
            seconds: 24,
            changesLevels: true
        )
        #expect(shown.errors == [])
        #expect(Array(shown.heights.suffix(2)) == [144, 360], "\(shown)\n\(cluster.logs)")
        #expect(shown.longestPause < 1, "\(shown)\n\(cluster.logs)")
    }
}
