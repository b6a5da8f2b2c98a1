import ClusterHarness
import ClusterModel
import Foundation
import Testing

/// Every process ends on SIGTERM and is started again, one after the other, while all is in use.
@Suite(.serialized) struct RollingRestartTests {
    @Test func `nobody is lost who connects again, and the publisher is never away for more than a second`()
        async throws
    {
        let cluster = try await Cluster.start(on: .mongodb)
        try await cluster.startControl(1)
        var nodes: [WorkerHandle] = []
        for (id, role) in [("origin1", NodeRole.origin), ("origin2", .origin), ("edge1", .edge), ("edge2", .edge)] {
            nodes.append(try await startWorker(id, role, in: cluster))
        }
        let balancer = try await cluster.startLoadBalancer()
        try await waitForAll(balancer)
        let publisher = cluster.keepPublishing(clip: try cluster.makeClip(), at: balancer.rtmpPublish("live/s1"))
        try await eventually("it is broadcast\n\(cluster.logs)") {
            try cluster.stream("live/s1").status == .broadcasting
        }
        let players: [Witness] = [
            .httpFLV(balancer.http("/live/streams/s1.flv"), .connectsAgain),
            .hls(balancer.http("/live/streams/s1.m3u8")),
        ]
        for player in players { try await player.waitForMore() }

        for number in nodes.indices {
            let node = nodes[number]
            let others = nodes.filter { $0.role == .edge && $0.id != node.id }
            // Stays with an edge that is not restarted now, and so sees only what the publisher is away.
            let observer = Witness.httpFLV(others[0].media("live/s1", ".flv"))
            try await observer.waitForMore()
            let lateness = Lateness()
            let begin = ContinuousClock.now
            node.process.signal(SIGTERM)
            try await eventually("\(node.id) ends\n\(cluster.logs)") { !node.process.isRunning }
            #expect(node.process.waitForEnd() == 0)
            nodes[number] = try await startWorker(node.id, node.role, in: cluster, ports: node.ports)
            try await waitForAll(balancer)
            try await observer.waitForMore()
            let gap = observer.longestGap(since: begin)
            #expect(gap < .seconds(1) + lateness.allowance(since: begin), "while \(node.id) was restarted")
            #expect(!observer.hasEnded && observer.stepsBack.isEmpty)
            for player in players { try await player.waitForMore() }
        }
        for number in [0, 1] {
            #expect(cluster.stopControl(number) == 0)
            try await cluster.startControl(number)
            for player in players { try await player.waitForMore() }
        }
        for player in players { try expectWhole(player) }
        #expect(publisher.isPublishing)
    }

    private func startWorker(
        _ id: String,
        _ role: NodeRole,
        in cluster: Cluster,
        ports: WorkerPorts? = nil
    ) async throws -> WorkerHandle {
        try await cluster.startWorker(
            id,
            role,
            ports: ports,
            answersAgentCheck: true,
            drainTimeout: "8s"
        )
    }

    private func waitForAll(_ balancer: LoadBalancer) async throws {
        let backends = ["origins_rtmp": ["origin1", "origin2"], "edges_http": ["edge1", "edge2"]]
        try await eventually("all servers are used\n\(balancer.lastLines)") {
            try backends.allSatisfy { backend, names in
                let servers = try balancer.servers(of: backend)
                return names.allSatisfy { servers[$0]?.status.hasPrefix("UP") == true }
            }
        }
    }

    /// A player that connects again is at most a group of pictures behind or ahead of where it was.
    private func expectWhole(_ player: Witness) throws {
        #expect(player.complaints.isEmpty, "\(player.name): \(player.complaints)")
        let positions = player.sightings.map(\.position)
        let jumps = zip(positions, positions.dropFirst()).filter { abs($1 - $0) > 3 }.map { "\($0) → \($1)" }
        #expect(jumps.isEmpty, "\(player.name)")
    }
}
