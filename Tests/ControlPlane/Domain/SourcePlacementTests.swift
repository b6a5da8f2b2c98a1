import ClusterModel
import Domain
import Testing
import Timebase

@Suite struct SourcePlacementTests {
    private func wish(_ mode: StreamSource.Mode) -> StreamSettingsChange {
        .all(StreamSettings(source: StreamSource(url: "rtmp://far/live/s", mode: mode)))
    }

    private func cluster(_ mode: StreamSource.Mode) throws -> Dialogue {
        var cluster = Dialogue()
        for node in ["origin1", "origin2"] { try cluster.register(node, role: .origin) }
        try cluster.register("edge1", role: .edge)
        _ = try cluster.settle(try cluster.state.decideChange(stream, wish(mode), ifMatch: .any))
        return cluster
    }

    @Test func `a stream that is always fetched is placed on an origin, which alone is told to fetch it`() throws {
        var cluster = try cluster(.always)
        try cluster.place()
        let node = try #require(cluster.placedOn)
        #expect(["origin1", "origin2"].contains(node))
        #expect(cluster.state.orders(for: node)?.first?.source?.url == "rtmp://far/live/s")
        for other in ["origin1", "origin2", "edge1"] where other != node {
            #expect(cluster.state.orders(for: other) == nil)
        }
        #expect(cluster.state.misplaced(at: cluster.now).isEmpty)
    }

    @Test func `when its node has died another one is told`() throws {
        var cluster = try cluster(.always)
        try cluster.place()
        let first = try #require(cluster.placedOn)
        let other = first == "origin1" ? "origin2" : "origin1"
        _ = try cluster.claim(first)
        cluster.pass(.seconds(21))
        try cluster.beat(other)
        try cluster.place()
        #expect(cluster.placedOn == other)
    }

    @Test func `a new boot of its node is another node`() throws {
        var cluster = try cluster(.always)
        try cluster.place()
        let node = try #require(cluster.placedOn)
        try cluster.register(node, boot: "boot2", role: .origin)
        #expect(cluster.state.orders(for: node)?.first?.source == nil)
        #expect(cluster.state.misplaced(at: cluster.now) == [stream])
    }

    @Test func `a stream on demand is placed when somebody asks, and not before`() throws {
        var cluster = try cluster(.onDemand)
        try cluster.place()
        #expect(cluster.placedOn == nil)
        #expect(throws: Problem.self) { try cluster.route("edge1") }
        try cluster.place()
        #expect(cluster.placedOn != nil)
    }

    @Test func `players of a stream that is being fetched are told to ask again, not that it is unknown`() throws {
        var cluster = try cluster(.onDemand)
        do {
            _ = try cluster.route("edge1")
            Issue.record("there is nothing to route to")
        } catch let problem as Problem { #expect(problem.kind == .unavailable) }
    }

    @Test func `when its node gives it up for lack of viewers, it waits for the next one to ask`() throws {
        var cluster = try cluster(.onDemand)
        _ = try? cluster.route("edge1")
        try cluster.place()
        let node = try #require(cluster.placedOn)
        cluster.pass(.seconds(1))
        let epoch = try cluster.claim(node).epoch
        cluster.pass(.seconds(1))
        try cluster.release(node, epoch: epoch)
        try cluster.place()
        #expect(cluster.placedOn == nil)
        cluster.pass(.seconds(1))
        _ = try? cluster.route("edge1")
        try cluster.place()
        #expect(cluster.placedOn != nil)
    }

    @Test func `a placement that never led to a stream is dropped when nobody asks any more`() throws {
        var cluster = try cluster(.onDemand)
        _ = try? cluster.route("edge1")
        try cluster.place()
        for _ in 0..<7 {
            cluster.pass(.seconds(5))
            for node in ["origin1", "origin2", "edge1"] { try cluster.beat(node) }
        }
        try cluster.place()
        #expect(cluster.placedOn == nil)
    }

    @Test func `who publishes the stream himself is left alone`() throws {
        var cluster = try cluster(.always)
        _ = try cluster.claim("origin1")
        try cluster.place()
        #expect(cluster.placedOn == nil)
    }

    @Test func `another URL is another placement`() throws {
        var cluster = try cluster(.always)
        try cluster.place()
        let other = StreamSettings(source: StreamSource(url: "srt://far:1", mode: .always))
        _ = try cluster.settle(try cluster.state.decideChange(stream, .all(other), ifMatch: .any))
        #expect(cluster.placedOn == nil)
    }

    @Test func `the owner of a stream is told what else is wanted of it, with its claim and after it`() throws {
        var cluster = Dialogue()
        try cluster.register("origin1", role: .origin)
        _ = try cluster.settle(try cluster.state.decideChange(stream, .recording(true), ifMatch: .any))
        #expect(cluster.state.orders(for: "origin1") == nil)
        #expect(try cluster.claim("origin1").order?.recording == true)
        let before = cluster.state.streams[stream]?.body
        let push = Restream(id: "a", url: "rtmp://far/live/key")
        _ = try cluster.settle(try cluster.state.decideChange(stream, .addRestream(push), ifMatch: .any))
        #expect(cluster.state.orders(for: "origin1")?.first?.restreams == [push])
        #expect(cluster.state.reordered(before, cluster.state.streams[stream]?.body) == ["origin1"])
        _ = try cluster.settle(try cluster.state.decideForget(stream, ifMatch: .any, at: cluster.now))
        #expect(cluster.state.orders(for: "origin1") == nil)
        #expect(cluster.status == .broadcasting)
    }

    @Test(arguments: [
        StreamSettings(restreams: [Restream(id: "a", url: "http://far/")]),
        StreamSettings(restreams: [Restream(id: "a b", url: "rtmp://far/live/s")]),
        StreamSettings(restreams: [Restream(id: "a", url: "srt://f:1"), Restream(id: "a", url: "srt://f:2")]),
        StreamSettings(source: StreamSource(url: "file:///etc/passwd", mode: .always)),
        StreamSettings(source: StreamSource(url: "rtmp://far/a b", mode: .always)),
        StreamSettings(source: StreamSource(url: "rtmp://far", mode: .always)),
        StreamSettings(source: StreamSource(url: "srt://far", mode: .always)),
        StreamSettings(restreams: [Restream(id: "a", url: "rtmp://far/live")]),
        StreamSettings(restreams: [Restream(id: "a", url: "srt://far:1?streamid=a&tlpktdrop=1")]),
        StreamSettings(source: StreamSource(url: "srt://far:1?latency=120000", mode: .always)),
    ])
    func `what cannot be is refused`(settings: StreamSettings) {
        #expect(throws: Problem.self) { try ClusterState().decideChange(stream, .all(settings), ifMatch: .any) }
    }

    @Test(arguments: [
        ("rtmp://far/live/key?token=t", "rtmp://far/live/…?…"),
        ("rtmps://u:p@far:443/a/b/key", "rtmps://far:443/a/b/…"),
        ("srt://far:4200?passphrase=p", "srt://far:4200?…"), ("https://u:p@far/a.m3u8", "https://far/a.m3u8"),
    ])
    func `secrets of a URL are not shown`(url: String, shown: String) {
        #expect(OutsideURL.shown(url) == shown)
    }
}

extension Dialogue {
    fileprivate mutating func place() throws {
        for stream in state.misplaced(at: now) {
            _ = try settle(try state.decidePlacement(stream, at: now, using: &random))
        }
    }

    fileprivate var placedOn: String? { state.streams[stream]?.body.placement?.nodeId }
}
