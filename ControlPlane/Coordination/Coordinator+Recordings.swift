package import ClusterModel
package import Domain

/// What is wanted of streams, and what was recorded of them.
extension Coordinator {
    /// True when the stream was not known before.
    package func change(
        _ stream: StreamID,
        _ change: StreamSettingsChange,
        ifMatch: RevisionCondition
    ) async throws(Problem) -> Bool {
        try requireAnswering()
        try await learn(.stream, stream.recordKey)
        return try await commit { shared, _ throws(Problem) in
            try shared.state.decideChange(stream, change, ifMatch: ifMatch)
        }
    }

    package func forget(_ stream: StreamID, ifMatch: RevisionCondition) async throws(Problem) {
        try requireAnswering()
        try await learn(.stream, stream.recordKey)
        _ = try await commit { shared, now throws(Problem) in
            try shared.state.decideForget(stream, ifMatch: ifMatch, at: now)
        }
    }

    /// Returns what is known of it now.
    package func put(_ recording: RecordingResource) async throws(Problem) -> RecordingResource {
        try requireAnswering()
        try await learn(.recording, recording.recordKey)
        return try await commit { shared, _ throws(Problem) in try shared.state.decidePut(recording: recording) }
    }

    /// Returns what is still known of it: a node has to remove the file first.
    package func forget(recording key: String) async throws(Problem) -> RecordingResource? {
        try requireAnswering()
        try await learn(.recording, key)
        return try await commit { shared, _ throws(Problem) in try shared.state.decideForget(recording: key) }
    }
}
