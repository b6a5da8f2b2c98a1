package import ClusterModel

/// What one resource of a group's nodes is used, against what it should be.
package struct ScalingMeasure: Hashable, Sendable {
    package var name: String
    /// Per node, on average.
    package var value: Double
    package var target: Double

    package var isOver: Bool { value > target }
    var ratio: Double { target > 0 ? value / target : 0 }

    package init(name: String, value: Double, target: Double) {
        self.name = name
        self.value = value
        self.target = target
    }
}

/// What earlier periods leave to the next: all that several control planes must agree on.
package struct ScalingHistory: Codable, Hashable, Sendable {
    package var desired: Int?
    /// Periods in a row that something was above its target.
    package var periodsOver = 0
    /// Periods in a row that fewer nodes would do, and the most that any of them still wanted.
    package var periodsSpare = 0
    package var spareNeeded = 0

    package init() {}
}

/// The number of nodes a group should have, as a function of what is measured now and what was before.
package struct ScalingRule: Sendable {
    package struct Outcome: Hashable, Sendable {
        package var history: ScalingHistory
        package var desired: Int
        package var reasons: [String]
    }

    package var policy: ScalingPolicy

    package init(policy: ScalingPolicy) { self.policy = policy }

    /// One period further.
    package func step(_ history: ScalingHistory, current: Int, measures: [ScalingMeasure]) -> Outcome {
        let needed = needed(current: current, measures)
        // Nodes that were asked for and have not started yet count as there; nodes that died are asked for again.
        let base = clamp(max(history.desired ?? current, current))
        var next = history
        if history.periodsSpare >= policy.scaleInPeriods, current <= history.desired ?? current {
            // They are gone: what is to spare now has to show itself anew.
            next.periodsSpare = 0
        }
        let over = measures.filter(\.isOver)
        next.periodsOver = over.isEmpty ? 0 : min(history.periodsOver + 1, policy.scaleOutPeriods)
        // Where no node is left nothing was measured: what it takes without them is not known.
        if needed < base, over.isEmpty, !measures.isEmpty {
            next.spareNeeded = next.periodsSpare == 0 ? needed : max(history.spareNeeded, needed)
            next.periodsSpare = min(next.periodsSpare + 1, policy.scaleInPeriods)
        } else {
            next.periodsSpare = 0
            next.spareNeeded = 0
        }
        next.desired = desired(base: base, needed: needed, next)
        return Outcome(
            history: next,
            desired: next.desired ?? base,
            reasons: reasons(current: current, base: base, over, next)
        )
    }

    private func desired(base: Int, needed: Int, _ history: ScalingHistory) -> Int {
        if history.periodsOver >= policy.scaleOutPeriods { return max(base, needed) }
        if history.periodsSpare >= policy.scaleInPeriods { return history.spareNeeded }
        return base
    }

    private func needed(current: Int, _ measures: [ScalingMeasure]) -> Int {
        let ratio = measures.map(\.ratio).max() ?? 0
        let nodes = (Double(current) * ratio * (1 + policy.headroom)).rounded(.up)
        return clamp(nodes < Double(policy.max) ? Int(nodes) : policy.max)
    }

    private func clamp(_ nodes: Int) -> Int { min(max(nodes, policy.min), policy.max) }

    private func reasons(
        current: Int,
        base: Int,
        _ over: [ScalingMeasure],
        _ history: ScalingHistory
    ) -> [String] {
        var reasons = over.map { measure in
            let periods =
                history.periodsOver >= policy.scaleOutPeriods
                ? "\(policy.scaleOutPeriods)" : "\(history.periodsOver) of \(policy.scaleOutPeriods)"
            return "\(measure.name) \(Self.short(measure.value)) > \(Self.short(measure.target)) for \(periods) periods"
        }
        if history.periodsSpare > 0 {
            let periods =
                history.periodsSpare >= policy.scaleInPeriods
                ? "\(policy.scaleInPeriods)" : "\(history.periodsSpare) of \(policy.scaleInPeriods)"
            reasons.append("\(history.spareNeeded) nodes would do for \(periods) periods")
        }
        if current < policy.min { reasons.append("\(current) nodes are below the minimum of \(policy.min)") }
        if current > policy.max { reasons.append("\(current) nodes are above the maximum of \(policy.max)") }
        if base > current, current >= policy.min {
            reasons.append("\(base - current) nodes were asked for and are not here")
        }
        return reasons
    }

    /// Two decimals; whole numbers above 10, where nobody wants them.
    static func short(_ value: Double) -> String {
        if value >= 10 { return "\(Int(min(value, 1e15).rounded()))" }
        let hundredths = Int((max(0, value) * 100).rounded())
        let fraction = hundredths % 100
        return "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction)"
    }
}
