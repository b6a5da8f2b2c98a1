import ClusterModel
import Domain
import Testing
import Timebase

@Suite struct NodeTests {
    @Test func `a node is dead when it was not heard of for more than 20 s`() throws {
        var cluster = Dialogue()
        try cluster.register("edge1")
        cluster.pass(.seconds(20))
        #expect(cluster.state.state(of: "edge1", at: cluster.now) == .alive)
        cluster.pass(.milliseconds(1))
        #expect(cluster.state.state(of: "edge1", at: cluster.now) == .dead)
    }

    @Test func `after an outage only nodes that lived when it began are shown alive`() throws {
        var cluster = Dialogue()
        try cluster.register("longDead")
        cluster.pass(.seconds(100))
        try cluster.register("lived")
        cluster.pass(.seconds(500))
        cluster.state.beginRecovery(at: cluster.now)
        #expect(cluster.state.state(of: "lived", at: cluster.now) == .alive)
        #expect(cluster.state.state(of: "longDead", at: cluster.now) == .dead)
    }

    @Test func `a superseded boot can neither renew nor register again`() throws {
        var cluster = Dialogue()
        try cluster.register("edge1")
        try cluster.register("edge1", boot: "boot2")
        #expect(kind { try cluster.beat("edge1", boot: "boot1") } == .superseded)
        #expect(kind { try cluster.register("edge1", boot: "boot1") } == .superseded)
        try cluster.beat("edge1", boot: "boot2")
    }

    @Test func `registering the same again writes nothing`() throws {
        var cluster = Dialogue()
        try cluster.register("edge1")
        let registration = try #require(cluster.state.nodes["edge1"]?.body.registration)
        guard case .answer = try cluster.state.decideRegister("edge1", registration, at: cluster.now) else {
            Issue.record("an unchanged registration was written")
            return
        }
    }

    @Test func `a heartbeat learns who has its stream now, and by which epoch`() throws {
        var cluster = Dialogue()
        try cluster.register("origin1")
        try cluster.register("origin2")
        let old = try cluster.claim("origin1")
        cluster.pass(.milliseconds(20_001))
        try cluster.beat("origin2")
        let new = try cluster.claim("origin2")
        try cluster.beat("origin1")
        let heartbeat = Heartbeat(
            bootId: "boot1",
            load: NodeLoad(),
            holds: [cluster.hold(old.epoch), Hold(app: "live", id: "other", epoch: 5)]
        )
        let answer = try cluster.state.answer(to: heartbeat, of: "origin1", revision: 1, at: cluster.now)
        #expect(
            answer.lost == [
                LostHold(app: "live", id: "s1", epoch: new.epoch, by: "origin2"),
                LostHold(app: "live", id: "other", epoch: 5, by: nil),
            ]
        )
    }

    @Test func `a late lease of an older boot or an older time changes nothing`() throws {
        var cluster = Dialogue()
        try cluster.register("edge1")
        let older = try #require(cluster.state.leases["edge1"])
        cluster.pass(.seconds(5))
        try cluster.beat("edge1")
        let newest = try #require(cluster.state.leases["edge1"]?.validUntil)
        for (boot, number) in [(older.bootID, older.bootNumber), ("boot0", older.bootNumber - 1)] {
            let end = older.validUntil
            let late = Lease(nodeID: "edge1", bootID: boot, bootNumber: number, validUntil: end, report: [])
            #expect(!cluster.state.isNews(late))
            cluster.state.apply(late, nil)
            #expect(cluster.state.leases["edge1"]?.validUntil == newest)
        }
    }

    @Test func `a node that lives is not forgotten, one that died is`() throws {
        var cluster = Dialogue()
        try cluster.register("edge1")
        func check(answersProbe: Bool = false) throws(Problem) {
            try cluster.state.checkForgettable("edge1", answersProbe: answersProbe, at: cluster.now)
        }
        try check()
        cluster.state.watchOpened(by: "edge1", boot: "boot1")
        #expect(kind { try check() } == .conflict)
        cluster.state.watchClosed(by: "edge1", boot: "boot1", at: cluster.now)
        try check()
        cluster.state.watchOpened(by: "edge1", boot: "boot1")
        cluster.pass(.seconds(21))
        try check()
        try check(answersProbe: true)
        try cluster.beat("edge1")
        cluster.state.watchClosed(by: "edge1", boot: "boot1", at: cluster.now)
        try check()
        #expect(kind { try check(answersProbe: true) } == .conflict)
    }

    @Test func `a group cannot become its own ancestor`() throws {
        var cluster = Dialogue()
        _ = try cluster.settle(try cluster.state.decidePut(group: "b", GroupSettings(parent: "a"), ifMatch: .any))
        _ = try cluster.settle(try cluster.state.decidePut(group: "c", GroupSettings(parent: "b"), ifMatch: .any))
        for parent in ["a", "b", "c"] {
            let settings = GroupSettings(parent: parent)
            #expect(kind { _ = try cluster.state.decidePut(group: "a", settings, ifMatch: .any) } == .unprocessable)
        }
    }
}
