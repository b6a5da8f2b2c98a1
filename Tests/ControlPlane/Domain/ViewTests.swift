import ClusterModel
import Domain
import Testing
import Timebase

@Suite struct ViewTests {
    private func report(rtmp: Int = 0, fetches: [(UInt64, Int)] = []) -> StreamReport {
        var viewers = ViewerCounts()
        viewers.rtmp = rtmp
        return StreamReport(
            app: stream.app,
            id: stream.id,
            epoch: 1,
            viewers: viewers,
            segmentFetches: fetches.map { SegmentFetches(sequence: $0.0, hls: $0.1, dash: 0) }
        )
    }

    @Test func `connections are summed over live nodes, HLS is the median of the last three segments' sums`() throws {
        var cluster = Dialogue()
        for edge in ["edge1", "edge2", "gone"] { try cluster.register(edge) }
        try cluster.beat("gone", streams: [report(rtmp: 100)])
        cluster.pass(.seconds(21))
        try cluster.beat("edge1", streams: [report(rtmp: 3, fetches: [(1, 90), (2, 10), (3, 20), (4, 1)])])
        try cluster.beat("edge2", streams: [report(rtmp: 4, fetches: [(2, 5), (3, 5)])])
        let counts = cluster.state.viewers(of: stream, at: cluster.now)
        #expect(counts.rtmp == 7 && counts.hls == 15 && counts.total == 22)
    }

    @Test func `a count is never negative and never doubled by a repeated heartbeat`() throws {
        var cluster = Dialogue()
        try cluster.register("edge1")
        try cluster.beat("edge1", streams: [report(rtmp: -5, fetches: [(1, -3)])])
        #expect(cluster.state.viewers(of: stream, at: cluster.now) == ViewerCounts())
        for _ in 0..<3 { try cluster.beat("edge1", streams: [report(rtmp: 2)]) }
        #expect(cluster.state.viewers(of: stream, at: cluster.now).total == 2)
        try cluster.beat("edge1")
        #expect(cluster.state.viewers(of: stream, at: cluster.now).total == 0)
    }

