package import ClusterModel

/// Settings that operators write.
extension ClusterState {
    package func decidePut(
        app: String,
        _ settings: AppSettings,
        ifMatch: RevisionCondition
    ) throws(Problem) -> Decision<Bool> {
        if let fault = settings.fault { throw .unprocessable(fault) }
        let stored = apps[app]
        try ifMatch.check(stored?.revision)
        if stored?.body.settings == settings { return .answer(false) }
        let record = AppRecord(app: app, settings: settings)
        return .write(try .of(.app, app, record, expecting: stored?.revision), then: stored == nil)
    }

    package func decideDelete(app: String, ifMatch: RevisionCondition) throws(Problem) -> Decision<Bool> {
        guard let stored = apps[app] else { throw .notFound("App '\(app)' was never set up.") }
        try ifMatch.check(stored.revision)
        return .write(RecordWrite(kind: .app, key: app, body: nil, expected: stored.revision), then: true)
    }

    package func decidePut(
        group: String,
        _ settings: GroupSettings,
        ifMatch: RevisionCondition
    ) throws(Problem) -> Decision<Bool> {
        if let parent = settings.parent { try checkParent(parent, of: group) }
        if let max = settings.childrenPerParentMax, !(1...10_000).contains(max) {
            throw .unprocessable("childrenPerParentMax is \(max); allowed is 1 to 10000.")
        }
        for (role, policy) in settings.scaling ?? [:] {
            guard NodeRole(rawValue: role) != nil else {
                throw .unprocessable("scaling.\(role.prefix(40)): allowed is origin, edge, hybrid")
            }
            if let fault = policy.fault { throw .unprocessable("scaling.\(role).\(fault)") }
        }
        let stored = groups[group]
        try ifMatch.check(stored?.revision)
        if stored?.body.settings == settings { return .answer(false) }
        let record = GroupRecord(name: group, settings: settings)
        return .write(try .of(.group, group, record, expecting: stored?.revision), then: stored == nil)
    }

    package func decideDelete(group: String, ifMatch: RevisionCondition) throws(Problem) -> Decision<Bool> {
        guard let stored = groups[group] else { throw .notFound("Group '\(group)' was never set up.") }
        try ifMatch.check(stored.revision)
        return .write(RecordWrite(kind: .group, key: group, body: nil, expected: stored.revision), then: true)
    }

    /// Puts a node in a group, or with nil back in the one it registers with.
    package func decideAssign(_ nodeID: String, toGroup group: String?) throws(Problem) -> Decision<String> {
        guard let stored = nodes[nodeID] else { throw .unknownNode(nodeID) }
        guard stored.body.assignedGroup != group else { return .answer(stored.body.group) }
        var record = stored.body
        record.assignedGroup = group
        return .write(try .of(.node, nodeID, record, expecting: stored.revision), then: record.group)
    }

    /// Who must be put elsewhere for `members` to be exactly those that an operator put in the group.
    package func moves(to group: String, of members: [String]?) throws(Problem) -> [(nodeID: String, group: String?)] {
        guard let members else { return [] }
        if let missing = members.first(where: { nodes[$0] == nil }) {
            throw .unprocessable(
                "Node '\(missing.prefix(128))' is not registered: only known nodes can be put in a group."
            )
        }
        let leaving = nodes.filter { $0.value.body.assignedGroup == group && !members.contains($0.key) }.keys.sorted()
        return members.map { ($0, group) } + leaving.map { ($0, nil) }
    }

    private func checkParent(_ parent: String, of group: String) throws(Problem) {
        do throws(NameError) { try NameRules.check(parent, role: .group) } catch {
            throw .unprocessable(error.description)
        }
        var name: String? = parent
        var visited: Set<String> = []
        while let current = name, visited.insert(current).inserted {
            guard current != group else {
                throw .unprocessable("With parent '\(parent)' group '\(group)' would be its own ancestor.")
            }
            name = groups[current]?.body.settings.parent
        }
    }
}
