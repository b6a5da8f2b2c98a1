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
        over wanted: AssignedProtocol? = nil,
        group: String? = nil
    ) throws -> Assignment {
        let wish = ClusterState.Wish(stream, for: purpose, over: wanted, group: group)
        return try cluster.state.assign(wish, explain: true, at: cluster.now, using: &cluster.random)
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

    /// Else all who ask between two heartbeats are sent to the node that has the stream, however many they are.
    @Test func `players sent to a node fill it before it has counted them, until its heartbeat does`() throws {
        var cluster = Dialogue()
        for edge in ["warm", "cold"] {
            var capacity = NodeCapacity()
            capacity.viewers = 10
            try cluster.register(edge, role: .edge, capacity: capacity)
        }
        let heard = [cluster.pull(from: "origin1")]
        try cluster.beat("warm", pulls: heard)
        for _ in 0..<7 {
            #expect(try assign(&cluster).nodeId == "warm")
            cluster.state.noteAssigned("warm", for: .play)
        }
        let chosen = try (0..<40).map { _ in try assign(&cluster).nodeId }
        #expect(chosen.contains("cold"))
        try cluster.beat("warm", pulls: heard)
        for _ in 0..<20 { #expect(try assign(&cluster).nodeId == "warm") }
    }

    @Test func `a publisher that will stand by is sent to the stream's owner, whatever group it is near`() throws {
        var cluster = Dialogue()
        for (node, group) in [("origin1", "region1"), ("origin2", "region2")] {
            try cluster.register(node, role: .origin, group: group)
        }
        _ = try cluster.claim("origin1")
        #expect(try assign(&cluster, .publish, group: "region2").nodeId == "origin2")
        var settings = AppSettings()
        settings.secondPublisher = .standBy
        _ = try cluster.settle(try cluster.state.decidePut(app: stream.app, settings, ifMatch: .any))
        #expect(try assign(&cluster, .publish, group: "region2").nodeId == "origin1")
    }

    /// Its process ends, whatever an operator wishes; what it says is believed.
    @Test func `a node that says it drains gets nobody and feeds nobody, though it was undrained`() throws {
        var cluster = Dialogue()
        for edge in ["ending", "edge1", "edge2"] { try cluster.register(edge, role: .edge, group: "region2") }
        try cluster.register("origin1", role: .origin)
        _ = try cluster.claim("origin1")
        var heartbeat = Heartbeat(bootId: "boot1", load: NodeLoad(), pulls: [cluster.pull(from: "origin1")])
        heartbeat.isDraining = true
        try cluster.take(heartbeat, from: "ending")
        for _ in 0..<20 { #expect(try assign(&cluster).nodeId != "ending") }
        #expect(try cluster.route("edge1").parent.nodeId == "origin1")
        heartbeat.isDraining = nil
        cluster.pass(.seconds(5))
        try cluster.take(heartbeat, from: "ending")
        #expect(try (0..<20).map { _ in try assign(&cluster, group: "region2").nodeId }.contains("ending"))
    }

    /// A few random looks miss them.
    @Test func `of very many nodes the few that are free are found, and share the players`() throws {
        var cluster = Dialogue()
        var draining = Heartbeat(bootId: "boot1", load: NodeLoad())
        draining.isDraining = true
        let free = ["edge7", "edge77", "edge177"]
        for number in 0..<200 {
            let edge = "edge\(number)"
            try cluster.register(edge, role: .edge, group: "region\(number % 2)")
            if !free.contains(edge) { try cluster.take(draining, from: edge) }
        }
        let wish = ClusterState.Wish(stream, for: .play)
        for group in [nil, "region0", "region1"] {
            var near = wish
            near.group = group
            let chosen = try (0..<60).map { _ in
                try cluster.state.assign(near, at: cluster.now, using: &cluster.random).nodeId
            }
            #expect(Set(chosen) == Set(free), "near \(group ?? "nothing")")
        }
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
        // Its machine has other work too, and its operator lets it: it does not say that it is full.
        try cluster.beat("free", load: load(1))
        let answer = try assign(&cluster)
        #expect(answer.nodeId == "free")
        let refusals = Dictionary(uniqueKeysWithValues: (answer.explain ?? []).map { ($0.nodeId, $0.refused) })
        #expect(refusals == ["dead": "dead", "full": "over its limits", "free": nil])
    }

    @Test(arguments: AssignedProtocol.allCases)
    func `a node without a listener for the protocol is refused, and says so`(wanted: AssignedProtocol) throws {
        // Registered nodes of these dialogues have HTTP, RTMP and relay listeners.
        let isServed = [.rtmp, .hls, .dash, .httpFlv].contains(wanted)
        var cluster = Dialogue()
        try cluster.register("edge1", role: .edge)
        guard !isServed else {
            #expect(try assign(&cluster, over: wanted).nodeId == "edge1")
            return
        }
        let problem = #expect(throws: Problem.self) { try assign(&cluster, over: wanted) }
        #expect(problem?.detail.contains("1 node: has no listener for \(wanted.rawValue)") == true)
        // Whoever asks, also without a token, learns of no node by name.
        #expect(problem?.detail.contains("edge1") == false)
    }

    @Test func `WebRTC needs the HTTP listener too, where its sessions begin`() {
        var addresses = NodeAddresses(host: "h")
        addresses.webrtc = 50000
        #expect(!AssignedProtocol.webrtc.isServed(at: addresses))
        addresses.https = 5443
        #expect(AssignedProtocol.webrtc.isServed(at: addresses))
        #expect(addresses.webURL == "https://h:5443" && addresses.webSocketURL == "wss://h:5443")
    }

    @Test func `the asked group comes first, then its parents in order, then the others`() throws {
        var cluster = Dialogue()
        try cluster.set(group: "city", GroupSettings(parent: "land"))
        try cluster.set(group: "land", GroupSettings(parent: "world"))
        for group in ["city", "land", "world", "other"] {
            try cluster.register("in-\(group)", role: .edge, group: group, capacity: NodeCapacity(viewers: 1))
        }
        var full = NodeLoad()
        full.viewers.hls = 1
        for group in ["city", "land", "world", "other"] {
            #expect(try assign(&cluster, group: "city").nodeId == "in-\(group)")
            try cluster.beat("in-\(group)", load: full)
        }
        #expect(kind { _ = try assign(&cluster, group: "city") } == .unavailable)
    }

    @Test func `explain lists the eligible first, nearest first`() throws {
        var cluster = Dialogue()
        try cluster.set(group: "city", GroupSettings(parent: "land"))
        for (node, group) in [("far", "other"), ("near", "city"), ("mid", "land")] {
            try cluster.register(node, role: .edge, group: group)
        }
        try cluster.register("wrong", role: .origin, group: "city")
        let explained = try assign(&cluster, group: "city").explain ?? []
        #expect(explained.map(\.nodeId) == ["near", "mid", "far", "wrong"])
        #expect(explained.map(\.score) == [0.833, 0.5, 0.167, 0.833])
    }

    @Test func `of two random nodes the less loaded is taken, so that the most loaded gets least`() throws {
        var cluster = Dialogue()
        for (node, cpu) in [("idle", 0.1), ("busy", 0.5), ("hot", 0.9)] {
            try cluster.register(node, role: .edge)
            try cluster.beat(node, load: load(cpu))
        }
        let chosen = try (0..<300).map { _ in try assign(&cluster).nodeId }
        let counts = ["idle", "busy", "hot"].map { node in chosen.count { $0 == node } }
        #expect(counts[0] > counts[1] && counts[1] > counts[2] && counts[1] > 50, "\(counts)")
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
                "dash": "http://e21.example.org:5080/live/streams/s1/s1.mpd",
            ]
        )
        addresses = NodeAddresses(host: "::1")
        addresses.rtmp = 1935
        #expect(StreamURLs.all(of: stream, on: addresses, for: .publish) == ["rtmp": "rtmp://[::1]:1935/live/s1"])
    }
}
