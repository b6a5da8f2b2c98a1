package import ClusterModel
package import Timebase

/// Relay surveys: every living node is asked, by heartbeat answer and watch, to try the others' relay ports. Nothing but the
/// question is stored; the answers are in the nodes' heartbeats, so any control plane can tell them.
extension ClusterState {
    package func decideSurvey(at now: WallTime) throws(Problem) -> Decision<Int64> {
        if let stored = survey?.body, now - stored.startedAt < timing.surveyShared, stored.startedAt <= now {
            return .answer(stored.id)
        }
        let record = RelaySurveyRecord(id: max(now.milliseconds, (survey?.body.id ?? 0) + 1), startedAt: now)
        let write = try RecordWrite.of(.cluster, RelaySurveyRecord.key, record, expecting: survey?.revision)
        return .write(write, then: record.id)
    }

    /// What the node has still to do for the survey under way.
    func surveyDirectives(for nodeID: String, at now: WallTime) -> [Directive] {
        guard let survey = survey?.body, now - survey.startedAt <= timing.surveyLifetime,
            state(of: nodeID, at: now) != .dead, probes(of: nodeID, in: survey) == nil
        else { return [] }
        return [Directive(type: .probeRelays, surveyId: survey.id, targets: probeTargets(for: nodeID, at: now))]
    }

    package func relaySurvey(at now: WallTime) -> RelaySurvey? {
        guard let survey = survey?.body else { return nil }
        var view = RelaySurvey(id: survey.id, startedAt: survey.startedAt, pending: [], links: [])
        for nodeID in nodes.keys.sorted() where state(of: nodeID, at: now) != .dead {
            guard let probes = probes(of: nodeID, in: survey) else {
                view.pending.append(nodeID)
                continue
            }
            view.links += probes.links.prefix(ProbeTarget.countMax).map { .init(from: nodeID, probe: $0) }
        }
        return view
    }

    private func probes(of nodeID: String, in survey: RelaySurveyRecord) -> RelayProbeReport? {
        leases[nodeID]?.report?.relayProbes.flatMap { $0.surveyId == survey.id ? $0 : nil }
    }

    /// The others with a relay port, beginning with those that follow by name: in a large cluster every one is tried by some.
    private func probeTargets(for nodeID: String, at now: WallTime) -> [ProbeTarget] {
        let others = nodes.compactMap { id, node -> ProbeTarget? in
            guard id != nodeID, let relay = node.body.addresses.relay, state(of: id, at: now) != .dead else {
                return nil
            }
            let addresses = node.body.addresses
            return ProbeTarget(nodeId: id, host: addresses.host, relay: relay, relayTLS: addresses.relayTLS)
        }.sorted { $0.nodeId < $1.nodeId }
        let start = others.firstIndex { $0.nodeId > nodeID } ?? 0
        return Array((others[start...] + others[..<start]).prefix(ProbeTarget.countMax))
    }
}
