import ClusterHarness
import ClusterModel
import Testing

/// How long players see nothing when an origin dies.
@Suite(.serialized) struct FailoverGapTests {
    /// What the cluster may add to the publisher's absence.
    static let gapMax = Duration.seconds(1)

    /// With two control planes each origin speaks to its own, and so does an edge.
    @Test(arguments: [(false, 1), (true, 1), (false, 2)])
    func `no player misses more than the publisher's absence and a second, with the load balancer for its way back`(
        isAwayForLong: Bool,
        controlPlanes: Int
    ) async throws {
        let cluster = try await Cluster.start(on: controlPlanes > 1 ? .mongodb : .sqlite)
        if controlPlanes > 1 { try await cluster.startControl(1) }
        let (one, other) = (0, controlPlanes - 1)
        let origins = [
            "origin1": try await cluster.startWorker("origin1", .origin, knowingControl: one, answersAgentCheck: true),
            "origin2": try await cluster.startWorker(
                "origin2",
                .origin,
                knowingControl: other,
                answersAgentCheck: true
            ),
        ]
        let balancer = try await cluster.startLoadBalancer()
        try await balancer.waitForServers("origins_rtmp", origins.keys.sorted())
        let edges = [
            try await cluster.startWorker("edge1", .edge, knowingControl: one),
            try await cluster.startWorker("edge2", .edge, knowingControl: other),
        ]
        let way = balancer.rtmpPublish("live/s1")
        let publisher = cluster.keepPublishing(clip: try cluster.makeClip(), at: way)
        try await eventually("an origin has it\n\(cluster.logs)") {
            try cluster.stream("live/s1").status == .broadcasting
        }
        let owner = try #require(try cluster.stream("live/s1").originNodeId)
        let heir = owner == "origin1" ? "origin2" : "origin1"
        let players = try edges.flatMap { edge in
            [
                try Witness.rtmp(edge.rtmp("live/s1")), .httpFLV(edge.media("live/s1", ".flv")),
                .hls(edge.media("live/s1", ".m3u8")),
            ]
        }
        for player in players { try await player.waitForMore() }

        let lateness = Lateness()
        if isAwayForLong { publisher.move(to: nil) }
        let diedAt = ContinuousClock.now
        origins[owner]?.process.kill()
        if isAwayForLong {
            try await eventually("nobody sends it\n\(cluster.logs)") {
                try cluster.stream("live/s1").status == .interrupted
            }
            publisher.move(to: way)
        }
        try await cluster.waitForOrigin(of: "live/s1", heir)
        for player in players { try await player.waitForMore() }

        let backAt = try #require(publisher.begun.first { $0 > diedAt })
        let allowed = (backAt - diedAt) + Self.gapMax + lateness.allowance(since: diedAt)
        for player in players {
            let gap = player.longestGap(since: diedAt)
            #expect(gap < allowed, "\(player.name): away for \(backAt - diedAt)")
            #expect(player.connections == 1 && !player.hasEnded, "\(player.name)")
            #expect(player.stepsBack.isEmpty && player.complaints.isEmpty, "\(player.name): \(player.complaints)")
        }
    }

    @Test func `a stream whose origin and publisher died is interrupted, and finished after the grace`() async throws {
        let cluster = try await Cluster.start(on: .sqlite)
        let origin = try await cluster.startWorker("origin1", .origin)
        let edge = try await cluster.startWorker("edge1", .edge)
        let publisher = cluster.keepPublishing(clip: try cluster.makeClip(), at: origin.rtmp("live/s1"))
        try await cluster.waitForOrigin(of: "live/s1", "origin1")
        let player = Witness.httpFLV(edge.media("live/s1", ".flv"))
        try await player.waitForMore()

        publisher.move(to: nil)
        origin.process.kill()
        var seen: [StreamStatus] = []
        try await eventually("it is finished; \(seen)\n\(cluster.logs)", within: .seconds(60)) {
            let stream = try cluster.stream("live/s1")
            if stream.status != seen.last { seen.append(stream.status) }
            return stream.status == .finished && stream.originNodeId == nil
        }
        #expect(seen == [.broadcasting, .interrupted, .finished] || seen == [.interrupted, .finished])
        try await eventually("the player is told of the end") { player.hasEnded }
        #expect(player.complaints.isEmpty, "\(player.complaints)")
    }
}
