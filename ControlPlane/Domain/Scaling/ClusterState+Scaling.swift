package import ClusterModel
import OrderedCollections
package import Timebase

extension ClusterState {
    /// What has nodes or a policy, in order.
    package var scalingTargets: [ScalingTarget] {
        var targets = Set(members.keys)
        for (name, group) in groups {
            for role in group.body.settings.scaling?.keys.compactMap(NodeRole.init) ?? [] {
                targets.insert(ScalingTarget(group: name, role: role))
            }
        }
        return targets.sorted()
    }

    package func policy(of target: ScalingTarget) -> (policy: ScalingPolicy, isSet: Bool) {
        let set = groups[target.group]?.body.settings.scaling?[target.role.rawValue]
        return (set ?? ScalingPolicy(), set != nil)
    }

    /// When the period began that `now` is in: the same on every control plane, and growing though the policy's periods change.
    package func scalingPeriod(of target: ScalingTarget, at now: WallTime) -> WallTime {
        let length = Int64(policy(of: target).policy.periodSeconds) * 1000
        return WallTime(milliseconds: now.milliseconds / length * length)
    }

    /// Judges the period that `now` is in; nil when it was judged already, or when it changes nothing.
    package func decideScaling(
        _ target: ScalingTarget,
        at now: WallTime
    ) throws(Problem) -> Decision<ScalingDecision?> {
        let (policy, isSet) = policy(of: target)
        let stored = scaling[target]
        var record = stored?.body ?? ScalingRecord(target)
        let period = scalingPeriod(of: target, at: now)
        if let judged = record.judgedPeriod, period <= judged { return .answer(nil) }
        let members = members(of: target, at: now)
        let (measures, utilisation) = measure(members, target.role, policy)
        let outcome = ScalingRule(policy: policy).step(record.history, current: members.count, measures: measures)
        record.history = outcome.history
        record.reasons = outcome.reasons
        var decision: ScalingDecision?
        let before = stored?.body.history.desired ?? members.count
        let spare = isSet ? min(members.count - outcome.desired, max(1, members.count / Self.drainedShareMin)) : 0
        let drained = spare > 0 ? Array(candidates(members, policy, at: now).prefix(spare)) : []
        let missing = isSet ? outcome.desired - members.count : 0
        let recalled = missing > 0 ? Array(recallable(target, at: now).prefix(missing)) : []
        if outcome.desired != before || !drained.isEmpty || !recalled.isEmpty {
            let made = ScalingDecision(
                at: now,
                current: members.count,
                desired: outcome.desired,
                utilisation: utilisation,
                reasons: outcome.reasons,
                drained: drained,
                recalled: recalled.isEmpty ? nil : recalled
            )
            record.trail = (record.trail + [made]).suffix(limits.scalingTrailMax)
            decision = made
        }
        // A period that changes nothing is not worth a write; it is then judged by each, with the same result.
        if record == stored?.body ?? ScalingRecord(target) { return .answer(nil) }
        record.judgedPeriod = period
        let write = try RecordWrite.of(.scaling, target.recordKey, record, expecting: stored?.revision)
        return .write(write, then: decision)
    }

    /// At most a quarter of the nodes are asked to leave at once.
    private static let drainedShareMin = 4

    package func scalingResource(_ target: ScalingTarget, at now: WallTime) -> ScalingResource? {
        let record = scaling[target]?.body
        let members = members(of: target, at: now)
        let (policy, isSet) = policy(of: target)
        guard isSet || !members.isEmpty || record != nil else { return nil }
        let (_, utilisation) = measure(members, target.role, policy)
        let desired = record?.history.desired ?? Swift.min(Swift.max(members.count, policy.min), policy.max)
        let spare = members.count - desired
        return ScalingResource(
            group: target.group,
            role: target.role,
            current: members.count,
            desired: desired,
            utilisation: utilisation,
            reasons: record?.reasons ?? [],
            drainCandidates: spare > 0 ? Array(candidates(members, policy, at: now).prefix(spare)) : [],
            leaving: (self.members[target] ?? []).filter { nodes[$0]?.body.drain != nil }.sorted(),
            isPolicySet: isSet,
            policy: policy,
            trail: record?.trail.reversed() ?? []
        )
    }

