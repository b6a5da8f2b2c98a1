package import ClusterModel
package import Timebase

/// A route without its ticket, which the shell signs.
package struct RouteDecision: Hashable, Sendable {
    package var epoch: Int64
    package var parent: RouteAnswer.Parent
    package var tier: RouteAnswer.Tier
    package var secondaryForGroup: Bool
}

/// The relay tree: main origin → the secondary origins of the asker's ancestor groups → the one of its own group → the
/// group's other nodes, below each other where one is full.
extension ClusterState {
    package mutating func noteRouteAsked(_ stream: StreamID, _ request: RouteRequest, at now: WallTime) {
        interests.note(
            stream,
            askedBy: request.nodeId,
            until: now + timing.routeInterest,
            max: limits.interestsMax
        )
        let epoch = streams[stream]?.body.epoch ?? 0
        failedParents.remember(
            request.failed ?? [],
            of: stream,
            for: request.nodeId,
            epoch: epoch,
            until: now + timing.failedParentMemory,
            at: now,
            max: limits.failedParentsMax
        )
        let asker = request.nodeId
        if let parent = givenRoutes.parent(of: asker, stream, at: now),
            failedParents.contains(parent, of: stream, epoch, for: asker, at: now)
        {
            givenRoutes.forget(asker, stream)
        }
    }

