package import ClusterModel
package import Timebase

/// A route without its ticket, which the shell signs.
package struct RouteDecision: Hashable, Sendable {
    package var epoch: Int64
    package var parent: RouteAnswer.Parent
    package var tier: RouteAnswer.Tier
    package var secondaryForGroup: Bool
}

/// The relay tree: main origin → one secondary origin per group → the group's other nodes.
extension ClusterState {
    package mutating func noteRouteAsked(_ stream: StreamID, _ request: RouteRequest, at now: WallTime) {
        interests.note(
            stream,
            askedBy: request.nodeId,
            until: now + timing.routeInterest,
            max: limits.interestsMax
        )
        failedParents.remember(
            request.failed ?? [],
            of: stream,
            for: request.nodeId,
            epoch: streams[stream]?.body.epoch ?? 0,
            until: now + timing.failedParentMemory,
            at: now,
            max: limits.failedParentsMax
        )
    }

    package func decideRoute(
        _ stream: StreamID,
        _ request: RouteRequest,
        at now: WallTime,
        using random: inout some RandomNumberGenerator
    ) throws(Problem) -> Decision<RouteDecision> {
        let asker = try currentNode(request.nodeId, boot: request.bootId)
        guard let (stored, condition) = readable(stream, at: now), condition.status != .created,
            condition.status != .finished
        else { throw .unknownStream(stream) }
        guard let owner = stored.body.owner, let origin = nodes[owner.nodeId]?.body else {
            throw .unavailable("'\(stream)' is interrupted: its publisher has not come back yet. Ask again shortly.")
        }
        guard origin.nodeId != asker.nodeId else {
            throw .conflict("Node '\(asker.nodeId)' owns '\(stream)' itself.")
        }
        let query = RouteQuery(stream: stream, record: stored.body, asker: asker, origin: origin, now: now)
        if origin.group == asker.group {
            return .answer(try upstream(of: query, using: &random))
        }
        if let secondary = usableSecondary(of: asker.group, query), secondary.nodeId != asker.nodeId {
            return .answer(decision(query, secondary, .secondary))
        }
        return try becomeSecondary(query, stored.revision, using: &random)
    }

    private func becomeSecondary(
        _ query: RouteQuery,
        _ revision: Revision,
        using random: inout some RandomNumberGenerator
    ) throws(Problem) -> Decision<RouteDecision> {
        var answer = try upstream(of: query, using: &random)
        answer.secondaryForGroup = true
        let group = query.asker.group
        if let present = query.record.secondaries[group], present.nodeId == query.asker.nodeId,
            present.bootId == query.asker.bootId
        {
            return .answer(answer)
        }
        var record = query.record
        record.secondaries[group] = StreamRecord.Secondary(
            nodeId: query.asker.nodeId,
            bootId: query.asker.bootId,
            since: query.now
        )
        let write = try RecordWrite.of(.stream, query.stream.recordKey, record, expecting: revision)
        return .write(write, then: answer)
    }

    /// Where a stream comes from for a node that does not get it inside its own group: an ancestor group's secondary, the
    /// origin, or, when the asker cannot use those, any node that has it.
    private func upstream(
        of query: RouteQuery,
        using random: inout some RandomNumberGenerator
    ) throws(Problem) -> RouteDecision {
        if query.origin.group != query.asker.group, let ancestor = ancestorSecondary(query) {
            return decision(query, ancestor, .secondary)
        }
        let isOwned = query.record.owner.map { !verdict(on: $0, at: query.now).isGone } ?? false
        if isOwned, canUse(query.origin, query) { return decision(query, query.origin, .origin) }
        if let peer = peer(query, using: &random) { return decision(query, peer, .peer) }
        throw .unavailable("No node that has '\(query.stream)' can be used now. Ask again shortly.")
    }

    private func ancestorSecondary(_ query: RouteQuery) -> NodeRecord? {
        var group = groups[query.asker.group]?.body.settings.parent
        var visited: Set<String> = [query.asker.group]
        while let name = group, name != query.origin.group, visited.insert(name).inserted {
            if let secondary = usableSecondary(of: name, query), !isBelow(query.asker.nodeId, secondary.nodeId, query) {
                return secondary
            }
            group = groups[name]?.body.settings.parent
        }
        return nil
    }

    /// The group's secondary if it lives, can be used by the asker, and has the stream or had no time to show it.
    private func usableSecondary(of group: String, _ query: RouteQuery) -> NodeRecord? {
        guard let secondary = query.record.secondaries[group], let node = nodes[secondary.nodeId]?.body,
            node.bootId == secondary.bootId, node.group == group
        else { return nil }
        if node.nodeId == query.asker.nodeId { return node }
        let isStarting = query.now - secondary.since < timing.secondaryStart
        guard canUse(node, query), isStarting || pulls(node.nodeId, query.stream) else { return nil }
        return node
    }

    /// Two of the nodes that have the stream, the asker's own group first, and of those the less loaded.
    private func peer(_ query: RouteQuery, using random: inout some RandomNumberGenerator) -> NodeRecord? {
        let nearby = (carriers[query.stream] ?? []).sorted().compactMap { nodes[$0]?.body }.filter {
            $0.nodeId != query.origin.nodeId && canUse($0, query) && pulls($0.nodeId, query.stream)
                && !isBelow(query.asker.nodeId, $0.nodeId, query)
        }
        let inGroup = nearby.filter { $0.group == query.asker.group }
        let candidates = inGroup.isEmpty ? nearby : inGroup
        guard let first = candidates.randomElement(using: &random),
            let second = candidates.randomElement(using: &random)
        else { return nil }
        return utilisation(of: second.nodeId) < utilisation(of: first.nodeId) ? second : first
    }

    private func canUse(_ node: NodeRecord, _ query: RouteQuery) -> Bool {
        node.nodeId != query.asker.nodeId && node.addresses.relay != nil
            && state(of: node.nodeId, at: query.now) != .dead
            && !isBanned(node, query)
    }

    private func isBanned(_ node: NodeRecord, _ query: RouteQuery) -> Bool {
        failedParents.contains(
            node.nodeId,
            of: query.stream,
            query.record.epoch,
            for: query.asker.nodeId,
            at: query.now
        )
    }

    private func pulls(_ nodeID: String, _ stream: StreamID) -> Bool {
        leases[nodeID]?.report?.pull(of: stream) != nil
    }

    /// Whether `node` gets the stream, over any number of hops, from `ancestor`: pulling from it would be a loop.
    private func isBelow(_ ancestor: String, _ node: String, _ query: RouteQuery) -> Bool {
        var current = node
        var visited: Set<String> = []
        while visited.insert(current).inserted, let parent = leases[current]?.report?.pull(of: query.stream)?.from {
            if parent == ancestor { return true }
            current = parent
        }
        return false
    }

    private func decision(_ query: RouteQuery, _ node: NodeRecord, _ tier: RouteAnswer.Tier) -> RouteDecision {
        RouteDecision(
            epoch: query.record.epoch,
            parent: RouteAnswer.Parent(
                nodeId: node.nodeId,
                host: node.addresses.host,
                relay: node.addresses.relay ?? 0,
                relayTLS: node.addresses.relayTLS
            ),
            tier: tier,
            secondaryForGroup: false
        )
    }
}

private struct RouteQuery {
    var stream: StreamID
    var record: StreamRecord
    var asker: NodeRecord
    var origin: NodeRecord
    var now: WallTime
}