    // MARK: Leaving

    package func leaveAnswer(to nodeID: String, at now: WallTime) -> LeaveAnswer? {
        guard let node = nodeResource(nodeID, at: now) else { return nil }
        return LeaveAnswer(
            leave: node.state == .draining || node.state == .drained,
            forScaling: nodes[nodeID]?.body.drain?.isForScaling == true,
            state: node.state,
            deadline: drainDirective(for: nodeID, at: now)?.deadline,
            sessionsLeft: node.sessionsLeft,
            safeToTerminate: node.safeToTerminate
        )
    }

    // MARK: Measures

    private func members(of target: ScalingTarget, at now: WallTime) -> [String] {
        (members[target] ?? []).filter { state(of: $0, at: now) == .alive }
    }

    private func measure(
        _ members: [String],
        _ role: NodeRole,
        _ policy: ScalingPolicy
    ) -> (measures: [ScalingMeasure], utilisation: Double) {
        guard !members.isEmpty else { return ([], 0) }
        let leases = members.compactMap { self.leases[$0] }
        func mean(_ value: (NodeLoad) -> Double) -> Double {
            leases.reduce(0) { $0 + ($1.report.map { value($0.load) } ?? 0) } / Double(members.count)
        }
        let targetCPU = policy.targetCPU(for: role)
        var measures = [ScalingMeasure(name: "cpu", value: mean(\.cpu), target: targetCPU)]
        if let target = policy.targetViewers {
            measures.append(.init(name: "viewers", value: mean { Double($0.viewers.total) }, target: Double(target)))
        }
        if let target = policy.targetEgressBitsPerSecond {
            let value = mean { Double($0.egressBitsPerSecond) }
            measures.append(.init(name: "egressBitsPerSecond", value: value, target: Double(target)))
        }
        if let target = policy.targetEncoderQueueDepth {
            let value = mean { Double($0.encoderQueueDepth) }
            measures.append(.init(name: "encoderQueueDepth", value: value, target: Double(target)))
        }
        if let target = policy.targetEncoderUse {
            measures.append(.init(name: "encoderUse", value: mean(\.encoderUse), target: target))
        }
        // Its own limits close a node whatever its CPU does.
        let capacity = members.reduce(0) { sum, nodeID in
            let isFull = self.leases[nodeID]?.report?.full?.isEmpty == false
            return sum + (isFull ? 1 : min(1, shareOfCapacity(of: nodeID)))
        }
        if capacity > 0 {
            measures.append(.init(name: "capacity", value: capacity / Double(members.count), target: targetCPU))
        }
        let fullest = (measures.map(\.ratio).max() ?? 0) * targetCPU
        return (measures, (fullest * 1000).rounded() / 1000)
    }

    /// Nodes that scaling asked to leave and that still serve somebody: quicker to have than new ones. Who has drained may be
    /// switched off any moment.
    private func recallable(_ target: ScalingTarget, at now: WallTime) -> [String] {
        (members[target] ?? []).sorted().filter { nodeID in
            nodes[nodeID]?.body.drain?.isForScaling == true && state(of: nodeID, at: now) == .draining
        }
    }

    /// Nodes that may go, cheapest to move first: publishers have to reconnect, children to find another parent, players
    /// to be waited for.
    private func candidates(_ members: [String], _ policy: ScalingPolicy, at now: WallTime) -> [String] {
        let movable = members.filter { nodeID in
            nodes[nodeID].map { now - $0.body.bootedAt >= .seconds(policy.protectedSeconds) } ?? false
        }
        let costs = movable.map { nodeID in
            let report = leases[nodeID]?.report
            return (
                id: nodeID, publishers: report?.load.publishers ?? 0, children: reportedChildren[nodeID] ?? 0,
                sessions: report?.sessions ?? 0
            )
        }
        return costs.sorted {
            ($0.publishers, $0.children, $0.sessions, $0.id) < ($1.publishers, $1.children, $1.sessions, $1.id)
        }.map(\.id)
    }
}
