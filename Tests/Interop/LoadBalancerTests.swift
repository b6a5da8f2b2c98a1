import ClusterHarness
import ClusterModel
import Foundation
import Testing

/// Real HAProxy with ops/haproxy/haproxy.cfg, its servers kept by ops/haproxy/sync.
@Suite(.serialized) struct LoadBalancerTests {
    @Test func `publishers reach origins and players edges, and a drained edge gets no new session`() async throws {
        let cluster = try await Cluster.start(on: .sqlite)
        _ = try await cluster.startWorker("origin1", .origin, answersAgentCheck: true)
        let edges = [try await cluster.startWorker("edge1", .edge, answersAgentCheck: true, drainTimeout: "60s")]
        let balancer = try await cluster.startLoadBalancer()
        try await balancer.waitForServers("origins_rtmp", ["origin1"])
        try await balancer.waitForServers("edges_http", ["edge1"])
        #expect(try balancer.servers(of: "edges_http").keys.sorted() == ["edge1"])

        let publisher = try cluster.publish(at: balancer.rtmpPublish("live/s1"))
        try await cluster.waitForOrigin(of: "live/s1", "origin1")
        try await playsEverywhere(cluster, balancer)

        // A server is added without a reload, and one stream's requests stay together.
        let all = edges + [try await cluster.startWorker("edge2", .edge, answersAgentCheck: true, drainTimeout: "60s")]
        try await balancer.waitForServers("edges_http", ["edge1", "edge2"])
        let home = try await edgeThatServes(
            balancer,
            ["/live/streams/s1.m3u8", "/live/streams/s1.flv", "/live/whep/s1"]
        )

        let viewer = try cluster.view(balancer.http("/live/streams/s1.flv"))
        try await viewer.waitForMore()
        let drained = try #require(all.first { $0.id == home })
        drained.process.signal(SIGTERM)
        try await eventually("\(home) drains\n\(balancer.lastLines)") {
            try balancer.servers(of: "edges_http")[home]?.status.hasPrefix("DRAIN") == true
                && balancer.servers(of: "edges_rtmp")[home]?.status.hasPrefix("DRAIN") == true
        }
        let before = try balancer.servers(of: "edges_http")[home]?.sessionsTotal
        try await cluster.waitUntilPlayable(balancer.http("/live/streams/s1.flv"))
        try await cluster.waitUntilPlayable(balancer.rtmpPlay("live/s1"))
        #expect(try balancer.servers(of: "edges_http")[home]?.sessionsTotal == before)
        try await viewer.waitForMore()

        // Gone for good: its server goes too.
        drained.process.kill()
        #expect(
            try http("\(cluster.controlURL)/v1/nodes/\(home)", method: "DELETE", bearer: Cluster.adminToken).status
                == 204
        )
        try await eventually("\(home) is removed\n\(balancer.lastLines)") {
            try balancer.servers(of: "edges_http")[home] == nil
        }
        #expect(publisher.isRunning)
    }

    @Test func `signalling by WebSocket passes, to publish and to play`() async throws {
        let cluster = try await Cluster.start(on: .sqlite)
        _ = try await cluster.startWorker("origin1", .origin, answersAgentCheck: true)
        _ = try await cluster.startWorker("edge1", .edge, answersAgentCheck: true)
        let balancer = try await cluster.startLoadBalancer()
        try await balancer.waitForServers("origins_http", ["origin1"])
        try await balancer.waitForServers("edges_http", ["edge1"])
        let result = try await WebRTCClients.browser(
            publish: balancer.webSocket("/live/websocket?target=origin") + "#s1",
            play: balancer.webSocket("/live/websocket") + "#s1"
        )
        #expect(result.error == nil, "\(result)\n\(cluster.logs)")
        #expect(result.play?.video?.framesDecoded ?? 0 > 60, "\(result)\n\(balancer.lastLines)")
        #expect(try balancer.servers(of: "origins_http")["origin1"]?.sessionsTotal == 1)
    }

    @Test
    func
        `streams are shared out among all edges, and a node that comes back before it was removed gets sessions again`()
        async throws
    {
        let cluster = try await Cluster.start(on: .sqlite)
        _ = try await cluster.startWorker("origin1", .origin, answersAgentCheck: true)
        let edges = (1...4).map { "edge\($0)" }
        for edge in edges { _ = try await cluster.startWorker(edge, .edge, answersAgentCheck: true) }
        let balancer = try await cluster.startLoadBalancer()
        try await balancer.waitForServers("origins_rtmp", ["origin1"])
        try await balancer.waitForServers("edges_http", edges)
        let paths = (1...60).map { balancer.http("/live/streams/s\($0).m3u8") }
        for path in paths { _ = try run(["curl", "-s", "-o", "/dev/null", "-m", "5", path]) }
        let shares = try balancer.servers(of: "edges_http").mapValues(\.sessionsTotal)
        #expect(edges.allSatisfy { shares[$0] ?? 0 >= 3 }, "\(shares)")

        let publisher = try cluster.publish(at: balancer.rtmpPublish("live/s1"))
        try await cluster.waitForOrigin(of: "live/s1", "origin1")
        // As a node leaves; its next heartbeat makes it join again. HAProxy cannot delete what has sessions.
        let node = cluster.controlURL + "/v1/nodes/origin1"
        #expect(try http(node, method: "DELETE", bearer: Cluster.adminToken).status == 409)
        #expect(try http(node, method: "DELETE", bearer: Cluster.nodeToken).status == 204)
        try await eventually("origin1 is taken out\n\(balancer.lastLines)") {
            try balancer.servers(of: "origins_rtmp")["origin1"]?.status.hasPrefix("UP") != true
        }
        try await balancer.waitForServers("origins_rtmp", ["origin1"])
        #expect(publisher.isRunning)

        // One without agent checks cannot say itself that it drains.
        _ = try await cluster.startWorker("origin2", .origin)
        try await balancer.waitForServers("origins_rtmp", ["origin1", "origin2"])
        for (method, status) in [("POST", "DRAIN"), ("DELETE", "UP")] {
            _ = try http("\(cluster.controlURL)/v1/nodes/origin2/drain", method: method, bearer: Cluster.adminToken)
            try await eventually("origin2 is \(status)\n\(balancer.lastLines)") {
                try balancer.servers(of: "origins_rtmp")["origin2"]?.status.hasPrefix(status) == true
            }
        }
    }

    private func playsEverywhere(_ cluster: Cluster, _ balancer: LoadBalancer) async throws {
        try await cluster.waitUntilPlayable(balancer.rtmpPlay("live/s1"))
        try await cluster.waitUntilPlayable(balancer.http("/live/streams/s1.flv"))
        try await cluster.waitUntilPlayable(balancer.http("/live/streams/s1.m3u8"))
        let secure = try run(["curl", "-s", "-k", "-m", "10", balancer.https("/live/streams/s1.m3u8")])
        #expect(secure.output.hasPrefix("#EXTM3U"), "\(secure.output)")
        let statistics = try run(["curl", "-s", "-m", "10", "http://127.0.0.1:\(balancer.statisticsPort)/;csv"])
        #expect(statistics.output.contains("edges_http,edge1,"))
        // An origin answers what asks for one.
        let origin = try http(balancer.http("/livez?target=origin"))
        #expect(origin.status == 200)
        #expect(try balancer.servers(of: "origins_http")["origin1"]?.sessionsTotal == 1)
    }

    /// The one edge that gets all of these requests. One after the other: of two at once HAProxy may send the second elsewhere,
    /// so that no edge has too much (`hash-balance-factor`).
    private func edgeThatServes(_ balancer: LoadBalancer, _ paths: [String]) async throws -> String {
        func isIdle() throws -> Bool { try balancer.servers(of: "edges_http").values.allSatisfy { $0.sessions == 0 } }
        let before = try balancer.servers(of: "edges_http")
        for path in paths {
            try await eventually("no request is under way\n\(balancer.lastLines)") { try isIdle() }
            _ = try run(["curl", "-s", "-o", "/dev/null", "-m", "2", balancer.http(path)])
        }
        let after = try balancer.servers(of: "edges_http")
        let chosen = after.filter { $0.value.sessionsTotal > before[$0.key]?.sessionsTotal ?? 0 }.keys.sorted()
        #expect(chosen.count == 1, "requests of one stream went to \(chosen)")
        return try #require(chosen.first)
    }
}
