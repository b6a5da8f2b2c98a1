package import ClusterModel
package import Domain

extension Coordinator {
    /// True when the app had not been set up before.
    package func put(app: String, _ settings: AppSettings, ifMatch: RevisionCondition) async throws(Problem) -> Bool {
        try requireAnswering()
        return try await commit { shared, _ throws(Problem) in
            try shared.state.decidePut(app: app, settings, ifMatch: ifMatch)
        }
    }

    package func delete(app: String, ifMatch: RevisionCondition) async throws(Problem) {
        try requireAnswering()
        _ = try await commit { shared, _ throws(Problem) in try shared.state.decideDelete(app: app, ifMatch: ifMatch) }
    }

    /// True when the group had not been set up before.
    package func put(group: String, _ change: GroupChange, ifMatch: RevisionCondition) async throws(Problem) -> Bool {
        try requireAnswering()
        let moves = try read { state, _ throws(Problem) in try state.moves(to: group, of: change.nodes) }
        let isNew = try await commit { shared, _ throws(Problem) in
            try shared.state.decidePut(group: group, change.settings, ifMatch: ifMatch)
        }
        for (nodeID, target) in moves { _ = try await assign(nodeID, toGroup: target) }
        return isNew
    }

    /// Puts a node in a group, or with nil back in the one it registers with. Answers with the group it is in.
    package func assign(_ nodeID: String, toGroup group: String?) async throws(Problem) -> String {
        try requireAnswering()
        if read({ state, _ in state.nodes[nodeID] == nil }) { try await learn(.node, nodeID) }
        return try await commit { shared, _ throws(Problem) in
            try shared.state.decideAssign(nodeID, toGroup: group)
        }
    }

    package func delete(group: String, ifMatch: RevisionCondition) async throws(Problem) {
        try requireAnswering()
        _ = try await commit { shared, _ throws(Problem) in
            try shared.state.decideDelete(group: group, ifMatch: ifMatch)
        }
    }
}
