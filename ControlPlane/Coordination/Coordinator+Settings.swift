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
    package func put(group: String, _ settings: GroupSettings, ifMatch: RevisionCondition) async throws(Problem) -> Bool
    {
        try requireAnswering()
        return try await commit { shared, _ throws(Problem) in
            try shared.state.decidePut(group: group, settings, ifMatch: ifMatch)
        }
    }

    package func delete(group: String, ifMatch: RevisionCondition) async throws(Problem) {
        try requireAnswering()
        _ = try await commit { shared, _ throws(Problem) in
            try shared.state.decideDelete(group: group, ifMatch: ifMatch)
        }
    }
}
