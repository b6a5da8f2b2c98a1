package import ClusterModel
package import Timebase

/// A stream's status is mostly derived: nothing has to be written for it to stop being `broadcasting` when its owner dies.
///
///     created ─claim→ broadcasting ─owner or publisher lost→ interrupted ─grace over→ finished
///                          ▲  └────────── unpublished ─────────────────────────────────▲
///                          └─────────────── claim ◄───── from every other status
package struct StreamCondition: Hashable, Sendable {
    package var status: StreamStatus
    /// When the status ended or will end by time alone: the end of the grace, or of the time it can be read.
    package var until: WallTime?
    package var endedAt: WallTime?
}

extension ClusterState {
    package func condition(of stream: StreamID, at now: WallTime) -> StreamCondition? {
        streams[stream].map { condition(of: $0.body, stream, at: now) }
    }

    func condition(of record: StreamRecord, _ stream: StreamID, at now: WallTime) -> StreamCondition {
        let grace = Duration.milliseconds(Int64(settings(of: record.app).publisherGrace * 1000))
        func interrupted(since start: WallTime) -> StreamCondition {
            let end = graceEnd(from: start, grace)
            return now < end ? StreamCondition(status: .interrupted, until: end) : finished(at: end)
        }
        func finished(at end: WallTime) -> StreamCondition {
            StreamCondition(
                status: .finished,
                until: record.isPermanent ? nil : end + timing.finishedReadable,
                endedAt: end
            )
        }
        if let end = record.endedAt { return finished(at: end) }
        guard let owner = record.owner else {
            return record.interruptedAt.map(interrupted) ?? StreamCondition(status: .created)
        }
        if case .gone(_, let since) = verdict(on: owner, at: now) { return interrupted(since: since) }
        if let since = abandonedSince(record, stream) { return interrupted(since: since) }
        return StreamCondition(status: isPublisherAway(from: owner, stream) ? .interrupted : .broadcasting)
    }

    /// By the owner's last word, which it gives as soon as a publisher is lost or comes back.
    func isPublisherAway(from owner: StreamRecord.Owner, _ stream: StreamID) -> Bool {
        ownerReport(of: stream, owner)?.isBroadcasting == false
    }

    /// Nobody could come back while the store was away: a grace that had not ended by then begins anew with its return.
    private func graceEnd(from start: WallTime, _ grace: Duration) -> WallTime {
        guard let recovery, start + grace > recovery.outageBegan else { return start + grace }
        return max(start, recovery.outageEnded) + grace
    }

    /// The live owner's own view of its stream.
    func ownerReport(of stream: StreamID, _ owner: StreamRecord.Owner) -> StreamReport? {
        guard let lease = leases[owner.nodeId], lease.bootID == owner.bootId else { return nil }
        return lease.report?.report(of: stream)
    }

    /// Nil when there is no such stream to be read any more.
    package func readable(_ stream: StreamID, at now: WallTime) -> (
        stored: Stored<StreamRecord>, condition: StreamCondition
    )? {
        guard let stored = streams[stream] else { return nil }
        let condition = condition(of: stored.body, stream, at: now)
        if condition.status == .finished, let until = condition.until, until <= now { return nil }
        return (stored, condition)
    }
}
