import ClusterModel
import Domain
import Testing
import Timebase

@Suite struct ClaimTests {
    /// Two origins, the first owning the stream and connected to its watch.
    private func owned() throws -> (Dialogue, ClaimGrant) {
        var cluster = Dialogue()
        try cluster.register("origin1", role: .origin)
        try cluster.register("origin2", role: .origin)
        let grant = try cluster.claim("origin1")
        cluster.state.watchOpened(by: "origin1", boot: "boot1")
        return (cluster, grant)
    }

    @Test func `the first epoch is the store's time in milliseconds`() throws {
        let (cluster, grant) = try owned()
        #expect(grant.epoch == cluster.now.milliseconds)
        #expect(grant.resume == nil && grant.leaseSeconds == 20)
    }

    @Test func `an epoch grows even when the store's clock was set back`() throws {
        var (cluster, grant) = try owned()
        try cluster.release("origin1", epoch: grant.epoch)
        cluster.now = WallTime(milliseconds: grant.epoch - 1000)
        try cluster.beat("origin2")
        #expect(try cluster.claim("origin2").epoch == grant.epoch + 1)
    }

    @Test func `a repeated claim is the same claim`() throws {
        var (cluster, grant) = try owned()
        cluster.pass(.seconds(3))
        #expect(try cluster.decideClaim("origin1") == .answer(.granted(grant)))
    }

    @Test func `the same boot and epoch after an outage is granted unchanged`() throws {
        let (cluster, grant) = try owned()
        let request = cluster.claimRequest("origin1", claim: "another", epoch: grant.epoch)
        #expect(try cluster.state.decideClaim(stream, request, at: cluster.now) == .answer(.granted(grant)))
    }

    @Test func `of two claims that race from one revision the second decides again and meets the winner`() throws {
        var cluster = Dialogue()
        try cluster.register("origin1")
        try cluster.register("origin2")
        let first = try cluster.decideClaim("origin1")
        let second = try cluster.decideClaim("origin2")
        guard case .write(let winner, _) = first, case .write(let loser, _) = second else {
            Issue.record("both must try to write")
            return
        }
        #expect(winner.expected == loser.expected)
        try cluster.apply(winner)
        cluster.state.watchOpened(by: "origin1", boot: "boot1")
        #expect(kind { _ = try cluster.decideClaim("origin2") } == .streamInUse)
    }

    @Test func `an owner that no longer names its hold has none: its release was lost`() throws {
        var (cluster, grant) = try owned()
        try cluster.beat(
            "origin1",
            holds: [cluster.hold(grant.epoch, next: StreamPosition(sequence: 0, discontinuity: 0, mediaTime: 0))]
        )
        cluster.pass(.seconds(5))
        try cluster.beat("origin1")
        #expect(kind { _ = try cluster.decideClaim("origin2") } == .streamInUse)
        cluster.pass(.seconds(5))
        try cluster.beat("origin1")
        #expect(cluster.status == .interrupted)
        #expect(try cluster.claim("origin2").epoch > grant.epoch)
    }

    @Test func `an owner that never names its hold never heard of the grant`() throws {
        var (cluster, grant) = try owned()
        for _ in 0..<3 {
            cluster.pass(.seconds(5))
            try cluster.beat("origin1")
            #expect(kind { _ = try cluster.decideClaim("origin2") } == .streamInUse)
        }
        cluster.pass(.seconds(5))
        try cluster.beat("origin1")
        #expect(cluster.status == .finished)
        #expect(try cluster.claim("origin2").epoch > grant.epoch)
    }

    @Test func `a hold is ended by the claim that made it, and by no other claim`() throws {
        var (cluster, _) = try owned()
        func release(_ claim: String) throws -> Decision<Bool> {
            let request = ReleaseRequest(nodeId: "origin1", bootId: "boot1", claimId: claim, reason: .draining)
            return try cluster.state.decideRelease(stream, request, at: cluster.now)
        }
        #expect(kind { _ = try release("claim0") } == .conflict)
        guard case .write(let write, _) = try release("claim1") else {
            Issue.record("the claim has a hold")
            return
        }
        try cluster.apply(write)
        #expect(cluster.owner == nil && cluster.status == .interrupted)
    }

    @Test func `an owner that names its hold late has it`() throws {
        var (cluster, grant) = try owned()
        for turn in 0..<6 {
            cluster.pass(.seconds(5))
            try cluster.beat("origin1", holds: turn == 3 ? [cluster.hold(grant.epoch, next: nil)] : [])
        }
        #expect(kind { _ = try cluster.decideClaim("origin2") } == .streamInUse)
    }

    @Test func `a living owner gives way while its publisher is away, and only then`() throws {
        var (cluster, grant) = try owned()
        let next = StreamPosition(sequence: 40, discontinuity: 0, mediaTime: 80)
        func beat(isBroadcasting: Bool) throws {
            let report = cluster.report(grant.epoch, isBroadcasting: isBroadcasting)
            try cluster.beat("origin1", holds: [cluster.hold(grant.epoch, next: next)], streams: [report])
        }
        try beat(isBroadcasting: false)
        let away = cluster
        try beat(isBroadcasting: true)
        #expect(kind { _ = try cluster.decideClaim("origin2") } == .streamInUse)
        cluster = away
        let second = try cluster.claim("origin2")
        #expect(second.epoch > grant.epoch && cluster.owner == "origin2" && cluster.status == .broadcasting)
        #expect(try #require(second.resume).sequence > next.sequence)
    }

