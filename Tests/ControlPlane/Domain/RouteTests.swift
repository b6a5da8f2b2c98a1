import ClusterModel
import Domain
import Testing
import Timebase

@Suite struct RouteTests {
    /// Region 1 with an origin and an edge, region 2 with three edges; the origin owns the stream.
    private func regions() throws -> Dialogue {
        var cluster = Dialogue()
        try cluster.register("origin1", role: .origin)
        try cluster.register("edge11", role: .edge)
        for edge in ["edge21", "edge22", "edge23"] { try cluster.register(edge, role: .edge, group: "region2") }
        try cluster.claim("origin1")
        return cluster
    }

    @Test func `the origin's own group pulls from it, another group once through its secondary`() throws {
        var cluster = try regions()
        let near = try cluster.route("edge11")
        #expect(near.parent == .init(nodeId: "origin1", host: "origin1.example.org", relay: 5000, group: "region1"))
        #expect(near.tier == .origin && !near.secondaryForGroup)
        let secondary = try cluster.route("edge21")
        #expect(secondary.parent.nodeId == "origin1" && secondary.tier == .origin && secondary.secondaryForGroup)
        let below = try cluster.route("edge22")
        #expect(below.parent.nodeId == "edge21" && below.tier == .secondary && !below.secondaryForGroup)
        #expect(try cluster.route("edge21") == secondary)
    }

    @Test func `of two edges that race exactly one becomes secondary`() throws {
        var cluster = try regions()
        let requests = ["edge21", "edge22"].map { RouteRequest(nodeId: $0, bootId: "boot1") }
        let decisions = try requests.map {
            try cluster.state.decideRoute(stream, $0, at: cluster.now, using: &cluster.random)
        }
        guard case .write(let first, _) = decisions[0], case .write(let second, _) = decisions[1] else {
            Issue.record("both must try to write")
            return
        }
        #expect(first.expected == second.expected)
        try cluster.apply(first)
        #expect(try cluster.route("edge22").parent.nodeId == "edge21")
    }

    /// What an asker is told of a stream that has no route.
    private func refusal(_ cluster: inout Dialogue, _ asker: String) -> Problem? {
        do {
            _ = try cluster.route(asker)
            return nil
        } catch { return error as? Problem }
    }

    @Test func `a finished stream is unknown, with the owner that still has it for 60 s`() throws {
        var cluster = try regions()
        let epoch = try cluster.claim("origin1").epoch
        try cluster.release("origin1", epoch: epoch)
        let told = refusal(&cluster, "edge21")
        #expect(told?.kind == .unknownStream && told?.lastOwner?.host == "origin1.example.org")
        let owner = refusal(&cluster, "origin1")
        #expect(owner?.kind == .unknownStream && owner?.lastOwner == nil)
        for _ in 0..<12 {
            cluster.pass(.seconds(5))
            for node in ["origin1", "edge21"] { try cluster.beat(node) }
        }
        let late = refusal(&cluster, "edge21")
        #expect(late?.kind == .unknownStream && late?.lastOwner == nil)
    }

    @Test(arguments: [true, false])
    func `a finished stream whose owner died or began anew is at nobody's`(isDead: Bool) throws {
        var cluster = try regions()
        let epoch = try cluster.claim("origin1").epoch
        try cluster.release("origin1", epoch: epoch)
        if isDead { cluster.pass(.seconds(21)) } else { try cluster.register("origin1", boot: "boot2", role: .origin) }
        try cluster.beat("edge21")
        let told = refusal(&cluster, "edge21")
        #expect(told?.kind == .unknownStream && told?.lastOwner == nil)
    }

    @Test func `a secondary that died is replaced`() throws {
        var cluster = try regions()
        _ = try cluster.route("edge21")
        cluster.pass(.milliseconds(20_001))
        for node in ["origin1", "edge22"] { try cluster.beat(node) }
        let route = try cluster.route("edge22")
        #expect(route.secondaryForGroup && route.parent.nodeId == "origin1")
    }

