package import ClusterModel

/// What is known of recordings; their files are the nodes'.
extension ClusterState {
    /// Takes what a node tells of a recording of its own. What was copied before stays known; a file that is gone and was not
    /// copied is forgotten.
    package func decidePut(recording told: RecordingResource) throws(Problem) -> Decision<RecordingResource> {
        let key = told.recordKey
        let stored = recordings[key]
        var recording = told
        recording.storedAt = told.storedAt ?? stored?.body.storedAt
        if !told.isOnNode {
            guard let stored else { return .answer(told) }
            guard recording.storedAt != nil else {
                let write = RecordWrite(kind: .recording, key: key, body: nil, expected: stored.revision)
                return .write(write, then: told)
            }
            (recording.duration, recording.bytes) = (stored.body.duration, stored.body.bytes)
        }
        if stored?.body == recording { return .answer(recording) }
        guard stored != nil || recordings.count < limits.recordingsMax else {
            throw .conflict("There are \(recordings.count) recordings, the most there may be. Let nodes keep fewer.")
        }
        return .write(try .of(.recording, key, recording, expecting: stored?.revision), then: recording)
    }

    package func decideForget(recording key: String) throws(Problem) -> Decision<Bool> {
        guard let stored = recordings[key] else { throw .notFound("There is no recording '\(key.prefix(260))'.") }
        return .write(RecordWrite(kind: .recording, key: key, body: nil, expected: stored.revision), then: true)
    }
}
