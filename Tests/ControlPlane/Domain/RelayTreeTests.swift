import ClusterModel
import Domain
import Testing
import Timebase

/// The shape of the relay tree: depth, width, and what happens where a node is full, gone, cut off or elsewhere.
@Suite struct RelayTreeTests {
    private func cluster(_ nodes: [(id: String, group: String)], owner: String = "origin1") throws -> Dialogue {
        var cluster = Dialogue()
        try cluster.register(owner, role: .origin, group: "region1")
        for node in nodes { try cluster.register(node.id, role: .edge, group: node.group) }
        try cluster.claim(owner)
        return cluster
    }

    private func region2(_ count: Int) -> [(id: String, group: String)] {
        (1...count).map { ("edge2\($0)", "region2") }
    }

    // MARK: Depth

    @Test func `a group between gets its one secondary though nobody watches there, and both groups below share it`()
        throws
    {
        var cluster = try cluster([("mid1", "land"), ("a1", "cityA"), ("b1", "cityB"), ("a2", "cityA")])
        try cluster.set(group: "cityA", GroupSettings(parent: "land"))
        try cluster.set(group: "cityB", GroupSettings(parent: "land"))
        let first = try cluster.route("a1")
        #expect(first.parent.nodeId == "mid1" && first.tier == .secondary && first.secondaryForGroup)
        #expect(try cluster.route("b1").parent.nodeId == "mid1")
        #expect(try cluster.route("a2").parent.nodeId == "a1")
        let top = try cluster.route("mid1")
        #expect(top.parent.nodeId == "origin1" && top.tier == .origin && top.secondaryForGroup)
    }

    @Test func `a parent group without a node that could help is passed over`() throws {
        var cluster = try cluster([("a1", "cityA"), ("top1", "world")])
        try cluster.set(group: "cityA", GroupSettings(parent: "land"))
        try cluster.set(group: "land", GroupSettings(parent: "world"))
        #expect(try cluster.route("a1").parent.nodeId == "top1")
        #expect(try cluster.route("top1").parent.nodeId == "origin1")
    }

    @Test func `a parent group that the origin itself is below does not get the stream first`() throws {
        var cluster = try cluster([("mid1", "land"), ("a1", "cityA")])
        try cluster.set(group: "cityA", GroupSettings(parent: "land"))
        try cluster.set(group: "region1", GroupSettings(parent: "land"))
        #expect(try cluster.route("a1").parent.nodeId == "origin1")
        // An ancestor of the origin's group takes it straight from the origin, whatever lies between.
        #expect(try cluster.route("mid1").parent.nodeId == "origin1")
    }

    // MARK: Width

    @Test func `a full secondary hands the next to siblings, and nobody gets more than the limit`() throws {
        var cluster = try cluster(region2(12))
        try cluster.set(group: "region2", GroupSettings(childrenPerParentMax: 2))
        var parents: [String: String] = [:]
        for count in 1...12 { parents["edge2\(count)"] = try cluster.route("edge2\(count)").parent.nodeId }
        #expect(parents.values.count { $0 == "origin1" } == 1)
        let counts = Dictionary(grouping: parents.values, by: { $0 }).mapValues(\.count)
        #expect(counts.values.allSatisfy { $0 <= 2 }, "\(counts)")
        for start in parents.keys {
            var current = start
            for _ in 0..<12 where current != "origin1" { current = parents[current] ?? "nowhere" }
            #expect(current == "origin1", "\(start) hangs on the tree")
        }
    }

    @Test func `a node's own limit is over the group's, and without siblings the secondary is used all the same`()
        throws
    {
        var cluster = try cluster([])
        for (edge, max) in [("edge21", 1), ("edge22", 0), ("edge23", 0), ("edge24", 0)] {
            let capacity = NodeCapacity(relayChildren: max)
            try cluster.register(edge, role: .edge, group: "region2", capacity: capacity)
        }
        _ = try cluster.route("edge21")
        #expect(try cluster.route("edge22").parent.nodeId == "edge21")
        #expect(try cluster.route("edge23").parent.nodeId == "edge21")
    }

