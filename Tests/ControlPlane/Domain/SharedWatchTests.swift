import ClusterModel
import Domain
import Testing
import Timebase

/// Two control planes on one store; each has the watches of some nodes only.
@Suite struct SharedWatchTests {
    private var here = Dialogue()
    private var there = Dialogue()

    /// Both origins registered, the first owns the stream; its watch is `here`.
    init() throws {
        for node in ["origin1", "origin2"] {
            try here.register(node, role: .origin)
            try there.register(node, role: .origin)
        }
        try write { try $0.state.decideClaim(stream, $0.claimRequest("origin1"), at: $0.now) }
        here.state.watchOpened(by: "origin1", boot: "boot1")
        there.state.watchOpened(by: "origin2", boot: "boot1")
    }

    private mutating func write(_ decide: (Dialogue) throws -> Decision<ClaimAnswer>) throws {
        guard case .write(let write, _) = try decide(here) else { return }
        try here.apply(write)
        try there.apply(write)
    }

    private mutating func pass(_ duration: Duration) throws {
        here.pass(duration)
        there.pass(duration)
        for write in here.state.sweep(at: here.now, sharesStore: true)
            + there.state.sweep(at: there.now, sharesStore: true)
        {
            try here.apply(write)
            try there.apply(write)
        }
    }

    @Test func `an owner whose watch closed here is gone there as soon, when somebody claims the stream`() throws {
        var test = self
        guard case .answer(.held) = try test.there.decideClaim("origin2") else {
            Issue.record("without a watch it is not known whether the owner lives")
            return
        }
        test.here.state.watchClosed(by: "origin1", boot: "boot1", at: test.here.now)
        try test.pass(.milliseconds(100))
        #expect(test.there.state.nodes["origin1"]?.body.watchClosedAt != nil)
        #expect(test.there.owner == "origin1")
        try test.pass(.milliseconds(250))
        #expect(try test.there.claim("origin2").nodeId == "origin2")
    }

    @Test func `an owner that went with its watch from here to there is not gone for anybody`() throws {
        var test = self
        test.here.state.watchClosed(by: "origin1", boot: "boot1", at: test.here.now)
        try test.pass(.milliseconds(100))
        test.there.state.watchOpened(by: "origin1", boot: "boot1")
        try test.pass(.milliseconds(100))
        #expect(test.there.state.nodes["origin1"]?.body.watchClosedAt == nil)
        try test.pass(.seconds(1))
        #expect(kind { _ = try test.there.decideClaim("origin2") } == .streamInUse)
    }

    /// What closed was told after it had gone on there.
    @Test func `late news of a closed watch is taken back where the watch is open`() throws {
        var test = self
        test.there.state.watchOpened(by: "origin1", boot: "boot1")
        test.here.state.watchClosed(by: "origin1", boot: "boot1", at: test.here.now)
        for _ in 0..<2 { try test.pass(.milliseconds(250)) }
        #expect(test.here.state.nodes["origin1"]?.body.watchClosedAt == nil)
    }

    @Test func `a heartbeat says more than a watch that closed before it`() throws {
        var test = self
        test.here.state.watchClosed(by: "origin1", boot: "boot1", at: test.here.now)
        try test.pass(.milliseconds(100))
        let hold = Hold(app: stream.app, id: stream.id, epoch: test.there.state.streams[stream]?.body.epoch ?? 0)
        try test.there.beat("origin1", holds: [hold])
        try test.pass(.seconds(1))
        #expect(test.there.status == .broadcasting)
        guard case .answer(.held) = try test.there.decideClaim("origin2") else {
            Issue.record("it beats: it is not gone")
            return
        }
    }
}
