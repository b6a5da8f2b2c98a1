package import ClusterModel
package import Timebase

/// Nodes of one role in one group, which scale together. Key of its record: `group/role`.
package struct ScalingTarget: Hashable, Comparable, Sendable {
    package var group: String
    package var role: NodeRole

    package init(group: String, role: NodeRole) {
        self.group = group
        self.role = role
    }

    package var recordKey: String { "\(group)/\(role.rawValue)" }

    package init?(recordKey key: String) {
        let parts = key.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let role = NodeRole(rawValue: String(parts[1])) else { return nil }
        self.init(group: String(parts[0]), role: role)
    }

    package static func < (lhs: Self, rhs: Self) -> Bool { lhs.recordKey < rhs.recordKey }
}

/// What the store keeps of a target's scaling.
package struct ScalingRecord: Codable, Hashable, Sendable {
    package var group: String
    package var role: NodeRole
    /// Beginning of the last period that was judged: of several control planes one judges each.
    package var judgedPeriod: WallTime?
    package var history = ScalingHistory()
    package var reasons: [String] = []
    /// Oldest first.
    package var trail: [ScalingDecision] = []

    package init(_ target: ScalingTarget) {
        group = target.group
        role = target.role
    }
}
