package import ClusterModel

/// What is known of recordings; their files are the nodes'.
extension ClusterState {
    /// Takes what a node tells of a recording of its own. What was copied before stays known; a file that is gone is forgotten
    /// unless it was copied and nobody deleted it.
    package func decidePut(recording told: RecordingResource) throws(Problem) -> Decision<RecordingResource> {
        let key = told.recordKey
        let stored = recordings[key]
        var recording = told
        recording.storedAt = told.storedAt ?? stored?.body.storedAt
        recording.isUnwanted = stored?.body.isUnwanted
        if !told.isOnNode {
            guard let stored else { return .answer(told) }
            guard recording.storedAt != nil, recording.isUnwanted != true else {
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

    /// Forgets a recording at once, or once its node has removed the file. Answers with what is still known of it.
    package func decideForget(recording key: String) throws(Problem) -> Decision<RecordingResource?> {
        guard let stored = recordings[key] else { throw .notFound("There is no recording '\(key.prefix(260))'.") }
        var recording = stored.body
        guard recording.isOnNode, nodes[recording.nodeId] != nil else {
            return .write(RecordWrite(kind: .recording, key: key, body: nil, expected: stored.revision), then: nil)
        }
        if recording.isUnwanted == true { return .answer(recording) }
        recording.isUnwanted = true
        return .write(try .of(.recording, key, recording, expecting: stored.revision), then: recording)
    }

    /// The node that a change of a recording's record gives something to do.
    package func remover(_ old: RecordingResource?, _ new: RecordingResource?) -> String? {
        guard let new, new.isUnwanted == true, old?.isUnwanted != true else { return nil }
        return new.nodeId
    }

    mutating func indexUnwanted(_ key: String, from old: RecordingResource?, to new: RecordingResource?) {
        if let old, old.isUnwanted == true {
            unwantedRecordings[old.nodeId]?.remove(key)
            if unwantedRecordings[old.nodeId]?.isEmpty == true { unwantedRecordings[old.nodeId] = nil }
        }
        if let new, new.isUnwanted == true { unwantedRecordings[new.nodeId, default: []].insert(key) }
    }
}
