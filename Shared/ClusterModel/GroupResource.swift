/// A node group (region) as `GET /v1/groups` shows it.
package struct GroupResource: Codable, Hashable, Sendable {
    package var name: String
    /// The group whose nodes this one's secondary origin may pull from instead of the main origin.
    package var parent: String?
    package var nodes: Int
    package var aliveNodes: Int

    package init(name: String, parent: String?, nodes: Int, aliveNodes: Int) {
        self.name = name
        self.parent = parent
        self.nodes = nodes
        self.aliveNodes = aliveNodes
    }
}

/// `PUT /v1/groups/{name}`.
package struct GroupSettings: Codable, Hashable, Sendable {
    package var parent: String?
    /// How many nodes may pull one stream from one node of the group before the tree grows below them. Nil: the default.
    package var childrenPerParentMax: Int?

    package init(parent: String? = nil, childrenPerParentMax: Int? = nil) {
        self.parent = parent
        self.childrenPerParentMax = childrenPerParentMax
    }
}
