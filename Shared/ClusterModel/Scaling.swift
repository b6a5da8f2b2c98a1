package import Timebase

/// How many nodes of one role a group should have. Part of the group's settings; what is left out takes its default.
package struct ScalingPolicy: Codable, Hashable, Sendable {
    /// Share of all cores, 0 to 1; 0.75 for origins, 0.70 for others.
    package var targetCpu: Double?
    /// Per node; nil does not count viewers.
    package var targetViewers: Int?
    /// Per node; nil does not count egress.
    package var targetEgressBitsPerSecond: Int64?
    /// Per node; nil does not look at encoders.
    package var targetEncoderQueueDepth: Int?
    /// Share of real time for which a node's slowest encoder works, 0 to 1; nil does not look at it.
    package var targetEncoderUse: Double?
    /// Room beside what is in use now, as a share of it.
    package var headroom = 0.25
    package var min = 1
    package var max = 100
    package var periodSeconds = 10
    /// Periods in a row above a target before nodes are added.
    package var scaleOutPeriods = 3
    /// Periods in a row with nodes to spare before some are taken away. Slower than out: a node gone is soon missed.
    package var scaleInPeriods = 18
    /// A node is not taken away so soon after its start.
    package var protectedSeconds = 300
    /// Time a node that is taken away has for its sessions.
    package var drainSeconds = 300

    package init() {}

    private enum CodingKeys: String, CodingKey {
        case targetCpu, targetViewers, targetEgressBitsPerSecond, targetEncoderQueueDepth, targetEncoderUse
        case headroom, min, max, periodSeconds, scaleOutPeriods, scaleInPeriods, protectedSeconds, drainSeconds
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        targetCpu = try container.decodeIfPresent(Double.self, forKey: .targetCpu)
        targetViewers = try container.decodeIfPresent(Int.self, forKey: .targetViewers)
        targetEgressBitsPerSecond = try container.decodeIfPresent(Int64.self, forKey: .targetEgressBitsPerSecond)
        targetEncoderQueueDepth = try container.decodeIfPresent(Int.self, forKey: .targetEncoderQueueDepth)
        targetEncoderUse = try container.decodeIfPresent(Double.self, forKey: .targetEncoderUse)
        headroom = try container.decodeIfPresent(Double.self, forKey: .headroom) ?? headroom
        min = try container.decodeIfPresent(Int.self, forKey: .min) ?? min
        max = try container.decodeIfPresent(Int.self, forKey: .max) ?? max
        periodSeconds = try container.decodeIfPresent(Int.self, forKey: .periodSeconds) ?? periodSeconds
        scaleOutPeriods = try container.decodeIfPresent(Int.self, forKey: .scaleOutPeriods) ?? scaleOutPeriods
        scaleInPeriods = try container.decodeIfPresent(Int.self, forKey: .scaleInPeriods) ?? scaleInPeriods
        protectedSeconds = try container.decodeIfPresent(Int.self, forKey: .protectedSeconds) ?? protectedSeconds
        drainSeconds = try container.decodeIfPresent(Int.self, forKey: .drainSeconds) ?? drainSeconds
    }

    package func targetCPU(for role: NodeRole) -> Double { targetCpu ?? (role == .origin ? 0.75 : 0.70) }

    /// The first value that cannot be right, as a sentence; nil when all can.
    package var fault: String? {
        for (name, share) in [("targetCpu", targetCpu), ("targetEncoderUse", targetEncoderUse)] {
            if let share, !(0.05...1).contains(share) { return "\(name) is \(share); allowed is 0.05 to 1" }
        }
        if !(0...2).contains(headroom) { return "headroom is \(headroom); allowed is 0 to 2" }
        let ranges: [(String, Int, ClosedRange<Int>)] = [
            ("targetViewers", targetViewers ?? 1, 1...10_000_000),
            ("targetEncoderQueueDepth", targetEncoderQueueDepth ?? 1, 1...100_000),
            ("min", min, 0...10_000), ("max", max, 1...10_000), ("periodSeconds", periodSeconds, 1...3600),
            ("scaleOutPeriods", scaleOutPeriods, 1...1000), ("scaleInPeriods", scaleInPeriods, 1...10_000),
            ("protectedSeconds", protectedSeconds, 0...86_400), ("drainSeconds", drainSeconds, 1...86_400),
        ]
        for (name, value, range) in ranges where !range.contains(value) {
            return "\(name) is \(value); allowed is \(range.lowerBound) to \(range.upperBound)"
        }
        if let bits = targetEgressBitsPerSecond, bits < 1 {
            return "targetEgressBitsPerSecond is \(bits); allowed is 1 and above"
        }
        return min > max ? "min \(min) is above max \(max)" : nil
    }
}

