package import ClusterModel
package import Timebase

/// What this control plane saw of a node beside its lease. Belongs to one boot.
struct NodeEvidence: Sendable {
    enum Watch: Sendable {
        case neverSeen
        case connected
        case closed(at: WallTime)
    }

    var watch = Watch.neverSeen
    /// The last answer of its relay port.
    var probe: (at: WallTime, answered: Bool)?
}

/// An outage of the store, and until when no lease is judged ended for it.
struct Recovery: Sendable {
    /// In the far future while the store is away.
    var outageEnded: WallTime
    var until: WallTime
    /// Leases that had ended before this are shown as dead all the same; only ownership is left alone.
    var outageBegan: WallTime
}

/// Whether the owner of a stream still is one.
package enum OwnerVerdict: Hashable, Sendable {
    package enum Loss: String, Sendable {
        case left
        case superseded
        case leaseEnded
        case watchClosed
        case mute
    }

    case gone(Loss, since: WallTime)
    /// Connected, its heartbeats in time, its relay port not refusing.
    case alive
    /// Neither proven. Ask again at `recheckAt`, or when something is heard of it.
    case unsure(recheckAt: WallTime, probe: Bool)

    var isGone: Bool { if case .gone = self { true } else { false } }
}

extension ClusterState {
    /// Judges an owner by the rules of the held claim.
    package func verdict(on owner: StreamRecord.Owner, at now: WallTime) -> OwnerVerdict {
        guard let node = nodes[owner.nodeId]?.body else {
            return .gone(.left, since: departures[owner.nodeId] ?? owner.claimedAt)
        }
        guard node.bootId == owner.bootId else { return .gone(.superseded, since: node.bootedAt) }
        let validUntil = leaseEnd(of: owner.nodeId, boot: owner.bootId) ?? owner.claimedAt + timing.leaseDuration
        if validUntil < now, !isRecovering(at: now) { return .gone(.leaseEnded, since: validUntil) }
        let lastHeard = WallTime(milliseconds: validUntil.milliseconds - timing.leaseDuration.milliseconds)
        let seen = evidence[owner.nodeId] ?? NodeEvidence()
        if let closedAt = watchClosed(by: node), closedAt >= lastHeard {
            let goneAt = closedAt + timing.watchGrace
            return now > goneAt
                ? .gone(.watchClosed, since: closedAt) : .unsure(recheckAt: goneAt + .milliseconds(1), probe: false)
        }
        let missedAt = lastHeard + timing.heartbeatMissedAfter
        return now > missedAt ? verdictOnMute(seen, lastHeard, now) : verdictOnHeard(seen, missedAt, now)
    }

    /// Since when the owner, alive as it may be, does not have the hold any more: its heartbeats do not name it, because the
    /// release was lost, or the grant.
    func abandonedSince(_ record: StreamRecord, _ stream: StreamID) -> WallTime? {
        guard let owner = record.owner, let lease = leases[owner.nodeId], lease.bootID == owner.bootId,
            let heard = lastHeartbeat(of: owner.nodeId), let unnamed = unnamed[stream], unnamed.epoch == record.epoch
        else { return nil }
        if let named = positions[stream], named.epoch == record.epoch {
            return heard - named.heardAt >= timing.holdSettling ? named.heardAt : nil
        }
        return heard - unnamed.since >= timing.claimSettling ? unnamed.since : nil
    }

    private func verdictOnMute(_ seen: NodeEvidence, _ lastHeard: WallTime, _ now: WallTime) -> OwnerVerdict {
        if let probe = seen.probe, !probe.answered, probe.at >= lastHeard { return .gone(.mute, since: probe.at) }
        let (recheckAt, probe) = nextProbe(seen, now)
        return .unsure(recheckAt: recheckAt, probe: probe)
    }

    private func verdictOnHeard(_ seen: NodeEvidence, _ missedAt: WallTime, _ now: WallTime) -> OwnerVerdict {
        let probe = seen.probe.flatMap { now - $0.at <= timing.probeValidity ? $0 : nil }
        if probe?.answered == true { return .alive }
        if case .connected = seen.watch, probe == nil { return .alive }
        let (recheckAt, needsProbe) = nextProbe(seen, now)
        return .unsure(recheckAt: min(missedAt + .milliseconds(1), recheckAt), probe: needsProbe)
    }

    private func nextProbe(_ seen: NodeEvidence, _ now: WallTime) -> (recheckAt: WallTime, isDue: Bool) {
        guard let probe = seen.probe, now - probe.at < timing.probeInterval else {
            return (now + timing.probeInterval, true)
        }
        return (probe.at + timing.probeInterval, false)
    }

    private func leaseEnd(of nodeID: String, boot: String) -> WallTime? {
        guard let lease = leases[nodeID], lease.bootID == boot else { return nil }
        return lease.validUntil
    }

    func isRecovering(at now: WallTime) -> Bool { recovery.map { now < $0.until } ?? false }

    /// The store is away, so leases cannot be renewed: none is judged ended.
    package mutating func beginOutage(at now: WallTime) {
        let end = WallTime(milliseconds: .max)
        recovery = Recovery(outageEnded: end, until: end, outageBegan: outageBegan(at: now))
    }

    /// No lease is judged ended until `timing.recovery` after now.
    package mutating func beginRecovery(at now: WallTime) {
        recovery = Recovery(outageEnded: now, until: now + timing.recovery, outageBegan: outageBegan(at: now))
    }

