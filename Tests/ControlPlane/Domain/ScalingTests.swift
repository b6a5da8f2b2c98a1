import ClusterModel
import Domain
import Testing
import Timebase

@Suite struct ScalingTests {
    private static let target = ScalingTarget(group: "region1", role: .edge)

    private static func cluster(nodes: Int, _ change: (inout ScalingPolicy) -> Void = { _ in }) throws -> Dialogue {
        var cluster = Dialogue()
        var policy = ScalingPolicy()
        policy.scaleInPeriods = 2
        policy.protectedSeconds = 0
        change(&policy)
        let settings = GroupSettings(scaling: ["edge": policy])
        _ = try cluster.settle(try cluster.state.decidePut(group: "region1", settings, ifMatch: .any))
        for number in 0..<nodes { try cluster.register("edge\(number)", role: .edge) }
        return cluster
    }

    private static func load(cpu: Double, publishers: Int = 0) -> NodeLoad {
        var load = NodeLoad()
        load.cpu = cpu
        load.publishers = publishers
        return load
    }

    @discardableResult
    private static func period(_ cluster: inout Dialogue, cpu: Double) throws -> ScalingDecision? {
        cluster.pass(.seconds(10))
        for id in cluster.state.nodes.keys.sorted() { try cluster.beat(id, load: load(cpu: cpu)) }
        return try judge(&cluster)
    }

    /// Decides, and drains the nodes that are to go.
    @discardableResult
    private static func judge(_ cluster: inout Dialogue) throws -> ScalingDecision? {
        let decision = try cluster.settle(try cluster.state.decideScaling(target, at: cluster.now))
        for id in decision?.drained ?? [] {
            _ = try cluster.settle(try cluster.state.decideDrain(id, DrainRequest(), forScaling: true, at: cluster.now))
        }
        return decision
    }

    @Test func `a period is judged once, whoever asks`() throws {
        var cluster = try Self.cluster(nodes: 4)
        try Self.period(&cluster, cpu: 0.83)
        let record = cluster.state.scaling[Self.target]?.body
        #expect(record?.history.periodsOver == 1)
        cluster.pass(.seconds(1))
        guard case .answer(nil) = try cluster.state.decideScaling(Self.target, at: cluster.now) else {
            Issue.record("the same period was judged twice")
            return
        }
    }

    /// Their CPU may be idle: what they are full of is their own limits.
    @Test func `nodes that say they are full are not drained, and more are wanted`() throws {
        var cluster = try Self.cluster(nodes: 4) { $0.max = 10 }
        for _ in 0..<4 {
            cluster.pass(.seconds(10))
            for id in cluster.state.nodes.keys.sorted() {
                try cluster.beat(id, load: Self.load(cpu: 0.1), full: ["10 of 10 viewers"])
            }
            try Self.judge(&cluster)
        }
        let answer = try #require(cluster.state.scalingResource(Self.target, at: cluster.now))
        #expect(answer.desired > 4 && answer.leaving.isEmpty && answer.utilisation >= 1)
        #expect(answer.reasons.contains { $0.contains("capacity") }, "\(answer.reasons)")
    }

    /// CPU may be left where one encoder's thread has none: it is slower than its stream.
    @Test func `nodes whose encoders hardly keep up want more of them, where the policy looks at that`() throws {
        for (target, isWanted) in [(nil, false), (0.7, true)] as [(Double?, Bool)] {
            var cluster = try Self.cluster(nodes: 4) {
                $0.max = 10
                $0.targetEncoderUse = target
            }
            for _ in 0..<4 {
                cluster.pass(.seconds(10))
                var load = Self.load(cpu: 0.6)
                load.encoderUse = 0.95
                for id in cluster.state.nodes.keys.sorted() { try cluster.beat(id, load: load) }
                try Self.judge(&cluster)
            }
            let answer = try #require(cluster.state.scalingResource(Self.target, at: cluster.now))
            #expect((answer.desired > 4) == isWanted)
            #expect(answer.reasons.contains { $0.contains("encoderUse") } == isWanted, "\(answer.reasons)")
        }
    }

    @Test func `who was asked to leave and is still there is asked to stay before others are wanted`() throws {
        var cluster = try Self.cluster(nodes: 4) {
            $0.scaleOutPeriods = 1; $0.scaleInPeriods = 1
        }
        try Self.period(&cluster, cpu: 0.1)
        let leaving = try #require(cluster.state.scalingResource(Self.target, at: cluster.now)).leaving
        #expect(!leaving.isEmpty)
        let decision = try Self.period(&cluster, cpu: 0.95)
        #expect(decision?.recalled == leaving, "\(String(describing: decision))")
    }

    @Test func `a drain that an operator asked for is not taken back, be the node drained for scaling before or not`()
        throws
    {
        var cluster = try Self.cluster(nodes: 4) {
            $0.scaleOutPeriods = 1; $0.scaleInPeriods = 1
        }
        try Self.period(&cluster, cpu: 0.1)
        let leaving = try #require(cluster.state.scalingResource(Self.target, at: cluster.now)).leaving
        for id in Set(leaving).union(["edge0"]) {
            _ = try cluster.settle(try cluster.state.decideDrain(id, DrainRequest(deadline: 60), at: cluster.now))
        }
        let decision = try Self.period(&cluster, cpu: 0.95)
        #expect(decision != nil && decision?.recalled == nil, "\(String(describing: decision))")
    }

    @Test func `a policy with longer periods is judged by them, and does not wait for ever`() throws {
        var cluster = try Self.cluster(nodes: 4) { $0.periodSeconds = 2 }
        try Self.period(&cluster, cpu: 0.6)
        var policy = ScalingPolicy()
        policy.min = 6
        policy.periodSeconds = 20
        try cluster.set(group: "region1", GroupSettings(scaling: ["edge": policy]))
        for _ in 0..<2 { try Self.period(&cluster, cpu: 0.6) }
        #expect(cluster.state.scaling[Self.target]?.body.history.desired == 6)
    }

