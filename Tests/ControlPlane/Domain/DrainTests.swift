import ClusterModel
import Domain
import Testing
import Timebase

@Suite struct DrainTests {
    private func drain(_ cluster: inout Dialogue, _ id: String, deadline: Int = 300) throws {
        _ = try cluster.settle(try cluster.state.decideDrain(id, DrainRequest(deadline: deadline), at: cluster.now))
    }

    private func undrain(_ cluster: inout Dialogue, _ id: String) throws {
        _ = try cluster.settle(try cluster.state.decideUndrain(id))
    }

    /// A heartbeat of a node that knows it drains; answers with what it is told.
    @discardableResult
    private func beatDraining(
        _ cluster: inout Dialogue,
        _ id: String,
        sessions: Int = 0,
        holds: [Hold] = [],
        streams: [StreamReport] = []
    ) throws -> HeartbeatAnswer {
        let heartbeat = Heartbeat(
            bootId: "boot1",
            load: NodeLoad(),
            holds: holds,
            sessions: sessions,
            streams: streams,
            isDraining: true
        )
        try cluster.take(heartbeat, from: id)
        return try cluster.state.answer(to: heartbeat, of: id, revision: 1, at: cluster.now)
    }

    private func state(_ cluster: Dialogue, _ id: String) -> NodeState { cluster.state.state(of: id, at: cluster.now) }

    @Test func `a node is drained only once it said itself that nothing is left`() throws {
        var cluster = Dialogue()
        try cluster.register("edge1")
        try drain(&cluster, "edge1")
        #expect(state(cluster, "edge1") == .draining, "its last heartbeat was sent before it knew")
        try beatDraining(&cluster, "edge1", sessions: 3)
        #expect(state(cluster, "edge1") == .draining)
        let busy = try #require(cluster.state.nodeResource("edge1", at: cluster.now))
        #expect(busy.sessionsLeft == 3 && !busy.safeToTerminate)
        try beatDraining(&cluster, "edge1")
        let idle = try #require(cluster.state.nodeResource("edge1", at: cluster.now))
        #expect(idle.state == .drained && idle.sessionsLeft == 0 && idle.safeToTerminate)
    }

    @Test func `a node that others pull from is not drained`() throws {
        var cluster = Dialogue()
        try cluster.register("edge1")
        try cluster.register("edge2")
        try drain(&cluster, "edge1")
        let report = StreamReport(app: stream.app, id: stream.id, epoch: 1, viewers: ViewerCounts())
        try cluster.beat("edge2", pulls: [cluster.pull(from: "edge1")])
        try beatDraining(&cluster, "edge1", streams: [report])
        #expect(state(cluster, "edge1") == .draining)
        try cluster.beat("edge2")
        #expect(state(cluster, "edge1") == .drained)
    }

    @Test func `no replacement is a node that does not speak the publishers' protocol`() throws {
        var cluster = Dialogue()
        try cluster.register("origin1", role: .origin)
        try cluster.claim("origin1")
        try drain(&cluster, "origin1", deadline: 60)
        try cluster.register("origin2", role: .origin, rtmp: nil)
        #expect(try beatDraining(&cluster, "origin1").directives.first?.hasReplacement == false)
        try cluster.register("origin3", role: .origin)
        #expect(try beatDraining(&cluster, "origin1").directives.first?.hasReplacement == true)
    }

    @Test func `the directive counts down and says whether a replacement exists`() throws {
        var cluster = Dialogue()
        try cluster.register("origin1", role: .origin)
        try drain(&cluster, "origin1", deadline: 60)
        cluster.pass(.seconds(10))
        let alone = try beatDraining(&cluster, "origin1")
        #expect(alone.directives == [Directive(type: .drain, deadline: 50, hasReplacement: false)])
        try cluster.register("edge1", role: .edge)
        #expect(try beatDraining(&cluster, "origin1").directives.first?.hasReplacement == false)
        try cluster.register("origin2", role: .origin)
        #expect(try beatDraining(&cluster, "origin1").directives.first?.hasReplacement == true)
        try drain(&cluster, "origin2")
        #expect(try beatDraining(&cluster, "origin1").directives.first?.hasReplacement == false)
    }