    /// The route was told to the asker: until heartbeats show the pull, this says where it hangs in the tree.
    package mutating func noteRouteGiven(_ stream: StreamID, to asker: String, _ route: RouteDecision, at now: WallTime)
    {
        givenRoutes.note(
            stream,
            asker: asker,
            parent: route.parent.nodeId,
            until: now + timing.secondaryStart,
            max: limits.givenRoutesMax
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
        else {
            if streams[stream]?.body.settings?.source != nil {
                throw .unavailable("'\(stream)' is being fetched from its source. Ask again shortly.")
            }
            throw .unknownStream(stream, readableAt: lastOwner(of: stream, besides: asker, at: now))
        }
        guard let owner = stored.body.owner, let origin = nodes[owner.nodeId]?.body else {
            throw .unavailable("'\(stream)' is interrupted: its publisher has not come back yet. Ask again shortly.")
        }
        guard origin.nodeId != asker.nodeId else {
            throw .conflict("Node '\(asker.nodeId)' owns '\(stream)' itself.")
        }
        let query = RouteQuery(
            stream: stream,
            record: stored.body,
            asker: asker,
            origin: origin,
            now: now,
            parents: parents(of: stream, ownedBy: origin.nodeId, at: now)
        )
        if origin.group == asker.group { return .answer(try fromOrigin(query, using: &random)) }
        if let secondary = secondary(of: asker.group, query), secondary.nodeId != asker.nodeId {
            if canUse(secondary, query) {
                return .answer(below(secondary, in: asker.group, query, using: &random))
            }
            // The others get on with their secondary: this asker alone cannot reach it, and goes around.
            if isSound(secondary, query), let sibling = peer(query, in: asker.group, using: &random) {
                return .answer(decision(query, sibling, .peer))
            }
        }
        return try becomeSecondary(query, stored.revision, using: &random)
    }

    /// Who still has the segments of a stream that has just finished. Nobody pulls it any more.
    private func lastOwner(of stream: StreamID, besides asker: NodeRecord, at now: WallTime) -> NodeAddresses? {
        guard let record = streams[stream]?.body, let end = record.endedAt, now < end + timing.finishedReadable,
            let last = record.lastOwner, last.nodeId != asker.nodeId, let node = nodes[last.nodeId]?.body,
            node.bootId == last.bootId, state(of: node.nodeId, at: now) != .dead
        else { return nil }
        return node.addresses
    }

    // MARK: Into a group

    private func becomeSecondary(
        _ query: RouteQuery,
        _ revision: Revision,
        using random: inout some RandomNumberGenerator
    ) throws(Problem) -> Decision<RouteDecision> {
        var record = query.record
        var answer = try fromOutside(query, &record, using: &random)
        // Who takes no new sessions is no start for a group's others.
        if state(of: query.asker.nodeId, at: query.now) == .alive {
            answer.secondaryForGroup = true
            record.name(query.asker, at: query.now)
        }
        guard record != query.record else { return .answer(answer) }
        return .write(try .of(.stream, query.stream.recordKey, record, expecting: revision), then: answer)
    }

    /// From the nearest ancestor group that has a node to give it, or from the origin. A group between that has nobody to
    /// pull the stream yet gets a secondary origin, so that its other descendants find the stream there.
    private func fromOutside(
        _ query: RouteQuery,
        _ record: inout StreamRecord,
        using random: inout some RandomNumberGenerator
    ) throws(Problem) -> RouteDecision {
        let originsLine = [query.origin.group] + ancestors(of: query.origin.group)
        if !originsLine.contains(query.asker.group) {
            for group in ancestors(of: query.asker.group) where group != query.origin.group {
                let secondary = secondary(of: group, query)
                if let secondary, canUse(secondary, query) {
                    return below(secondary, in: group, query, using: &random)
                }
                if secondary != nil, let sibling = peer(query, in: group, using: &random) {
                    return decision(query, sibling, .peer)
                }
                // Above the point where the two lines meet, the stream does not pass.
                if originsLine.contains(group) { break }
                if secondary.map({ isSound($0, query) }) == true { continue }
                if let recruit = idle(in: group, query, using: &random) {
                    record.name(recruit, at: query.now)
                    return decision(query, recruit, .secondary)
                }
            }
        }
        return try fromOrigin(query, using: &random)
    }

    // MARK: Who gives it

    /// The origin; below its own group's nodes when it is full; around it when the asker cannot reach it.
    private func fromOrigin(
        _ query: RouteQuery,
        using random: inout some RandomNumberGenerator
    ) throws(Problem) -> RouteDecision {
        let isOwned = query.record.owner.map { !verdict(on: $0, at: query.now).isGone } ?? false
        if isOwned, canUse(query.origin, query) {
            if isFull(query.origin, query), let peer = peer(query, in: query.origin.group, using: &random) {
                return decision(query, peer, .peer)
            }
            return decision(query, query.origin, .origin)
        }
        // Only one that said itself that it pulls: those that were just given a route wait too, maybe for the asker.
        if let peer = peer(query, in: query.asker.group, isProven: true, using: &random)
            ?? peer(query, in: nil, isProven: true, using: &random)
        {
            return decision(query, peer, .peer)
        }
        // Nobody who could be asked has it, but somebody may reach the origin where the asker cannot. An origin that is not
        // known to live yet is waited for: helpers would be sent to each other.
        if isOwned, isHeardOf(query.origin.nodeId, at: query.now),
            hasFailed(query.origin.nodeId, for: query.asker.nodeId, query)
        {
            if let helper = idle(in: query.asker.group, query, using: &random) ?? idle(in: nil, query, using: &random) {
                return decision(query, helper, .peer)
            }
            if leavesItsChildrenWithoutMedia(query) { throw .outOfReach(query.stream) }
        }
        throw .unavailable("No node that has '\(query.stream)' can be used now. Ask again shortly.")
    }

    /// Nodes hang below the asker that may reach the origin, as far as is known.
    private func leavesItsChildrenWithoutMedia(_ query: RouteQuery) -> Bool {
        query.parents.contains { child, parent in
            parent == query.asker.nodeId && !hasFailed(query.origin.nodeId, for: child, query)
        }
    }

    /// From the group's secondary, or from a sibling of it that has room when it is full.
    private func below(
        _ secondary: NodeRecord,
        in group: String,
        _ query: RouteQuery,
        using random: inout some RandomNumberGenerator
    ) -> RouteDecision {
        if isFull(secondary, query), let sibling = peer(query, in: group, using: &random) {
            return decision(query, sibling, .peer)
        }
        return decision(query, secondary, .secondary)
    }

    /// The group's secondary if it lives and has the stream, or had no time to show it.
    private func secondary(of group: String, _ query: RouteQuery) -> NodeRecord? {
        guard let secondary = query.record.secondaries[group], let node = nodes[secondary.nodeId]?.body,
            node.bootId == secondary.bootId, node.group == group
        else { return nil }
        if node.nodeId == query.asker.nodeId { return node }
        let isStarting = query.now - secondary.since < timing.secondaryStart
        guard isOpen(node, query), isStarting || query.parents[node.nodeId] != nil else { return nil }
        return node
    }

    /// Whether only the asker complains of the node: it is heard of, and nobody else named it as failed.
    private func isSound(_ node: NodeRecord, _ query: RouteQuery) -> Bool {
        guard isHeardOf(node.nodeId, at: query.now) else { return false }
        return !interests.nodes(askingFor: query.stream, at: query.now).contains {
            $0 != query.asker.nodeId
                && hasFailed(node.nodeId, for: $0, query)
        }
    }

    /// Of two of the nodes that pull the stream and have room for one more, the one with fewer children.
    private func peer(
        _ query: RouteQuery,
        in group: String?,
        isProven: Bool = false,
        using random: inout some RandomNumberGenerator
    ) -> NodeRecord? {
        let nodesWithIt = isProven ? reportedParents[query.stream] ?? [:] : query.parents
        let candidates = nodesWithIt.keys.sorted().compactMap { nodes[$0]?.body }.filter {
            (group == nil || $0.group == group) && $0.nodeId != query.origin.nodeId && canUse($0, query)
                && !isFull($0, query) && !lostItsParent($0, query)
        }
        guard let first = candidates.randomElement(using: &random),
            let second = candidates.randomElement(using: &random)
        else { return nil }
        let counts = [first, second].map { query.childCounts[$0.nodeId] ?? 0 }
        if counts[0] != counts[1] { return counts[0] < counts[1] ? first : second }
        return utilisation(of: second.nodeId) < utilisation(of: first.nodeId) ? second : first
    }

    /// A node that does not have the stream yet and could pull it: the less loaded of two.
    private func idle(
        in group: String?,
        _ query: RouteQuery,
        using random: inout some RandomNumberGenerator
    ) -> NodeRecord? {
        let candidates = nodes.keys.sorted().compactMap { nodes[$0]?.body }.filter {
            (group == nil || $0.group == group) && $0.nodeId != query.origin.nodeId && $0.role.takesPlayers
                && canUse($0, query) && !isOverLimits($0)
                && !hasFailed(query.origin.nodeId, for: $0.nodeId, query)
        }
        guard let first = candidates.randomElement(using: &random),
            let second = candidates.randomElement(using: &random)
        else { return nil }
        return utilisation(of: second.nodeId) < utilisation(of: first.nodeId) ? second : first
    }

    // MARK: What is known of a node

    /// Whether it takes relay children now. An origin that drains goes on giving what it owns.
    private func isOpen(_ node: NodeRecord, _ query: RouteQuery) -> Bool {
        let state = state(of: node.nodeId, at: query.now)
        let takesNew = state == .alive && leases[node.nodeId]?.report?.isDraining != true
        return node.addresses.relay != nil && (takesNew || node.nodeId == query.origin.nodeId && state != .dead)
    }

    private func canUse(_ node: NodeRecord, _ query: RouteQuery) -> Bool {
        node.nodeId != query.asker.nodeId && isOpen(node, query)
            && !hasFailed(node.nodeId, for: query.asker.nodeId, query)
            && !isBelow(query.asker.nodeId, node.nodeId, query)
    }

    private func isFull(_ node: NodeRecord, _ query: RouteQuery) -> Bool {
        let max =
            node.registration.capacity?.relayChildren ?? groups[node.group]?.body.settings.childrenPerParentMax
            ?? limits.childrenPerParentDefault
        return query.childCounts[node.nodeId] ?? 0 >= max || isOverLimits(node)
    }

    /// What an origin is full of may be publishers, which are nothing to its children.
    private func isOverLimits(_ node: NodeRecord) -> Bool {
        let isClosed = node.role.takesPlayers && leases[node.nodeId]?.report?.full?.isEmpty == false
        return isClosed || shareOfCapacity(of: node.nodeId) >= 1
    }

    private func hasFailed(_ parent: String, for child: String, _ query: RouteQuery) -> Bool {
        failedParents.contains(parent, of: query.stream, query.record.epoch, for: child, at: query.now)
    }

    /// It looks for a parent itself, or one above it does: what it has may end any moment.
    private func lostItsParent(_ node: NodeRecord, _ query: RouteQuery) -> Bool {
        var current = node.nodeId
        var visited: Set<String> = []
        while visited.insert(current).inserted, let parent = query.parents[current] {
            if hasFailed(parent, for: current, query) { return true }
            current = parent
        }
        return false
    }

    /// Who pulls the stream from whom, of living nodes: as heartbeats tell, and fresh routes before those can.
    ///
    /// The owner pulls from nobody. Its last heartbeat may be from before its claim: taken at its word, it would hang below
    /// its own children, and none of them could be sent to it.
    private func parents(of stream: StreamID, ownedBy owner: String, at now: WallTime) -> [String: String] {
        var parents = reportedParents[stream] ?? [:]
        for (node, parent) in givenRoutes.routes(of: stream, at: now) { parents[node] = parent }
        parents[owner] = nil
        return parents.filter { state(of: $0.key, at: now) != .dead }
    }

    /// Whether `node` gets the stream, over any number of hops, from `ancestor`: pulling from it would be a loop.
    private func isBelow(_ ancestor: String, _ node: String, _ query: RouteQuery) -> Bool {
        var current = node
        var visited: Set<String> = []
        while visited.insert(current).inserted, let parent = query.parents[current] {
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
                relayTLS: node.addresses.relayTLS,
                group: node.group
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
    /// By node, whom it pulls the stream from.
    var parents: [String: String]
    /// By node, how many others than the asker pull from it.
    var childCounts: [String: Int] = [:]

    init(
        stream: StreamID,
        record: StreamRecord,
        asker: NodeRecord,
        origin: NodeRecord,
        now: WallTime,
        parents: [String: String]
    ) {
        self.stream = stream
        self.record = record
        self.asker = asker
        self.origin = origin
        self.now = now
        self.parents = parents
        for (child, parent) in parents where child != asker.nodeId { childCounts[parent, default: 0] += 1 }
    }
}

extension StreamRecord {
    /// Makes the node its group's secondary origin, if it is not already.
    fileprivate mutating func name(_ node: NodeRecord, at now: WallTime) {
        if let present = secondaries[node.group], present.nodeId == node.nodeId, present.bootId == node.bootId {
            return
        }
        secondaries[node.group] = Secondary(nodeId: node.nodeId, bootId: node.bootId, since: now)
    }
}
