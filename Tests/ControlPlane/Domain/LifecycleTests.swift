import ClusterModel
import Domain
import Testing
import Timebase

@Suite struct LifecycleTests {
    private func owned() throws -> (Dialogue, ClaimGrant) {
        var cluster = Dialogue()
        try cluster.register("origin1")
        let grant = try cluster.claim("origin1")
        return (cluster, grant)
    }

    @Test func `a clean unpublish finishes the stream at once; it can be read for 60 s`() throws {
        var (cluster, grant) = try owned()
        #expect(cluster.status == .broadcasting)
        try cluster.release("origin1", epoch: grant.epoch)
        #expect(cluster.status == .finished && cluster.owner == nil)
        cluster.pass(.milliseconds(59_999))
        #expect(cluster.status == .finished)
        cluster.pass(.milliseconds(1))
        #expect(cluster.status == nil)
        try cluster.sweep()
        #expect(cluster.state.streams.isEmpty)
    }

    @Test func `a publisher that is away makes the stream interrupted, and it comes back`() throws {
        var (cluster, grant) = try owned()
        for (isBroadcasting, status) in [(false, StreamStatus.interrupted), (true, .broadcasting)] {
            let report = cluster.report(grant.epoch, isBroadcasting: isBroadcasting)
            try cluster.beat("origin1", holds: [cluster.hold(grant.epoch)], streams: [report])
            #expect(cluster.status == status)
            #expect(cluster.owner == "origin1")
        }
    }

    @Test func `nothing stays broadcasting without an owner`() throws {
        var (cluster, _) = try owned()
        cluster.pass(.milliseconds(20_001))
        #expect(cluster.status == .interrupted && cluster.owner == nil)
        cluster.pass(.seconds(15))
        #expect(cluster.status == .finished)
        try cluster.sweep()
        #expect(cluster.state.streams[stream]?.body.owner == nil)
        cluster.pass(.seconds(60))
        try cluster.sweep()
        #expect(cluster.state.streams.isEmpty)
    }

    @Test func `the grace is the app's own`() throws {
        var (cluster, grant) = try owned()
        var settings = AppSettings()
        settings.publisherGrace = 3
        _ = try cluster.settle(try cluster.state.decidePut(app: "live", settings, ifMatch: .any))
        try cluster.release("origin1", epoch: grant.epoch, .draining)
        cluster.pass(.milliseconds(2_999))
        #expect(cluster.status == .interrupted)
        cluster.pass(.milliseconds(1))
        #expect(cluster.status == .finished)
    }

    @Test(arguments: [(14, StreamStatus.interrupted), (15, .finished)])
    func `a grace that the store's outage falls into begins anew with its end; one that was over stays over`(
        secondsBefore: Int,
        status: StreamStatus
    ) throws {
        var (cluster, grant) = try owned()
        try cluster.release("origin1", epoch: grant.epoch, .draining)
        cluster.pass(.seconds(secondsBefore))
        try cluster.beat("origin1")
        cluster.state.beginOutage(at: cluster.now)
        cluster.pass(.seconds(30))
        #expect(cluster.status == status)
        cluster.state.beginRecovery(at: cluster.now)
        cluster.pass(.milliseconds(14_999))
        #expect(cluster.status == status)
        cluster.pass(.milliseconds(1))
        #expect(cluster.status == .finished)
    }

    @Test func `an owner that lost its hold to the sweep hears of it`() throws {
        var (cluster, grant) = try owned()
        cluster.pass(.seconds(36))
        try cluster.sweep()
        try cluster.beat("origin1", holds: [cluster.hold(grant.epoch)])
        let heartbeat = Heartbeat(bootId: "boot1", load: NodeLoad(), holds: [cluster.hold(grant.epoch)])
        let answer = try cluster.state.answer(to: heartbeat, of: "origin1", revision: 1, at: cluster.now)
        #expect(answer.lost == [LostHold(app: "live", id: "s1", epoch: grant.epoch, by: nil)])
    }

    @Test func `only the owner under its own epoch can release`() throws {
        var (cluster, grant) = try owned()
        try cluster.register("origin2")
        #expect(kind { try cluster.release("origin1", epoch: grant.epoch - 1) } == .conflict)
        #expect(kind { try cluster.release("origin2", epoch: grant.epoch) } == .conflict)
        #expect(cluster.status == .broadcasting)
        try cluster.release("origin1", epoch: grant.epoch)
        try cluster.release("origin1", epoch: grant.epoch)
    }

    @Test func `the streams of a node that left are interrupted, then finished`() throws {
        var (cluster, _) = try owned()
        cluster.pass(.seconds(3))
        _ = try cluster.settle(try cluster.state.decideLeave("origin1"))
        #expect(cluster.status == .interrupted)
        cluster.pass(.seconds(15))
        #expect(cluster.status == .finished)
    }
}
