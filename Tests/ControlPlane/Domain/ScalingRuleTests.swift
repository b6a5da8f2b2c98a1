import ClusterModel
import Domain
import Testing

@Suite struct ScalingRuleTests {
    private static func policy(_ change: (inout ScalingPolicy) -> Void = { _ in }) -> ScalingPolicy {
        var policy = ScalingPolicy()
        policy.scaleInPeriods = 5
        change(&policy)
        return policy
    }

    private static func cpu(_ value: Double) -> ScalingMeasure {
        ScalingMeasure(name: "cpu", value: value, target: 0.7)
    }

    /// The number wanted after each of the periods with these CPU shares.
    private static func play(_ shares: [Double], nodes: Int, _ policy: ScalingPolicy = policy()) -> [Int] {
        var history = ScalingHistory()
        return shares.map { share in
            let outcome = ScalingRule(policy: policy).step(history, current: nodes, measures: [cpu(share)])
            history = outcome.history
            return outcome.desired
        }
    }

    @Test func `nodes are added after three periods above the target, with headroom`() {
        #expect(Self.play([0.83, 0.83, 0.83], nodes: 4) == [4, 4, 6])
        #expect(Self.play([0.83, 0.83, 0.6, 0.83, 0.83], nodes: 4) == [4, 4, 4, 4, 4])
    }

    @Test func `the reasons name the resource, its target and the periods`() {
        var history = ScalingHistory()
        var reasons: [[String]] = []
        for _ in 0..<3 {
            let outcome = ScalingRule(policy: Self.policy()).step(history, current: 4, measures: [Self.cpu(0.83)])
            history = outcome.history
            reasons.append(outcome.reasons)
        }
        #expect(reasons[1] == ["cpu 0.83 > 0.70 for 2 of 3 periods"])
        #expect(reasons[2] == ["cpu 0.83 > 0.70 for 3 periods"])
    }

    @Test func `nodes are taken away only after all periods agreed, and no more than the fullest of them allows`() {
        #expect(Self.play([0.1, 0.1, 0.3, 0.1, 0.1, 0.1], nodes: 8) == [8, 8, 8, 8, 5, 5])
        #expect(Self.play([0.1, 0.1, 0.1, 0.1, 0.75, 0.1], nodes: 8) == [8, 8, 8, 8, 8, 8])
    }

    @Test func `a burst does not ask for ever more nodes while the first are starting`() {
        #expect(Self.play(Array(repeating: 0.83, count: 12), nodes: 4).suffix(9) == ArraySlice(repeating: 6, count: 9))
    }

    @Test func `minimum and maximum hold at once`() {
        #expect(Self.play([0.1], nodes: 1, Self.policy { $0.min = 3 }) == [3])
        #expect(Self.play([0.9], nodes: 9, Self.policy { $0.max = 5 }) == [5])
        #expect(Self.play([0.99, 0.99, 0.99], nodes: 4, Self.policy { $0.max = 5 }) == [4, 4, 5])
    }

    @Test func `the fullest resource decides`() {
        var history = ScalingHistory()
        let measures = [Self.cpu(0.1), ScalingMeasure(name: "viewers", value: 900, target: 500)]
        var outcome = ScalingRule(policy: Self.policy()).step(history, current: 2, measures: measures)
        for _ in 0..<2 {
            history = outcome.history
            outcome = ScalingRule(policy: Self.policy()).step(history, current: 2, measures: measures)
        }
        #expect(outcome.desired == 5)
        #expect(outcome.reasons.first == "viewers 900 > 500 for 3 periods")
    }
}
