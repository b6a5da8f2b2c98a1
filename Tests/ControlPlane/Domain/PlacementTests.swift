import ClusterModel
import Domain
import Testing
import Timebase

@Suite struct PlacementTests {
    private func load(_ cpu: Double) -> NodeLoad {
        var load = NodeLoad()
        load.cpu = cpu
        return load
    }

    private func assign(
        _ cluster: inout Dialogue,
        _ purpose: ClusterState.Purpose = .play,
        group: String? = nil
    ) throws -> Assignment {
        try cluster.state.assign(
            stream,
            for: purpose,
            group: group,
            explain: true,
            at: cluster.now,
            using: &cluster.random
        )
    }

    @Test func `players never go to the role origin, publishers never to an edge`() throws {
        var cluster = Dialogue()
        try cluster.register("origin1", role: .origin)
        try cluster.register("edge1", role: .edge)
        for _ in 0..<20 {
            #expect(try assign(&cluster, .play).nodeId == "edge1")
            #expect(try assign(&cluster, .publish).nodeId == "origin1")
        }
        let refused = try assign(&cluster).explain?.first { $0.nodeId == "origin1" }?.refused
        #expect(refused == "role origin is not given players")
    }

    @Test func `the asked group is preferred, then who has the stream unless it is loaded`() throws {
        var cluster = Dialogue()
        for (edge, group) in [("far", "region1"), ("warm", "region2"), ("cold", "region2")] {
            try cluster.register(edge, role: .edge, group: group)
        }
        try cluster.beat("warm", load: load(0.5), pulls: [cluster.pull(from: "origin1")])
        for _ in 0..<20 { #expect(try assign(&cluster, group: "region2").nodeId == "warm") }
        try cluster.beat("warm", load: load(0.9), pulls: [cluster.pull(from: "origin1")])
        let chosen = try (0..<40).map { _ in try assign(&cluster, group: "region2").nodeId }
        #expect(chosen.contains("cold") && !chosen.contains("far"))
    }

    @Test func `dead and full nodes are refused, with the reason`() throws {
        var cluster = Dialogue()
        try cluster.register("dead", role: .edge)
        cluster.pass(.seconds(21))
        try cluster.register("full", role: .edge, capacity: NodeCapacity(viewers: 1))
        var full = NodeLoad()
        full.viewers.rtmp = 1
        try cluster.beat("full", load: full)
        #expect(kind { _ = try assign(&cluster) } == .unavailable)
        try cluster.register("free", role: .edge)
        let answer = try assign(&cluster)
        #expect(answer.nodeId == "free")
        let refusals = Dictionary(uniqueKeysWithValues: (answer.explain ?? []).map { ($0.nodeId, $0.refused) })
        #expect(refusals == ["dead": "dead", "full": "over its limits", "free": nil])
    }

    @Test func `URLs name what the node serves at its public host`() {
        var addresses = NodeAddresses(host: "10.0.2.21", publicHost: "e21.example.org")
        addresses.http = 5080
        addresses.rtmp = 1935
        #expect(
            StreamURLs.all(of: stream, on: addresses, for: .play) == [
                "rtmp": "rtmp://e21.example.org:1935/live/s1",
                "httpFlv": "http://e21.example.org:5080/live/streams/s1.flv",
                "hls": "http://e21.example.org:5080/live/streams/s1.m3u8",
            ]
        )
        addresses = NodeAddresses(host: "::1")
        addresses.rtmp = 1935
        #expect(StreamURLs.all(of: stream, on: addresses, for: .publish) == ["rtmp": "rtmp://[::1]:1935/live/s1"])
    }
}
