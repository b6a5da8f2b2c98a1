import ClusterModel
package import Timebase

/// What time alone asks for: streams to finish, finished streams to forget.
extension ClusterState {
    /// Looks at no more than the streams whose status time can change. `sharesStore`: others want to hear of watches.
    package mutating func sweep(at now: WallTime, sharesStore: Bool = false, max: Int = 1000) -> [RecordWrite] {
        failedParents.forgetExpired(at: now)
        interests.forgetExpired(at: now)
        givenRoutes.forgetExpired(at: now)
        departures = departures.filter { now - $0.value < timing.departureMemory || owned[$0.key] != nil }
        if sweptEnds.isDue(at: now) {
            for nodeID in owned.keys where state(of: nodeID, at: now) == .dead {
                unsettle(nodeID)
            }
            sweptEnds.looked(at: now, nextEnd: nextLeaseEnd(at: now), limit: timing.leaseDuration)
        }
        var writes = sharesStore ? tellWatches(limit: max) : []
        for stream in unsettled {
            guard let stored = streams[stream] else {
                unsettled.remove(stream)
                continue
            }
            let condition = condition(of: stored.body, stream, at: now)
            if let write = settle(stream, stored, condition, at: now) {
                if writes.count < max { writes.append(write) }
            } else if condition.until == nil, !isInDoubt(stored.body.owner, at: now),
                !isInDoubt(stored.body.standby, at: now)
            {
                unsettled.remove(stream)
            }
        }
        return writes
    }

    private func settle(
        _ stream: StreamID,
        _ stored: Stored<StreamRecord>,
        _ condition: StreamCondition,
        at now: WallTime
    ) -> RecordWrite? {
        guard condition.status == .finished else { return nil }
        if let until = condition.until, until <= now {
            return RecordWrite(kind: .stream, key: stream.recordKey, body: nil, expected: stored.revision)
        }
        guard stored.body.endedAt == nil else { return nil }
        var record = stored.body
        record.tracks = record.owner.flatMap { ownerReport(of: stream, $0)?.tracks } ?? record.tracks
        record.next = resumePosition(of: record, stream, at: now)
        record.lastOwner = record.owner
        record.owner = nil
        record.endedAt = condition.endedAt
        return try? .of(.stream, stream.recordKey, record, expecting: stored.revision)
    }
}
