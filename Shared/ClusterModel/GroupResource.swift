/// A node group (region) as `GET /v1/groups` shows it.
package struct GroupResource: Codable, Hashable, Sendable {
    package var name: String
    /// The group whose nodes this one's secondary origin may pull from instead of the main origin.
    package var parent: String?
    package var childrenPerParentMax: Int?
    package var nodes: Int
    package var aliveNodes: Int

    package init(name: String, parent: String?, childrenPerParentMax: Int? = nil, nodes: Int, aliveNodes: Int) {
        self.name = name
        self.parent = parent
        self.childrenPerParentMax = childrenPerParentMax
        self.nodes = nodes
        self.aliveNodes = aliveNodes
    }
}

/// What an operator sets of a group.
package struct GroupSettings: Codable, Hashable, Sendable {
    package var parent: String?
    /// How many nodes may pull one stream from one node of the group before the tree grows below them. Nil: the default.
    package var childrenPerParentMax: Int?

    package init(parent: String? = nil, childrenPerParentMax: Int? = nil) {
        self.parent = parent
        self.childrenPerParentMax = childrenPerParentMax
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
        nodes = try decoder.container(keyedBy: CodingKeys.self).decodeIfPresent([String].self, forKey: .nodes)
    }

    package func encode(to encoder: any Encoder) throws {
        try settings.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encodeIfPresent(nodes, forKey: .nodes)
    }
}