    @Test func `a secondary is trusted for 15 s, then its heartbeats must show the pull`() throws {
        for pulls in [true, false] {
            var cluster = try regions()
            _ = try cluster.route("edge21")
            cluster.pass(.seconds(16))
            for node in ["origin1", "edge22"] { try cluster.beat(node) }
            try cluster.beat("edge21", pulls: pulls ? [cluster.pull(from: "origin1")] : [])
            #expect(try cluster.route("edge22").secondaryForGroup == !pulls)
        }
    }

    @Test func `a restarted secondary is no secondary`() throws {
        var cluster = try regions()
        _ = try cluster.route("edge21")
        try cluster.register("edge21", boot: "boot2", role: .edge, group: "region2")
        #expect(try cluster.route("edge22").secondaryForGroup)
    }

    @Test func `a parent named as failed is not offered to the asker again for 10 s`() throws {
        var cluster = try regions()
        cluster.state.watchOpened(by: "origin1", boot: "boot1")
        _ = try cluster.route("edge21")
        let around = try cluster.route("edge22", failed: ["edge21"])
        #expect(around.parent.nodeId == "origin1" && around.secondaryForGroup)
        _ = try cluster.route("edge21")
        #expect(try cluster.route("edge23").parent.nodeId == "edge22")
        #expect(try cluster.route("edge11", failed: ["origin1"]).tier == .peer)
        cluster.pass(.milliseconds(9_999))
        #expect(try cluster.route("edge11").tier == .peer)
        cluster.pass(.milliseconds(1))
        #expect(try cluster.route("edge11").tier == .origin)
    }

    @Test func `naming a failed parent again does not shut it out for longer`() throws {
        var cluster = try regions()
        cluster.state.watchOpened(by: "origin1", boot: "boot1")
        #expect(try cluster.route("edge11", failed: ["origin1"]).tier == .peer)
        cluster.pass(.seconds(9))
        #expect(try cluster.route("edge11", failed: ["origin1"]).tier == .peer)
        cluster.pass(.seconds(1))
        #expect(try cluster.route("edge11").tier == .origin)
    }

    @Test func `a parent that failed may be asked for the stream of a new owner`() throws {
        var cluster = try regions()
        cluster.state.watchOpened(by: "origin1", boot: "boot1")
        #expect(try cluster.route("edge11", failed: ["origin1"]).tier == .peer)
        try cluster.claim("origin1", claim: "claim2")
        #expect(try cluster.route("edge11").tier == .origin)
    }

    @Test func `who cannot reach the origin is sent to a peer, but never to one below itself`() throws {
        var cluster = try regions()
        try cluster.beat("edge21", pulls: [cluster.pull(from: "origin1")])
        try cluster.beat("edge22", pulls: [cluster.pull(from: "edge23")])
        try cluster.beat("edge23", pulls: [cluster.pull(from: "edge11")])
        let route = try cluster.route("edge11", failed: ["origin1"])
        #expect(route.tier == .peer && route.parent.nodeId == "edge21")
    }

    @Test func `a group with a parent group pulls from the parent's secondary`() throws {
        var cluster = try regions()
        try cluster.register("edge31", role: .edge, group: "region3")
        let settings = GroupSettings(parent: "region2")
        _ = try cluster.settle(try cluster.state.decidePut(group: "region3", settings, ifMatch: .any))
        _ = try cluster.route("edge21")
        let route = try cluster.route("edge31")
        #expect(route.parent.nodeId == "edge21" && route.tier == .secondary && route.secondaryForGroup)
    }

    @Test func `unknown and finished streams are unknown; an interrupted one is to be asked for again`() throws {
        var cluster = Dialogue()
        try cluster.register("origin1")
        try cluster.register("edge1", role: .edge)
        #expect(kind { _ = try cluster.route("edge1") } == .unknownStream)
        let grant = try cluster.claim("origin1")
        #expect(kind { _ = try cluster.route("origin1") } == .conflict)
        cluster.state.watchClosed(by: "origin1", boot: "boot1", at: cluster.now)
        cluster.pass(.milliseconds(301))
        #expect(kind { _ = try cluster.route("edge1") } == .unavailable)
        try cluster.release("origin1", epoch: grant.epoch)
        #expect(kind { _ = try cluster.route("edge1") } == .unknownStream)
    }
}
