/// A node group (region) as `GET /v1/groups` shows it.
package struct GroupResource: Codable, Hashable, Sendable {
    package var name: String
    /// The group whose nodes this one's secondary origin may pull from instead of the main origin.
    package var parent: String?
    package var nodes: Int
    package var aliveNodes: Int
    /// Policies by role, as they were set.
    package var scaling: [String: ScalingPolicy]?

    package init(
        name: String,
        parent: String?,
        nodes: Int,
        aliveNodes: Int,
        scaling: [String: ScalingPolicy]? = nil
    ) {
        self.name = name
        self.parent = parent
        self.nodes = nodes
        self.aliveNodes = aliveNodes
        self.scaling = scaling
    }
}

/// `PUT /v1/groups/{name}`.
package struct GroupSettings: Codable, Hashable, Sendable {
    package var parent: String?

    /// By role: `origin`, `edge`, `hybrid`. Without one nothing is drained; `desired` is advice.
    package var scaling: [String: ScalingPolicy]?

    package init(parent: String? = nil, scaling: [String: ScalingPolicy]? = nil) {
        self.parent = parent
        self.scaling = scaling
    }
}