    @Test func `a group whose nodes all died is wanted as large as it was`() throws {
        var cluster = try Self.cluster(nodes: 6)
        for _ in 0..<3 { try Self.period(&cluster, cpu: 0.6) }
        #expect(cluster.state.scalingResource(Self.target, at: cluster.now)?.desired == 6)
        cluster.pass(.seconds(30))
        for _ in 0..<6 {
            cluster.pass(.seconds(10))
            try Self.judge(&cluster)
        }
        let answer = try #require(cluster.state.scalingResource(Self.target, at: cluster.now))
        #expect(answer.current == 0 && answer.desired == 6, "\(answer.reasons)")
    }

    @Test func `a decision is in the trail with its reasons, and the trail is bounded`() throws {
        var cluster = try Self.cluster(nodes: 4) {
            $0.scaleOutPeriods = 1; $0.scaleInPeriods = 1
        }
        for number in 0..<120 { try Self.period(&cluster, cpu: number.isMultiple(of: 2) ? 0.83 : 0.6) }
        let trail = try #require(cluster.state.scalingResource(Self.target, at: cluster.now)?.trail)
        #expect(trail.count <= 50)
        #expect(trail.contains { $0.reasons.contains { $0.hasPrefix("cpu 0.83 > 0.70") } && $0.desired == 6 })
    }

    @Test func `the nodes cheapest to move are asked to leave, publishers and parents last`() throws {
        var cluster = try Self.cluster(nodes: 4)
        for _ in 0..<2 {
            cluster.pass(.seconds(10))
            try cluster.beat("edge0", load: Self.load(cpu: 0.2, publishers: 1))
            try cluster.beat("edge1", load: Self.load(cpu: 0.2))
            try cluster.beat(
                "edge2",
                load: Self.load(cpu: 0.2),
                pulls: [Pull(app: "live", id: "s", epoch: 1, from: "edge1")]
            )
            try cluster.beat(
                "edge3",
                load: Self.load(cpu: 0.2),
                pulls: [Pull(app: "live", id: "s", epoch: 1, from: "edge1")]
            )
            try Self.judge(&cluster)
        }
        let scaling = try #require(cluster.state.scalingResource(Self.target, at: cluster.now))
        // A quarter of four at once.
        #expect(scaling.leaving == ["edge2"])
        #expect(scaling.current == 3)
        let answer = try cluster.state.answer(
            to: Heartbeat(bootId: "boot1", load: NodeLoad()),
            of: "edge2",
            revision: 1,
            at: cluster.now
        )
        #expect(answer.directives == [Directive(type: .drain, deadline: 300, hasReplacement: false)])
        #expect(cluster.state.leaveAnswer(to: "edge2", at: cluster.now)?.leave == true)
        #expect(cluster.state.leaveAnswer(to: "edge0", at: cluster.now)?.leave == false)
    }

    @Test func `a node that started a moment ago is not asked to leave`() throws {
        var cluster = try Self.cluster(nodes: 4) { $0.protectedSeconds = 300 }
        for _ in 0..<4 { try Self.period(&cluster, cpu: 0.1) }
        #expect(cluster.state.scalingResource(Self.target, at: cluster.now)?.leaving == [])
        for _ in 0..<30 { try Self.period(&cluster, cpu: 0.1) }
        #expect(cluster.state.scalingResource(Self.target, at: cluster.now)?.leaving.isEmpty == false)
    }

    @Test func `without a policy nothing is drained, and the number is still told`() throws {
        var cluster = Dialogue()
        for number in 0..<4 { try cluster.register("edge\(number)", role: .edge) }
        for _ in 0..<30 { try Self.period(&cluster, cpu: 0.1) }
        let scaling = try #require(cluster.state.scalingResource(Self.target, at: cluster.now))
        #expect(scaling.isPolicySet == false)
        #expect(scaling.leaving == [])
        #expect(scaling.desired == 1)
        #expect(scaling.current == 4)
    }

    @Test func `a node that restarts may stay`() throws {
        var cluster = try Self.cluster(nodes: 4)
        for _ in 0..<2 { try Self.period(&cluster, cpu: 0.2) }
        let leaving = try #require(cluster.state.scalingResource(Self.target, at: cluster.now)?.leaving.first)
        try cluster.register(leaving, boot: "boot2", role: .edge)
        #expect(cluster.state.scalingResource(Self.target, at: cluster.now)?.leaving == [])
        #expect(cluster.state.leaveAnswer(to: leaving, at: cluster.now)?.leave == false)
    }

    @Test(arguments: [
        (#"{"targetCpu":1.5}"#, "targetCpu is 1.5"), (#"{"min":3,"max":2}"#, "min 3 is above max 2"),
        (#"{"headroom":-1}"#, "headroom is -1.0"), (#"{"targetEncoderUse":0}"#, "targetEncoderUse is 0.0"),
        (#"{"periodSeconds":0}"#, "periodSeconds is 0"),
    ])
    func `a policy that cannot be right is refused`(json: String, words: String) throws {
        let policy = try RecordCoding.decode(ScalingPolicy.self, from: Array(json.utf8), key: "policy")
        #expect(policy.fault?.hasPrefix(words) == true)
        let state = Dialogue().state
        #expect(throws: Problem.self) {
            try state.decidePut(group: "g", GroupSettings(scaling: ["edge": policy]), ifMatch: .any)
        }
        #expect(throws: Problem.self) {
            try state.decidePut(group: "g", GroupSettings(scaling: ["egde": ScalingPolicy()]), ifMatch: .any)
        }
    }
}