    @Test func `undrain, and a new boot, bring the node back`() throws {
        var cluster = Dialogue()
        try cluster.register("edge1")
        try drain(&cluster, "edge1")
        try undrain(&cluster, "edge1")
        #expect(state(cluster, "edge1") == .alive)
        #expect(try beatDraining(&cluster, "edge1").directives.isEmpty)
        try drain(&cluster, "edge1")
        try cluster.register("edge1", boot: "boot2")
        #expect(state(cluster, "edge1") == .alive)
        #expect(kind { _ = try cluster.state.decideUndrain("nobody") } == .notFound)
    }

    @Test func `the same registration again does not end a drain`() throws {
        var cluster = Dialogue()
        try cluster.register("edge1")
        try drain(&cluster, "edge1")
        try cluster.register("edge1", role: .edge)
        #expect(state(cluster, "edge1") == .draining)
    }

    @Test func `assign names no draining node`() throws {
        var cluster = Dialogue()
        try cluster.register("edge1")
        try cluster.register("edge2")
        try drain(&cluster, "edge1")
        for _ in 0..<20 {
            for purpose in [ClusterState.Purpose.play, .publish] {
                let wish = ClusterState.Wish(stream, for: purpose)
                let answer = try cluster.state.assign(wish, explain: true, at: cluster.now, using: &cluster.random)
                #expect(answer.nodeId == "edge2")
                #expect(answer.explain?.first { $0.nodeId == "edge1" }?.refused == "draining")
            }
        }
    }

    @Test func `a secondary that drains is replaced, and its children are told`() throws {
        var cluster = Dialogue()
        try cluster.register("origin1", group: "region1")
        for id in ["edge21", "edge22"] { try cluster.register(id, group: "region2") }
        let epoch = try cluster.claim("origin1").epoch
        #expect(try cluster.route("edge21").secondaryForGroup)
        let report = StreamReport(app: stream.app, id: stream.id, epoch: epoch, viewers: ViewerCounts())
        try cluster.beat("edge21", pulls: [cluster.pull(from: "origin1", epoch: epoch)], streams: [report])
        #expect(try cluster.route("edge22").parent.nodeId == "edge21")
        try cluster.beat("edge22", pulls: [cluster.pull(from: "edge21", epoch: epoch)])
        try drain(&cluster, "edge21")
        let told = cluster.state.announceNode("edge21", at: cluster.now).compactMap(\.nodes)
        #expect(told == [["edge21", "edge22"]])
        let next = try cluster.route("edge22")
        #expect(next.parent.nodeId == "origin1" && next.secondaryForGroup)
    }

    @Test func `a publisher that was told to move is taken elsewhere before it has left`() throws {
        var cluster = Dialogue()
        try cluster.register("origin1")
        try cluster.register("origin2")
        cluster.state.watchOpened(by: "origin1", boot: "boot1")
        let old = try cluster.claim("origin1")
        #expect(kind { try cluster.claim("origin2", claim: "claim2") } == .streamInUse)
        try drain(&cluster, "origin1")
        #expect(try cluster.claim("origin2", claim: "claim2").epoch > old.epoch)
        #expect(cluster.owner == "origin2")
    }

    @Test(arguments: [AppSettings.SecondPublisher.refuse, .takeOver])
    func `a second publisher meets what the app says`(policy: AppSettings.SecondPublisher) throws {
        var cluster = Dialogue()
        var settings = AppSettings()
        settings.secondPublisher = policy
        _ = try cluster.settle(try cluster.state.decidePut(app: stream.app, settings, ifMatch: .any))
        try cluster.register("origin1")
        try cluster.register("origin2")
        cluster.state.watchOpened(by: "origin1", boot: "boot1")
        let old = try cluster.claim("origin1")
        if policy == .takeOver {
            #expect(try cluster.claim("origin2", claim: "claim2").epoch > old.epoch)
        } else {
            #expect(kind { try cluster.claim("origin2", claim: "claim2") } == .streamInUse)
        }
    }

    @Test func `a node that says it is full is not chosen`() throws {
        var cluster = Dialogue()
        try cluster.register("edge1")
        let heartbeat = Heartbeat(bootId: "boot1", load: NodeLoad(), full: ["cpu 95 % of 90 %"])
        try cluster.take(heartbeat, from: "edge1")
        let refusal = kind {
            let wish = ClusterState.Wish(stream, for: .play)
            _ = try cluster.state.assign(wish, at: cluster.now, using: &cluster.random)
        }
        #expect(refusal == .unavailable)
    }
}