/// `GET /v1/autoscale/{group}/{role}`.
package struct ScalingResource: Codable, Hashable, Sendable {
    package var group: String
    package var role: NodeRole
    /// Nodes that live and were not asked to leave.
    package var current: Int
    package var desired: Int
    /// Of the fullest resource, in the measure of the CPU's: above the CPU's target it is above its own.
    package var utilisation: Double
    package var reasons: [String]
    /// Nodes cheapest to move, first the ones to go first; as many as there are to spare.
    package var drainCandidates: [String]
    /// Nodes that were asked to leave and have not left yet.
    package var leaving: [String]
    /// False while the group has no policy for the role: then `desired` is advice and nothing is drained.
    package var isPolicySet: Bool
    package var policy: ScalingPolicy
    /// Changes of `desired`, newest first.
    package var trail: [ScalingDecision]

    package init(
        group: String,
        role: NodeRole,
        current: Int,
        desired: Int,
        utilisation: Double,
        reasons: [String],
        drainCandidates: [String],
        leaving: [String],
        isPolicySet: Bool,
        policy: ScalingPolicy,
        trail: [ScalingDecision]
    ) {
        self.group = group
        self.role = role
        self.current = current
        self.desired = desired
        self.utilisation = utilisation
        self.reasons = reasons
        self.drainCandidates = drainCandidates
        self.leaving = leaving
        self.isPolicySet = isPolicySet
        self.policy = policy
        self.trail = trail
    }
}

/// One change of the number of nodes wanted, for the audit trail.
package struct ScalingDecision: Codable, Hashable, Sendable {
    package var at: WallTime
    package var current: Int
    package var desired: Int
    package var utilisation: Double
    package var reasons: [String]
    /// Nodes that were asked to leave by it.
    package var drained: [String]
    /// Nodes that were asked to leave earlier and are asked to stay by it; nil when there are none.
    package var recalled: [String]?

    package init(
        at: WallTime,
        current: Int,
        desired: Int,
        utilisation: Double,
        reasons: [String],
        drained: [String],
        recalled: [String]? = nil
    ) {
        self.at = at
        self.current = current
        self.desired = desired
        self.utilisation = utilisation
        self.reasons = reasons
        self.drained = drained
        self.recalled = recalled
    }
}

/// `GET /v1/nodes/{nodeId}/leave`: should I go? A node asks, so that it works from behind NAT.
package struct LeaveAnswer: Codable, Hashable, Sendable {
    package var leave: Bool
    /// The group has more nodes than it needs: the machine may go with the node. Else an operator drains it, who may want it back.
    package var forScaling: Bool
    package var state: NodeState
    /// Seconds for the sessions that are left.
    package var deadline: Int?
    package var sessionsLeft: Int
    package var safeToTerminate: Bool

    package init(
        leave: Bool,
        forScaling: Bool,
        state: NodeState,
        deadline: Int?,
        sessionsLeft: Int,
        safeToTerminate: Bool
    ) {
        self.leave = leave
        self.forScaling = forScaling
        self.state = state
        self.deadline = deadline
        self.sessionsLeft = sessionsLeft
        self.safeToTerminate = safeToTerminate
    }
}