    @Test func `the relay tree is what heartbeats say`() throws {
        var cluster = Dialogue()
        try cluster.register("edge21", group: "region2")
        try cluster.register("edge22", group: "region2")
        try cluster.beat("edge21", pulls: [cluster.pull(from: "origin1")])
        try cluster.beat("edge22", pulls: [cluster.pull(from: "edge21")])
        #expect(
            cluster.state.relayTree(of: stream, at: cluster.now) == [
                .init(nodeId: "edge21", from: "origin1", group: "region2"),
                .init(nodeId: "edge22", from: "edge21", group: "region2"),
            ]
        )
    }

    @Test func `a node that watches again is told how those are that it pulls from`() throws {
        var cluster = Dialogue()
        for node in ["origin1", "origin2", "edge1"] { try cluster.register(node) }
        let grant = try cluster.claim("origin1")
        let parent = { (cluster: Dialogue) in
            cluster.state.snapshot(for: "edge1", at: cluster.now).parents?.map { "\($0.nodeId) \($0.state)" }
        }
        #expect(parent(cluster) == [])
        _ = try cluster.route("edge1")
        #expect(parent(cluster) == ["origin1 alive"])
        try cluster.beat("edge1", pulls: [cluster.pull(from: "origin1", epoch: grant.epoch)])
        let drain = DrainRequest(deadline: 300)
        _ = try cluster.settle(try cluster.state.decideDrain("origin1", drain, at: cluster.now))
        #expect(parent(cluster) == ["origin1 draining"])
    }

    @Test func `who watches is told of what it carries, asked for, owns or helps with, and of nothing else`() throws {
        var cluster = Dialogue()
        for (node, group) in [("origin1", "g1"), ("carrier", "g2"), ("secondary", "g3"), ("other", "g4")] {
            try cluster.register(node, group: group)
        }
        _ = try cluster.claim("origin1")
        _ = try cluster.route("secondary")
        let concerned = { (cluster: Dialogue) in
            cluster.state.nodes.keys.sorted().filter {
                !cluster.state.snapshot(for: $0, at: cluster.now).streams.isEmpty
            }
        }
        try cluster.beat("carrier", streams: [report()])
        #expect(concerned(cluster) == ["carrier", "origin1", "secondary"])
        try cluster.beat("carrier")
        #expect(concerned(cluster) == ["origin1", "secondary"])
    }

    @Test func `who asked for a stream is told of it for a minute after it asked last`() throws {
        var cluster = Dialogue()
        for node in ["origin1", "edge1"] { try cluster.register(node) }
        var told: [Bool] = []
        _ = try cluster.claim("origin1")
        for second in stride(from: 0, to: 120, by: 10) {
            try cluster.beat("origin1", holds: [cluster.hold(1)])
            try cluster.beat("edge1")
            if second == 0 || second == 30 { _ = try cluster.route("edge1") }
            try cluster.sweep()
            told.append(!cluster.state.snapshot(for: "edge1", at: cluster.now).streams.isEmpty)
            cluster.pass(.seconds(10))
        }
        #expect(told.prefix(9).allSatisfy { $0 } && told.dropFirst(9).allSatisfy { !$0 }, "\(told)")
    }

    @Test func `nodes and streams are counted by what watchers were told of them last`() throws {
        var cluster = Dialogue()
        for node in ["origin1", "edge1"] { try cluster.register(node) }
        _ = try cluster.claim("origin1")
        _ = cluster.state.announceTimeouts(at: cluster.now)
        #expect(cluster.state.nodeCounts == [.alive: 2] && cluster.state.streamCounts == [.broadcasting: 1])
        cluster.pass(.seconds(21))
        try cluster.beat("edge1")
        _ = cluster.state.announceTimeouts(at: cluster.now)
        #expect(cluster.state.nodeCounts[.alive] == 1 && cluster.state.nodeCounts[.dead] == 1)
        #expect(cluster.state.streamCounts[.broadcasting] == 0 && cluster.state.streamCounts[.interrupted] == 1)
        cluster.state.applyDeletion(of: .node, key: "origin1", at: cluster.now)
        cluster.state.applyDeletion(of: .stream, key: stream.recordKey, at: cluster.now)
        _ = cluster.state.announceNode("origin1", at: cluster.now)
        #expect(cluster.state.nodeCounts.values.reduce(0, +) == 1)
        #expect(cluster.state.streamCounts.values.reduce(0, +) == 0)
    }

    @Test func `a change of owner concerns the old owner, the new one and those who asked for the stream`() throws {
        var cluster = Dialogue()
        for node in ["origin1", "origin2", "edge1", "edge2"] { try cluster.register(node) }
        let old = try cluster.claim("origin1")
        _ = cluster.state.announce(stream, at: cluster.now)
        _ = try cluster.route("edge1")
        let former = try #require(cluster.state.streams[stream]?.body.owner)
        cluster.pass(.milliseconds(20_001))
        try cluster.beat("origin2")
        let new = try cluster.claim("origin2")
        let news = cluster.state.announce(stream, formerOwner: former, formerEpoch: old.epoch, at: cluster.now)
        let change = WatchEvent.StreamChange(
            app: "live",
            id: "s1",
            epoch: new.epoch,
            status: .broadcasting,
            originNodeId: "origin2"
        )
        let loss = LostHold(app: "live", id: "s1", epoch: new.epoch, by: "origin2")
        #expect(
            news == [
                Announcement(event: .stream(change), nodes: ["origin1", "origin2", "edge1"]),
                Announcement(event: .lost(loss), nodes: ["origin1"]),
            ]
        )
        #expect(cluster.state.announce(stream, at: cluster.now) == [])
    }

    @Test(arguments: [1, 2, 3, 7, 100])
    func `pages put together are the sorted list`(limit: Int) {
        let names = (0..<50).map { "n\($0 * 37 % 50)" }
        var listed: [String] = []
        var cursor: String?
        repeat {
            let page = Paging.page(of: names, name: { $0 }, after: cursor, limit: limit) { $0 != "n7" }
            #expect(page.keys.count <= limit)
            listed += page.keys
            cursor = page.next
        } while cursor != nil
        #expect(listed == names.filter { $0 != "n7" }.sorted())
    }
}
