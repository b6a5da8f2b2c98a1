package import ClusterModel
package import Timebase

/// Who fetches the streams that nobody publishes.
///
/// A placement names an origin; that one connects to the source and claims the stream as for any publisher, so the claim
/// decides about ownership, and a placement only about who tries. It is written when the stream is wanted, changed when its
/// node is not alive any more or drains, and dropped when nobody wants the stream.
extension ClusterState {
    private enum Verdict {
        case right
        case unwanted
        case missing
    }

    /// The streams whose placement is not as it should be.
    package func misplaced(at now: WallTime, max: Int = 100) -> [StreamID] {
        Array(sourced.lazy.filter { judge($0, at: now) != .right }.prefix(max))
    }

    /// True when the placement changed.
    package func decidePlacement(
        _ stream: StreamID,
        at now: WallTime,
        using random: inout some RandomNumberGenerator
    ) throws(Problem) -> Decision<Bool> {
        guard let stored = streams[stream] else { return .answer(false) }
        var record = stored.body
        switch judge(stream, at: now) {
        case .right: return .answer(false)
        case .unwanted: record.placement = nil
        case .missing:
            let node = try assign(Wish(stream, for: .publish), at: now, using: &random).nodeId
            guard let boot = nodes[node]?.body.bootId else { return .answer(false) }
            record.placement = StreamRecord.Placement(nodeId: node, bootId: boot, since: now)
        }
        return .write(try .of(.stream, stream.recordKey, record, expecting: stored.revision), then: true)
    }

    private func judge(_ stream: StreamID, at now: WallTime) -> Verdict {
        guard let record = streams[stream]?.body, let source = record.settings?.source else { return .right }
        let owner = record.owner.flatMap { verdict(on: $0, at: now).isGone ? nil : $0 }
        // Whoever publishes it himself is left alone.
        if let owner, owner.nodeId != record.placement?.nodeId, !isDraining(owner.nodeId) { return .right }
        let isWanted = source.mode == .always || isAskedFor(stream, record, at: now)
        guard let placement = record.placement else { return isWanted ? .missing : .right }
        guard isSound(placement, record, at: now) else { return .missing }
        let isStarting = now - placement.since < timing.sourceStart
        return isWanted || owner != nil || isStarting ? .right : .unwanted
    }

    private func isDraining(_ nodeID: String) -> Bool { nodes[nodeID]?.body.drain != nil }

    /// Its node is the one it was, lives and takes publishers. A node that owns the stream is judged as any owner is, which
    /// shows its death before its lease has ended.
    private func isSound(_ placement: StreamRecord.Placement, _ record: StreamRecord, at now: WallTime) -> Bool {
        guard let node = nodes[placement.nodeId]?.body, node.bootId == placement.bootId, node.drain == nil else {
            return false
        }
        if let owner = record.owner, owner.nodeId == placement.nodeId, verdict(on: owner, at: now).isGone {
            return false
        }
        return state(of: placement.nodeId, at: now) == .alive
    }

    /// Somebody asked for its route lately, and after it last ended.
    private func isAskedFor(_ stream: StreamID, _ record: StreamRecord, at now: WallTime) -> Bool {
        guard let until = interests.latest(for: stream) else { return false }
        let askedAt = WallTime(milliseconds: until.milliseconds - timing.routeInterest.milliseconds)
        return now - askedAt < timing.sourceDemand && record.endedAt.map { askedAt > $0 } ?? true
    }
}