    /// An outage that is not recovered from yet goes on: who could not renew a lease since may not have come to do so.
    private func outageBegan(at now: WallTime) -> WallTime {
        if let recovery, now < recovery.until { return recovery.outageBegan }
        let lastRenewal = leases.values.map(\.validUntil).max() ?? now
        return min(WallTime(milliseconds: lastRenewal.milliseconds - timing.leaseDuration.milliseconds), now)
    }

    /// How the API shows the node.
    package func state(of nodeID: String, at now: WallTime) -> NodeState {
        guard let node = nodes[nodeID]?.body, let lease = leases[nodeID], lease.bootID == node.bootId else {
            return .dead
        }
        let wasAliveInOutage = recovery.map { now < $0.until && lease.validUntil >= $0.outageBegan } ?? false
        guard lease.validUntil >= now || wasAliveInOutage else { return .dead }
        guard node.drain != nil else { return .alive }
        return isEmptied(nodeID, lease, at: now) ? .drained : .draining
    }

    /// No heartbeat of its present boot is known here.
    package func lacksLease(of nodeID: String) -> Bool {
        nodes[nodeID].map { leases[nodeID]?.bootID != $0.body.bootId } ?? false
    }

    func lastHeartbeat(of nodeID: String) -> WallTime? {
        leases[nodeID].map { WallTime(milliseconds: $0.validUntil.milliseconds - timing.leaseDuration.milliseconds) }
    }

    /// It lives, as far as anybody can know: its watch is open here, or its heartbeats come and it has its watch at another
    /// control plane.
    func isHeardOf(_ nodeID: String, at now: WallTime) -> Bool {
        if isWatching(nodeID) { return true }
        guard let node = nodes[nodeID]?.body, let heard = lastHeartbeat(of: nodeID) else { return false }
        if let closedAt = watchClosed(by: node), closedAt >= heard { return false }
        return now - heard <= timing.heartbeatMissedAfter + timing.leasesReadInterval
    }

    package func isWatching(_ nodeID: String) -> Bool {
        if case .connected = evidence[nodeID]?.watch { true } else { false }
    }

    /// When its last watch closed, here or at another control plane; nil while one is open here or none was seen.
    private func watchClosed(by node: NodeRecord) -> WallTime? {
        switch evidence[node.nodeId]?.watch ?? .neverSeen {
        case .connected: nil
        case .closed(let closedAt): max(closedAt, node.watchClosedAt ?? closedAt)
        case .neverSeen: node.watchClosedAt
        }
    }

    /// Its watch has just closed: in a moment that alone will show that it is gone, unless more is heard of it.
    func isInDoubt(_ owner: StreamRecord.Owner?, at now: WallTime) -> Bool {
        guard let owner, let node = nodes[owner.nodeId]?.body, node.bootId == owner.bootId,
            let closedAt = watchClosed(by: node)
        else { return false }
        return now <= closedAt + timing.watchGrace
    }

    // MARK: What was seen

    package mutating func watchOpened(by nodeID: String, boot: String?) {
        guard let node = nodes[nodeID]?.body, boot == nil || boot == node.bootId else { return }
        evidence[nodeID, default: NodeEvidence()].watch = .connected
        if node.watchClosedAt != nil { untoldWatches.insert(nodeID) }
    }

    package mutating func watchClosed(by nodeID: String, boot: String?, at now: WallTime) {
        guard let node = nodes[nodeID]?.body, boot == nil || boot == node.bootId else { return }
        evidence[nodeID, default: NodeEvidence()].watch = .closed(at: now)
        untoldWatches.insert(nodeID)
        unsettle(nodeID)
    }

    /// It is not known whether the node closed it, nor when.
    package mutating func watchLost(by nodeID: String, boot: String?) {
        guard let node = nodes[nodeID]?.body, boot == nil || boot == node.bootId else { return }
        evidence[nodeID, default: NodeEvidence()].watch = .neverSeen
    }

    package mutating func probed(_ nodeID: String, answered: Bool, at now: WallTime) {
        guard nodes[nodeID] != nil else { return }
        evidence[nodeID, default: NodeEvidence()].probe = (now, answered)
        if !answered { unsettle(nodeID) }
    }

    /// Whether the node lives may have changed, and with it the streams that it owns or stands by for.
    mutating func unsettle(_ nodeID: String) {
        unsettled.formUnion(owned[nodeID] ?? [])
        unsettled.formUnion(assisted[nodeID] ?? [])
    }

    /// Somebody else was faster with its record, or the store did not answer.
    package mutating func tellWatchAgain(of nodeID: String) { untoldWatches.insert(nodeID) }

    /// Records of owners whose watch closed here, or opened after it had, for the other control planes. `limit`: writes at once.
    mutating func tellWatches(limit: Int) -> [RecordWrite] {
        var writes: [RecordWrite] = []
        for nodeID in untoldWatches.sorted().prefix(limit) {
            untoldWatches.remove(nodeID)
            guard let stored = nodes[nodeID], let watch = evidence[nodeID]?.watch else { continue }
            var record = stored.body
            switch watch {
            case .connected: record.watchClosedAt = nil
            case .closed(let closedAt) where owned[nodeID] != nil || assisted[nodeID] != nil:
                record.watchClosedAt = max(closedAt, record.watchClosedAt ?? closedAt)
            case .closed, .neverSeen: break
            }
            guard record != stored.body,
                let write = try? RecordWrite.of(.node, nodeID, record, expecting: stored.revision)
            else { continue }
            writes.append(write)
        }
        return writes
    }
}
