package import ClusterModel

/// What is known of recordings; their files are the nodes'.
extension ClusterState {
    package func decidePut(recording: RecordingResource) throws(Problem) -> Decision<Bool> {
        let key = recording.recordKey
        let stored = recordings[key]
        if stored?.body == recording { return .answer(false) }
        guard stored != nil || recordings.count < limits.recordingsMax else {
            throw .conflict("There are \(recordings.count) recordings, the most there may be. Let nodes keep fewer.")
        }
        return .write(try .of(.recording, key, recording, expecting: stored?.revision), then: stored == nil)
    }

    package func decideForget(recording key: String) throws(Problem) -> Decision<Bool> {
        guard let stored = recordings[key] else { throw .notFound("There is no recording '\(key.prefix(260))'.") }
        return .write(RecordWrite(kind: .recording, key: key, body: nil, expected: stored.revision), then: true)
    }
}
