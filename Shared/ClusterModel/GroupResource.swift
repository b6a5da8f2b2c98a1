/// A node group (region) as `GET /v1/groups` shows it.
package struct GroupResource: Codable, Hashable, Sendable {
    package var name: String
    /// The group whose nodes this one's secondary origin may pull from instead of the main origin.
    package var parent: String?
    package var childrenPerParentMax: Int?
    package var nodes: Int
    package var aliveNodes: Int
    /// Policies by role, as they were set.
    package var scaling: [String: ScalingPolicy]?

    package init(
        name: String,
        parent: String?,
        childrenPerParentMax: Int? = nil,
        nodes: Int,
        aliveNodes: Int,
        scaling: [String: ScalingPolicy]? = nil
    ) {
        self.name = name
        self.parent = parent
        self.childrenPerParentMax = childrenPerParentMax
        self.nodes = nodes
        self.aliveNodes = aliveNodes
        self.scaling = scaling
    }
}

/// What an operator sets of a group.
package struct GroupSettings: Codable, Hashable, Sendable {
    package var parent: String?
    /// How many nodes may pull one stream from one node of the group before the tree grows below them. Nil: the default.
    package var childrenPerParentMax: Int?

    /// By role: `origin`, `edge`, `hybrid`. Without one nothing is drained; `desired` is advice.
    package var scaling: [String: ScalingPolicy]?

    package init(
        parent: String? = nil,
        childrenPerParentMax: Int? = nil,
        scaling: [String: ScalingPolicy]? = nil
    ) {
        self.parent = parent
        self.childrenPerParentMax = childrenPerParentMax
        self.scaling = scaling
    }
}

/// `PUT /v1/groups/{name}`: the settings, and beside them which nodes an operator puts in the group.
package struct GroupChange: Codable, Hashable, Sendable {
    package var settings: GroupSettings
    /// Nil leaves the nodes where they are; a list is all that are put here, others go back to where they register.
    package var nodes: [String]?

    package init(settings: GroupSettings, nodes: [String]?) {
        self.settings = settings
        self.nodes = nodes
    }

    private enum CodingKeys: String, CodingKey { case nodes }

    package init(from decoder: any Decoder) throws {
        settings = try GroupSettings(from: decoder)
        let container = try decoder.container(keyedBy: CodingKeys.self)
        // A group as it was read says how many nodes it has: writing that back moves none.
        let isCount = (try? container.decode(Int.self, forKey: .nodes)) != nil
        nodes = isCount ? nil : try container.decodeIfPresent([String].self, forKey: .nodes)
    }

    package func encode(to encoder: any Encoder) throws {
        try settings.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encodeIfPresent(nodes, forKey: .nodes)
    }
}
