import ClusterModel
package import Timebase

/// Who fetches the streams that nobody publishes.
///
/// A placement names an origin; that one connects to the source and claims the stream as for any publisher, so the claim
/// decides about ownership, and a placement only about who tries. It is written when the stream is wanted, changed when its
/// node is not alive any more or drains, and dropped when nobody wants the stream.
extension ClusterState {
    /// Writes for the streams whose placement is not as it should be.
    package func placementWrites(
        at now: WallTime,
        max: Int = 100,
        using random: inout some RandomNumberGenerator
    ) -> [RecordWrite] {
        var writes: [RecordWrite] = []
        for stream in sourced where writes.count < max {
            guard let stored = streams[stream], let source = stored.body.settings?.source,
                let placement = placement(of: stream, stored.body, source, at: now, using: &random)
            else { continue }
            var record = stored.body
            record.placement = placement.node
            if let write = try? RecordWrite.of(.stream, stream.recordKey, record, expecting: stored.revision) {
                writes.append(write)
            }
        }
        return writes
    }

    /// What the placement is to become.
    private struct Change {
        var node: StreamRecord.Placement?
    }

    /// Nil when it is right as it is.
    private func placement(
        of stream: StreamID,
        _ record: StreamRecord,
        _ source: StreamSource,
        at now: WallTime,
        using random: inout some RandomNumberGenerator
    ) -> Change? {
        // Whoever publishes it himself is left alone.
        let owner = record.owner.flatMap { verdict(on: $0, at: now).isGone ? nil : $0 }
        if let owner, owner.nodeId != record.placement?.nodeId, !isDraining(owner.nodeId, at: now) { return nil }
        if let placement = record.placement, isSound(placement, record, at: now) {
            let isStarting = now - placement.since < timing.sourceStart
            let isWanted = source.mode == .always || owner != nil || isStarting || isAskedFor(stream, record, at: now)
            return isWanted ? nil : Change(node: nil)
        }
        guard source.mode == .always || record.placement != nil || isAskedFor(stream, record, at: now) else { return nil }
        let wish = Wish(stream, for: .publish)
        guard let node = try? assign(wish, at: now, using: &random).nodeId, let boot = nodes[node]?.body.bootId else {
            return nil
        }
        let chosen = StreamRecord.Placement(nodeId: node, bootId: boot, since: now)
        return chosen.nodeId == record.placement?.nodeId && chosen.bootId == record.placement?.bootId
            ? nil : Change(node: chosen)
    }

    private func isDraining(_ nodeID: String, at now: WallTime) -> Bool { nodes[nodeID]?.body.drain != nil }

    /// Its node is the one it was, lives and takes publishers. A node that owns the stream is judged as any owner is, which
    /// shows its death before its lease has ended.
    private func isSound(_ placement: StreamRecord.Placement, _ record: StreamRecord, at now: WallTime) -> Bool {
        guard let node = nodes[placement.nodeId]?.body, node.bootId == placement.bootId, node.drain == nil else {
            return false
        }
        if let owner = record.owner, owner.nodeId == placement.nodeId, verdict(on: owner, at: now).isGone { return false }
        return state(of: placement.nodeId, at: now) == .alive
    }

    /// Somebody asked for its route lately, and after it last ended.
    private func isAskedFor(_ stream: StreamID, _ record: StreamRecord, at now: WallTime) -> Bool {
        guard let until = interests.latest(for: stream) else { return false }
        let askedAt = WallTime(milliseconds: until.milliseconds - timing.routeInterest.milliseconds)
        return now - askedAt < timing.sourceDemand && record.endedAt.map { askedAt > $0 } ?? true
    }
}
