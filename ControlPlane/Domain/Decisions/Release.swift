package import ClusterModel
package import Timebase

extension ClusterState {
    /// Ends a hold, or a wait for one. Answers true when this call ended it, false when it had ended before in the same way.
    package func decideRelease(
        _ stream: StreamID,
        _ request: ReleaseRequest,
        at now: WallTime
    ) throws(Problem) -> Decision<Bool> {
        guard let stored = streams[stream] else { throw .unknownStream(stream) }
        var record = stored.body
        if let epoch = request.epoch, record.epoch != epoch {
            throw .conflict("The epoch of '\(stream)' is \(record.epoch), not \(epoch): the hold was fenced.")
        }
        if request.epoch == nil, let standby = record.standby, standby.claimId == request.claimId,
            standby.nodeId == request.nodeId, standby.bootId == request.bootId
        {
            record.standby = nil
            return .write(try .of(.stream, stream.recordKey, record, expecting: stored.revision), then: true)
        }
        guard let owner = record.owner else { return .answer(false) }
        guard owner.nodeId == request.nodeId, owner.bootId == request.bootId else {
            throw .conflict("'\(stream)' is owned by another process: node '\(owner.nodeId)'.")
        }
        guard request.epoch != nil || owner.claimId == request.claimId else {
            throw .conflict("'\(stream)' is held by another claim. Name the hold to end by its epoch or its claimId.")
        }
        record.tracks = ownerReport(of: stream, owner)?.tracks ?? record.tracks
        record.next = request.next ?? resumePosition(of: record, stream, at: now)
        record.lastOwner = owner
        record.owner = nil
        // Who watches it again will have it placed again.
        if request.reason != .draining, record.settings?.source?.mode == .onDemand { record.placement = nil }
        switch request.reason {
        case .unpublished, .publisherLost: record.endedAt = now
        case .draining: record.interruptedAt = now
        }
        let write = try RecordWrite.of(.stream, stream.recordKey, record, expecting: stored.revision)
        return .write(write, then: true)
    }
}
