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