    @Test func `who asks again is not counted against itself`() throws {
        var cluster = try cluster(region2(2))
        try cluster.set(group: "region2", GroupSettings(childrenPerParentMax: 1))
        _ = try cluster.route("edge21")
        for _ in 0..<3 { #expect(try cluster.route("edge22").parent.nodeId == "edge21") }
    }

    @Test func `below a secondary that says it is full, a sibling gives the stream on`() throws {
        var cluster = try cluster(region2(3))
        for edge in ["edge21", "edge22"] { _ = try cluster.route(edge) }
        try cluster.beat("edge21", pulls: [cluster.pull(from: "origin1")], full: ["cpu 95 % of 90 %"])
        #expect(try cluster.route("edge23").parent.nodeId == "edge22")
        try cluster.beat("edge21", pulls: [cluster.pull(from: "origin1")])
        #expect(try cluster.route("edge23").parent.nodeId == "edge21")
    }

    // MARK: A new owner

    @Test func `an owner that pulled the stream until it claimed it is a parent for those it pulled from`() throws {
        var cluster = try cluster([("edge11", "region1"), ("edge12", "region1")])
        try cluster.register("origin2", role: .hybrid, group: "region1")
        // What the last heartbeats before the claim told.
        try cluster.beat("origin2", pulls: [cluster.pull(from: "edge11")])
        try cluster.beat("edge11", pulls: [cluster.pull(from: "edge12")])
        try cluster.beat("edge12", pulls: [cluster.pull(from: "origin1")])
        let present = try cluster.claim("origin1")
        try cluster.release("origin1", epoch: present.epoch)
        try cluster.claim("origin2", claim: "claim2")
        for edge in ["edge11", "edge12"] { #expect(try cluster.route(edge).parent.nodeId == "origin2") }
    }

    // MARK: A secondary that goes

    @Test func `a secondary that stopped its pull when its last viewer left is replaced`() throws {
        var cluster = try cluster(region2(2))
        _ = try cluster.route("edge21")
        cluster.pass(.seconds(16))
        for node in ["origin1", "edge21", "edge22"] { try cluster.beat(node) }
        let route = try cluster.route("edge22")
        #expect(route.parent.nodeId == "origin1" && route.secondaryForGroup)
        #expect(try cluster.route("edge21").parent.nodeId == "edge22")
    }

    @Test func `all children of a dead secondary name it: one takes its place, the others go below that one`() throws {
        var cluster = try cluster(region2(4))
        for count in 1...4 { _ = try cluster.route("edge2\(count)") }
        cluster.state.watchClosed(by: "edge21", boot: "boot1", at: cluster.now)
        let routes = try (2...4).map { try cluster.route("edge2\($0)", failed: ["edge21"]) }
        #expect(routes.map(\.parent.nodeId) == ["origin1", "edge22", "edge22"])
        #expect(routes.map(\.secondaryForGroup) == [true, false, false])
    }

    // MARK: Cuts

    @Test func `an edge that alone cannot reach the secondary goes through a sibling, and the secondary stays`() throws
    {
        var cluster = try cluster(region2(3))
        cluster.state.watchOpened(by: "edge21", boot: "boot1")
        for count in 1...3 { _ = try cluster.route("edge2\(count)") }
        let around = try cluster.route("edge23", failed: ["edge21"])
        #expect(around.parent.nodeId == "edge22" && around.tier == .peer && !around.secondaryForGroup)
        #expect(try cluster.route("edge21").secondaryForGroup)
    }

    @Test func `a secondary whose watch is at another control plane stays as long as its heartbeats come`() throws {
        var cluster = try cluster(region2(3))
        for count in 1...3 { _ = try cluster.route("edge2\(count)") }
        cluster.pass(.seconds(9))
        #expect(try cluster.route("edge23", failed: ["edge21"]).parent.nodeId == "edge22")
        cluster.pass(.seconds(3))
        #expect(try cluster.route("edge23", failed: ["edge21"]).secondaryForGroup)
    }

    @Test func `a secondary that two nodes complain of is replaced though its watch is open`() throws {
        var cluster = try cluster(region2(3))
        cluster.state.watchOpened(by: "edge21", boot: "boot1")
        for count in 1...3 { _ = try cluster.route("edge2\(count)") }
        _ = try cluster.route("edge23", failed: ["edge21"])
        #expect(try cluster.route("edge22", failed: ["edge21"]).secondaryForGroup)
    }

    @Test func `an edge that alone cannot reach the origin goes through a neighbour that did not have the stream`()
        throws
    {
        var cluster = try cluster([("edge11", "region1"), ("edge12", "region1"), ("edge21", "region2")])
        cluster.state.watchOpened(by: "origin1", boot: "boot1")
        let around = try cluster.route("edge11", failed: ["origin1"])
        #expect(around.parent.nodeId == "edge12" && around.tier == .peer)
        #expect(try cluster.route("edge12").parent.nodeId == "origin1")
    }

    @Test func `two that cannot reach the origin are not sent to each other`() throws {
        var cluster = try cluster([("edge11", "region1"), ("edge12", "region1")])
        cluster.state.watchOpened(by: "origin1", boot: "boot1")
        #expect(try cluster.route("edge11", failed: ["origin1"]).parent.nodeId == "edge12")
        #expect(kind { _ = try cluster.route("edge12", failed: ["origin1"]) } == .unavailable)
    }

    @Test func `a node that alone cannot reach the origin lets its children go, and pulls from one that can`() throws {
        var cluster = try cluster(region2(3))
        for node in ["origin1", "edge21"] { cluster.state.watchOpened(by: node, boot: "boot1") }
        for count in 1...3 { _ = try cluster.route("edge2\(count)") }
        #expect(kind { _ = try cluster.route("edge21", failed: ["origin1"]) } == .outOfReach)
        let heir = try cluster.route("edge22", failed: ["edge21"])
        let other = try cluster.route("edge23", failed: ["edge21"])
        let parents = [heir.parent.nodeId, other.parent.nodeId]
        #expect(parents == ["origin1", "edge22"] || parents == ["edge23", "origin1"])
        #expect(["edge22", "edge23"].contains(try cluster.route("edge21").parent.nodeId))
    }

    /// They would be sent to each other, and stay so when it is back.
    @Test func `nobody is sent through idle nodes because of an origin that may be dead`() throws {
        var cluster = try cluster([("edge11", "region1"), ("edge12", "region1"), ("edge21", "region2")])
        cluster.state.watchClosed(by: "origin1", boot: "boot1", at: cluster.now)
        #expect(kind { _ = try cluster.route("edge11", failed: ["origin1"]) } == .unavailable)
    }

    @Test func `children are not sent away because of an origin that may be dead`() throws {
        var cluster = try cluster(region2(2))
        for count in 1...2 { _ = try cluster.route("edge2\(count)") }
        cluster.state.watchClosed(by: "origin1", boot: "boot1", at: cluster.now)
        #expect(kind { _ = try cluster.route("edge21", failed: ["origin1"]) } == .unavailable)
    }

    // MARK: Another group

    @Test func `an operator's group outlives boots and registrations, until it is taken back`() throws {
        var cluster = try cluster(region2(1))
        try cluster.assign("edge21", toGroup: "region9")
        #expect(cluster.state.registered("edge21", revision: 1, at: cluster.now)?.group == "region9")
        try cluster.register("edge21", boot: "boot2", role: .edge, group: "region3")
        #expect(cluster.state.nodeResource("edge21", at: cluster.now)?.group == "region9")
        try cluster.assign("edge21", toGroup: nil)
        #expect(cluster.state.nodeChange("edge21", at: cluster.now)?.group == "region3")
        #expect(kind { try cluster.assign("nobody", toGroup: "x") } == .notFound)
    }

    @Test func `a secondary that is moved is replaced in its old group, and takes its place in the new one`() throws {
        var cluster = try cluster(region2(3) + [("edge31", "region3")])
        for edge in ["edge21", "edge22", "edge31"] { _ = try cluster.route(edge) }
        try cluster.assign("edge21", toGroup: "region3")
        #expect(try cluster.route("edge21").parent.nodeId == "edge31")
        let heir = try cluster.route("edge22")
        #expect(heir.parent.nodeId == "origin1" && heir.secondaryForGroup)
        #expect(try cluster.route("edge23").parent.nodeId == "edge22")
    }

    @Test func `a node's move is told to itself and to those who pull from it`() throws {
        var cluster = try cluster(region2(3))
        _ = cluster.state.announceNode("edge21", at: cluster.now)
        for count in 1...2 { _ = try cluster.route("edge2\(count)") }
        try cluster.beat("edge21", pulls: [cluster.pull(from: "origin1")])
        try cluster.assign("edge21", toGroup: "region3")
        let news = cluster.state.announceNode("edge21", at: cluster.now)
        #expect(news.map(\.nodes) == [["edge21", "edge22"]])
        guard case .node(let change) = news.first?.event else {
            Issue.record("no change of the node was announced")
            return
        }
        #expect(change.group == "region3")
    }

    @Test func `a pull that moved hangs below its new parent, and below the old one no more`() throws {
        var cluster = try cluster(region2(2))
        for edge in ["edge21", "edge22"] { _ = cluster.state.announceNode(edge, at: cluster.now) }
        try cluster.beat("edge21", pulls: [cluster.pull(from: "origin1")])
        try cluster.beat("edge22", pulls: [cluster.pull(from: "edge21")])
        try cluster.beat("edge22", pulls: [cluster.pull(from: "origin1")])
        try cluster.beat("edge21", pulls: [cluster.pull(from: "edge22")])
        for (moved, told) in [("edge21", ["edge21"]), ("edge22", ["edge21", "edge22"])] {
            try cluster.assign(moved, toGroup: "region3")
            #expect(cluster.state.announceNode(moved, at: cluster.now).map(\.nodes) == [Set(told)])
        }
    }

    @Test func `a new parent of a group is told to the nodes of all groups below it`() throws {
        var cluster = try cluster([("land1", "land"), ("city1", "city"), ("town1", "town")])
        try cluster.set(group: "town", GroupSettings(parent: "city"))
        for node in cluster.state.nodes.keys { _ = cluster.state.announceNode(node, at: cluster.now) }
        try cluster.set(group: "city", GroupSettings(parent: "land"))
        let told = cluster.state.announceMembers(below: "city", at: cluster.now).compactMap { news in
            if case .node(let change) = news.event { [change.nodeId] + (change.ancestors ?? []) } else { nil }
        }
        #expect(told == [["city1", "land"], ["town1", "city", "land"]])
        #expect(cluster.state.announceMembers(below: "city", at: cluster.now).isEmpty)
    }

    @Test func `a list of members puts those in the group and lets the others go back`() throws {
        var cluster = try cluster(region2(3))
        try cluster.assign("edge21", toGroup: "vip")
        let moves = try cluster.state.moves(to: "vip", of: ["edge22"])
        #expect(moves.map(\.nodeID) == ["edge22", "edge21"])
        #expect(moves.map(\.group) == ["vip", nil])
        #expect(try cluster.state.moves(to: "vip", of: nil).isEmpty)
        #expect(kind { _ = try cluster.state.moves(to: "vip", of: ["nobody"]) } == .unprocessable)
    }
}
