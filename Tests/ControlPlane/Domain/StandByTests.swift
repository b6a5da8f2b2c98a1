import ClusterModel
import Domain
import Testing
import Timebase

/// A second publisher that comes to another node, in an app whose second publishers stand by.
@Suite struct StandByTests {
    private let next = StreamPosition(sequence: 12, discontinuity: 1, mediaTime: 24)

    /// Three origins, the first owning the stream and connected to its watch.
    private func owned() throws -> (Dialogue, ClaimGrant) {
        var cluster = Dialogue()
        var settings = AppSettings()
        settings.secondPublisher = .standBy
        _ = try cluster.settle(try cluster.state.decidePut(app: stream.app, settings, ifMatch: .any))
        for node in ["origin1", "origin2", "origin3"] { try cluster.register(node, role: .origin) }
        let grant = try cluster.claim("origin1")
        for node in ["origin1", "origin2", "origin3"] { cluster.state.watchOpened(by: node, boot: "boot1") }
        return (cluster, grant)
    }

    private func standBy(_ cluster: inout Dialogue, _ node: String, claim: String = "claim2") throws -> ClaimGrant? {
        let answer = try cluster.settle(try cluster.decideClaim(node, claim: claim))
        guard case .standsBy(let told) = answer else { return nil }
        return told
    }

    @Test func `one stands by, is told for whom, and asks again without another write`() throws {
        var (cluster, grant) = try owned()
        let told = try #require(try standBy(&cluster, "origin2"))
        #expect(told.standsByFor == "origin1" && told.epoch == grant.epoch && told.resume == nil)
        #expect(try cluster.decideClaim("origin2", claim: "claim2") == .answer(.standsBy(told)))
        #expect(cluster.owner == "origin1" && cluster.status == .broadcasting)
        let change = try #require(cluster.state.streamChange(stream, at: cluster.now))
        #expect(change.originNodeId == "origin1" && change.standbyNodeId == "origin2")
    }

    @Test func `only one stands by, until it leaves or is gone`() throws {
        var (cluster, _) = try owned()
        _ = try standBy(&cluster, "origin2")
        #expect(kind { _ = try standBy(&cluster, "origin3", claim: "claim3") } == .streamInUse)
        let left = ReleaseRequest(nodeId: "origin2", bootId: "boot1", claimId: "claim2", reason: .draining)
        #expect(try cluster.settle(try cluster.state.decideRelease(stream, left, at: cluster.now)))
        #expect(cluster.owner == "origin1" && cluster.state.streamChange(stream, at: cluster.now)?.standbyNodeId == nil)
        #expect(try standBy(&cluster, "origin3", claim: "claim3") != nil)
        try cluster.register("origin3", boot: "boot2", role: .origin)
        #expect(cluster.state.streamChange(stream, at: cluster.now)?.standbyNodeId == nil)
        #expect(try standBy(&cluster, "origin2") != nil)
    }

    /// Else the owner ends a publisher that fell silent, for one that is not there.
    @Test(arguments: [true, false])
    func `an owner is told that the node of its backup died`(closesItsWatch: Bool) throws {
        var (cluster, grant) = try owned()
        _ = try standBy(&cluster, "origin2")
        let hold = Hold(app: stream.app, id: stream.id, epoch: grant.epoch)
        _ = cluster.state.announceTimeouts(at: cluster.now)
        _ = cluster.state.sweep(at: cluster.now)
        if closesItsWatch {
            cluster.state.watchClosed(by: "origin2", boot: "boot1", at: cluster.now)
        } else {
            cluster.pass(.seconds(15))
            for node in ["origin1", "origin3"] { try cluster.beat(node, holds: node == "origin1" ? [hold] : []) }
        }
        var told: [WatchEvent.StreamChange] = []
        for _ in 0..<30 {
            cluster.pass(.milliseconds(250))
            for announcement in cluster.state.announceTimeouts(at: cluster.now) {
                guard case .stream(let change) = announcement.event else { continue }
                #expect(announcement.nodes?.contains("origin1") == true)
                told.append(change)
            }
            #expect(cluster.state.sweep(at: cluster.now).isEmpty)
        }
        #expect(told.map(\.standbyNodeId) == [nil] && told.first?.originNodeId == "origin1", "\(told)")
    }

    @Test func `both nodes hear of it, and the other hears of the owner's end`() throws {
        var (cluster, _) = try owned()
        _ = cluster.state.announce(stream, at: cluster.now)
        _ = try standBy(&cluster, "origin2")
        #expect(cluster.state.announce(stream, at: cluster.now).map(\.nodes) == [["origin1", "origin2"]])
        cluster.state.watchClosed(by: "origin1", boot: "boot1", at: cluster.now)
        cluster.pass(.milliseconds(301))
        let news = cluster.state.announceTimeouts(at: cluster.now)
        let told = news.contains { announcement in
            guard case .stream(let change) = announcement.event else { return false }
            return change.originNodeId == nil && announcement.nodes?.contains("origin2") == true
        }
        #expect(told)
    }

    @Test func `what the owner gives up goes on with one that stood by, under a higher epoch`() throws {
        var (cluster, old) = try owned()
        _ = try standBy(&cluster, "origin2")
        try cluster.release("origin1", epoch: old.epoch, .draining, next: next)
        let new = try cluster.claim("origin2", claim: "claim2")
        #expect(new.epoch > old.epoch && new.standsByFor == nil && new.resume != nil)
        #expect(new.resume.map { $0.sequence >= next.sequence && $0.mediaTime >= next.mediaTime } == true)
        #expect(cluster.state.streams[stream]?.body.standby == nil)
        // The first publisher comes back, and it is its turn to wait.
        #expect(try standBy(&cluster, "origin1", claim: "claim4")?.standsByFor == "origin2")
    }

    @Test func `an owner that dies leaves the stream to one that stood by`() throws {
        var (cluster, old) = try owned()
        _ = try standBy(&cluster, "origin2")
        cluster.state.watchClosed(by: "origin1", boot: "boot1", at: cluster.now)
        cluster.pass(.milliseconds(301))
        #expect(try cluster.claim("origin2", claim: "claim2").epoch > old.epoch)
        #expect(cluster.owner == "origin2")
    }

    @Test func `a third node that was faster to a free stream has the same one stand by for it`() throws {
        var (cluster, old) = try owned()
        _ = try standBy(&cluster, "origin2")
        try cluster.release("origin1", epoch: old.epoch, .draining)
        try cluster.claim("origin3", claim: "claim3")
        #expect(try standBy(&cluster, "origin2")?.standsByFor == "origin3")
    }

    @Test func `who cannot wait any longer for a doubted owner stands by for it`() throws {
        var (cluster, _) = try owned()
        cluster.state.probed("origin1", answered: false, at: cluster.now)
        let request = cluster.claimRequest("origin2", claim: "claim2")
        guard case .answer(.held) = try cluster.state.decideClaim(stream, request, at: cluster.now) else {
            Issue.record("the owner is not doubted")
            return
        }
        let last = try cluster.state.decideClaim(stream, request, mayHold: false, at: cluster.now)
        guard case .standsBy = try cluster.settle(last) else {
            Issue.record("\(last)")
            return
        }
    }
}