    @Test func `an owner that is connected and heard of in time is alive at once`() throws {
        let (cluster, _) = try owned()
        #expect(kind { _ = try cluster.decideClaim("origin2") } == .streamInUse)
    }

    @Test func `a watch closed for more than 300 ms shows that the owner is gone`() throws {
        var (cluster, grant) = try owned()
        cluster.pass(.seconds(1))
        cluster.state.watchClosed(by: "origin1", boot: "boot1", at: cluster.now)
        cluster.pass(.milliseconds(300))
        guard case .answer(.held(let held)) = try cluster.decideClaim("origin2") else {
            Issue.record("300 ms are not more than 300 ms")
            return
        }
        #expect(held.recheckAt == cluster.now + .milliseconds(1))
        cluster.pass(.milliseconds(1))
        #expect(try cluster.claim("origin2").epoch > grant.epoch)
        #expect(cluster.owner == "origin2")
    }

    @Test func `a watch that came back, or a heartbeat after it closed, shows that the owner lives`() throws {
        for comesBack in [true, false] {
            var (cluster, _) = try owned()
            cluster.state.watchClosed(by: "origin1", boot: "boot1", at: cluster.now)
            cluster.pass(.seconds(1))
            try cluster.beat("origin1")
            if comesBack { cluster.state.watchOpened(by: "origin1", boot: "boot1") }
            cluster.state.probed("origin1", answered: true, at: cluster.now)
            #expect(kind { _ = try cluster.decideClaim("origin2") } == .streamInUse)
        }
    }

    @Test func `the watch of another boot says nothing`() throws {
        var (cluster, _) = try owned()
        cluster.state.watchClosed(by: "origin1", boot: "boot0", at: cluster.now)
        cluster.pass(.seconds(1))
        #expect(kind { _ = try cluster.decideClaim("origin2") } == .streamInUse)
    }

    @Test(arguments: [(5_900, false), (6_100, true)])
    func `a refusing relay port counts only once a heartbeat is missed`(elapsed: Int64, isGone: Bool) throws {
        var (cluster, _) = try owned()
        cluster.pass(.milliseconds(elapsed))
        cluster.state.probed("origin1", answered: false, at: cluster.now)
        let answer = try cluster.settle(try cluster.decideClaim("origin2"))
        if case .granted = answer { #expect(isGone) } else { #expect(!isGone) }
    }

    @Test func `a missed heartbeat alone asks for the relay port and holds the call`() throws {
        var (cluster, _) = try owned()
        cluster.pass(.seconds(7))
        guard case .answer(.held(let held)) = try cluster.decideClaim("origin2") else {
            Issue.record("nothing is proven yet")
            return
        }
        #expect(held.probe && held.owner == "origin1")
    }

    @Test func `a relay port is not asked twice within a second`() throws {
        var (cluster, _) = try owned()
        cluster.pass(.seconds(7))
        cluster.state.probed("origin1", answered: true, at: cluster.now)
        guard case .answer(.held(let held)) = try cluster.decideClaim("origin2") else {
            Issue.record("a relay port that answers does not excuse a missed heartbeat, nor condemn")
            return
        }
        #expect(!held.probe && held.recheckAt == cluster.now + .seconds(1))
    }

    @Test func `a lease that ended frees the stream`() throws {
        var (cluster, grant) = try owned()
        cluster.pass(.milliseconds(20_001))
        try cluster.beat("origin2")
        #expect(try cluster.claim("origin2").epoch > grant.epoch)
    }

    @Test func `no lease is judged ended until 20 s after the store answered again`() throws {
        var (cluster, _) = try owned()
        cluster.pass(.seconds(300))
        cluster.state.beginRecovery(at: cluster.now)
        cluster.pass(.milliseconds(19_999))
        try cluster.beat("origin2")
        #expect(throws: Held.self) { try cluster.claim("origin2") }
        cluster.pass(.milliseconds(1))
        try cluster.claim("origin2")
    }

    @Test func `a newer boot frees what the older one owned, also during recovery`() throws {
        var (cluster, grant) = try owned()
        cluster.state.beginRecovery(at: cluster.now)
        try cluster.register("origin1", boot: "boot2", role: .origin)
        #expect(cluster.status == .interrupted && cluster.owner == nil)
        #expect(try cluster.claim("origin1", boot: "boot2", claim: "claim2").epoch > grant.epoch)
        #expect(kind { _ = try cluster.decideClaim("origin1", boot: "boot1") } == .superseded)
    }

    @Test func `edges, unknown nodes and superseded boots are refused`() throws {
        var cluster = Dialogue()
        try cluster.register("edge1", role: .edge)
        #expect(kind { _ = try cluster.decideClaim("edge1") } == .conflict)
        #expect(kind { _ = try cluster.decideClaim("nobody") } == .notFound)
        #expect(kind { _ = try cluster.decideClaim("edge1", boot: "old") } == .superseded)
    }
}
