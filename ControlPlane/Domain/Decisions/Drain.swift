package import ClusterModel
package import Timebase

/// Taking a node out of service without losing anybody, and taking it in again.
extension ClusterState {
    /// Repeating it sets a new deadline, and makes what scaling began the operator's.
    package func decideDrain(
        _ nodeID: String,
        _ request: DrainRequest,
        forScaling: Bool = false,
        ifMatch: RevisionCondition = .any,
        at now: WallTime
    ) throws(Problem) -> Decision<Bool> {
        guard let stored = nodes[nodeID] else { throw .unknownNode(nodeID) }
        try ifMatch.check(stored.revision)
        var record = stored.body
        let endsAt = now + .seconds(request.deadline)
        record.drain = NodeRecord.Drain(
            startedAt: record.drain?.startedAt ?? now,
            endsAt: endsAt,
            isForScaling: forScaling ? true : nil
        )
        guard record != stored.body else { return .answer(false) }
        return .write(try .of(.node, nodeID, record, expecting: stored.revision), then: true)
    }

    package func decideUndrain(
        _ nodeID: String,
        ifMatch: RevisionCondition = .any
    ) throws(Problem) -> Decision<Bool> {
        guard let stored = nodes[nodeID] else { throw .unknownNode(nodeID) }
        try ifMatch.check(stored.revision)
        guard stored.body.drain != nil else { return .answer(false) }
        var record = stored.body
        record.drain = nil
        return .write(try .of(.node, nodeID, record, expecting: stored.revision), then: true)
    }

    /// What the node is to do now, by heartbeat answer and by watch.
    func directives(for nodeID: String, at now: WallTime) -> [Directive] {
        (drainDirective(for: nodeID, at: now).map { [$0] } ?? []) + surveyDirectives(for: nodeID, at: now)
    }

    func drainDirective(for nodeID: String, at now: WallTime) -> Directive? {
        guard let drain = nodes[nodeID]?.body.drain else { return nil }
        let secondsLeft = max(0, (drain.endsAt - now).milliseconds + 999) / 1000
        return Directive(
            type: .drain,
            deadline: Int(secondsLeft),
            hasReplacement: hasReplacement(for: nodeID, at: now)
        )
    }

    /// Whether `assign` would name another node for each of this one's publishers.
    private func hasReplacement(for nodeID: String, at now: WallTime) -> Bool {
        let spoken = Set((owned[nodeID] ?? []).compactMap { streams[$0]?.body.owner?.protocol })
        let wishes = spoken.isEmpty ? [nil] : spoken.map(AssignedProtocol.init)
        return wishes.allSatisfy { kind in
            let wish = Wish(nil, for: .publish, over: kind)
            return nodes.contains { id, node in id != nodeID && refusal(of: node.body, wish, at: now) == nil }
        }
    }

    /// Nothing would be lost with this node: it said itself that it takes nothing new and serves nobody, it owns nothing,
    /// and nobody pulls from it.
    func isEmptied(_ nodeID: String, _ lease: LeaseView, at now: WallTime) -> Bool {
        guard let report = lease.report, report.isDraining == true else { return false }
        return report.sessions == 0 && report.holds.isEmpty && owned[nodeID] == nil
            && children(of: nodeID, at: now).isEmpty
    }
}
