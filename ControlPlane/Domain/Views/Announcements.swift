package import ClusterModel
import OrderedCollections
package import Timebase

/// An event with those whom it concerns.
package struct Announcement: Hashable, Sendable {
    package var event: WatchEvent
    /// Nil concerns everybody.
    package var nodes: Set<String>?

    package init(event: WatchEvent, nodes: Set<String>?) {
        self.event = event
        self.nodes = nodes
    }
}

/// What watchers were last told, so that only changes are sent; counted, so that nobody has to judge all of a large cluster
/// to tell how it is.
struct Announcements: Sendable {
    private(set) var nodes: [String: WatchEvent.NodeChange] = [:]
    private(set) var streams: [StreamID: WatchEvent.StreamChange] = [:]
    private(set) var nodeCounts: [NodeState: Int] = [:]
    private(set) var streamCounts: [StreamStatus: Int] = [:]

    mutating func note(_ nodeID: String, _ change: WatchEvent.NodeChange?) {
        if let former = nodes[nodeID] { nodeCounts[former.state, default: 0] -= 1 }
        if let change { nodeCounts[change.state, default: 0] += 1 }
        nodes[nodeID] = change
    }

    mutating func note(_ stream: StreamID, _ change: WatchEvent.StreamChange?) {
        if let former = streams[stream] { streamCounts[former.status, default: 0] -= 1 }
        if let change { streamCounts[change.status, default: 0] += 1 }
        streams[stream] = change
    }
}

extension ClusterState {
    /// Nodes by state, as the watchers know them: what time alone changed is a sweep late.
    package var nodeCounts: [NodeState: Int] { announced.nodeCounts }
    package var streamCounts: [StreamStatus: Int] { announced.streamCounts }

    package func nodeChange(_ nodeID: String, at now: WallTime) -> WatchEvent.NodeChange? {
        nodes[nodeID].map {
            WatchEvent.NodeChange(
                nodeId: nodeID,
                group: $0.body.group,
                ancestors: ancestors(of: $0.body.group),
                state: state(of: nodeID, at: now),
                directives: directives(for: nodeID, at: now)
            )
        }
    }

    package func streamChange(_ stream: StreamID, at now: WallTime) -> WatchEvent.StreamChange? {
        guard let (stored, condition) = readable(stream, at: now) else { return nil }
        let (owner, standby) = (present(stored.body.owner, at: now), present(stored.body.standby, at: now))
        return WatchEvent.StreamChange(
            app: stream.app,
            id: stream.id,
            epoch: stored.body.epoch,
            status: condition.status,
            originNodeId: owner?.nodeId,
            standbyNodeId: standby?.nodeId,
            encoderSettings: stored.body.settings?.ladder
        )
    }

    private func present(_ owner: StreamRecord.Owner?, at now: WallTime) -> StreamRecord.Owner? {
        owner.flatMap { verdict(on: $0, at: now).isGone ? nil : $0 }
    }

    /// The stream's news, if there is any, and the loss it means for the former owner.
    package mutating func announce(
        _ stream: StreamID,
        formerOwner: StreamRecord.Owner? = nil,
        formerEpoch: Int64 = 0,
        at now: WallTime
    ) -> [Announcement] {
        guard let record = streams[stream]?.body, let change = streamChange(stream, at: now) else { return [] }
        var news: [Announcement] = []
        if announced.streams[stream] != change {
            announced.note(stream, change)
            news.append(Announcement(event: .stream(change), nodes: concerned(with: stream, formerOwner, at: now)))
        }
        if let formerOwner, record.epoch > formerEpoch, record.owner?.nodeId != formerOwner.nodeId {
            let loss = LostHold(app: stream.app, id: stream.id, epoch: record.epoch, by: record.owner?.nodeId)
            news.append(Announcement(event: .lost(loss), nodes: [formerOwner.nodeId]))
        }
        return news
    }

    package mutating func announceNode(_ nodeID: String, always: Bool = false, at now: WallTime) -> [Announcement] {
        guard let change = nodeChange(nodeID, at: now) else {
            announced.note(nodeID, nil)
            return []
        }
        let last = announced.nodes[nodeID]
        guard
            always || last?.state != change.state || last?.group != change.group || last?.ancestors != change.ancestors
        else { return [] }
        announced.note(nodeID, change)
        var told: Set<String> = [nodeID]
        // Those who pull from a node that drains, or moved to another group, must ask where they belong now.
        if change.state == .draining || last.map({ $0.group != change.group }) == true {
            told.formUnion(children(of: nodeID, at: now))
        }
        return [Announcement(event: .node(change), nodes: told)]
    }

    /// The nodes of a group whose parent was changed, and of all groups below it: each belongs elsewhere in the tree.
    package mutating func announceMembers(below group: String, at now: WallTime) -> [Announcement] {
        let groups = Set(members.keys.map(\.group)).filter { $0 == group || ancestors(of: $0).contains(group) }
        return groups.sorted().flatMap { members(ofGroup: $0).sorted() }.reduce(into: []) {
            $0 += announceNode($1, at: now)
        }
    }

    /// Nodes that pull anything from it.
    func children(of nodeID: String, at now: WallTime) -> Set<String> {
        let streams = leases[nodeID]?.report?.carried ?? []
        return streams.reduce(into: []) { found, stream in
            found.formUnion((reportedParents[stream] ?? [:]).filter { $0.value == nodeID }.keys)
            found.formUnion(givenRoutes.routes(of: stream, at: now).filter { $0.value == nodeID }.keys)
        }
    }

    /// Asks every living node to take part in the survey that has begun.
    package func announceSurvey(at now: WallTime) -> [Announcement] {
        nodes.keys.compactMap { nodeID in
            guard let change = nodeChange(nodeID, at: now),
                change.directives.contains(where: { $0.type == .probeRelays })
            else { return nil }
            return Announcement(event: .node(change), nodes: [nodeID])
        }
    }

    /// News that time alone made.
    package mutating func announceTimeouts(at now: WallTime) -> [Announcement] {
        var news: [Announcement] = []
        if announcedEnds.isDue(at: now) {
            for nodeID in nodes.keys {
                let change = announceNode(nodeID, at: now)
                if !change.isEmpty { unsettle(nodeID) }
                news += change
            }
            announcedEnds.looked(at: now, nextEnd: nextLeaseEnd(at: now), limit: timing.leaseDuration)
        }
        for stream in unsettled { news += announce(stream, at: now) }
        return news
    }

    package func snapshot(for nodeID: String?, at now: WallTime) -> WatchSnapshot {
        let names = nodeID.map { streams(concerning: $0, at: now) } ?? Set(streams.keys)
        return WatchSnapshot(
            node: nodeID.flatMap { nodeChange($0, at: now) },
            apps: allSettings,
            streams: names.sorted().compactMap { streamChange($0, at: now) },
            parents: nodeID.map { parents(of: $0, at: now).sorted().compactMap { nodeChange($0, at: now) } }
        )
    }

    /// Nodes that it pulls anything from.
    private func parents(of nodeID: String, at now: WallTime) -> Set<String> {
        let told = leases[nodeID]?.report?.pulls.map(\.from) ?? []
        return interests.streams(askedForBy: nodeID, at: now).reduce(into: Set(told)) { parents, stream in
            if let parent = givenRoutes.parent(of: nodeID, stream, at: now) { parents.insert(parent) }
        }
    }

    /// The other way round than `concerned(with:)`.
    private func streams(concerning nodeID: String, at now: WallTime) -> Set<StreamID> {
        (leases[nodeID]?.report?.carried ?? []).union(interests.streams(askedForBy: nodeID, at: now))
            .union(owned[nodeID] ?? []).union(assisted[nodeID] ?? [])
    }

    private func concerned(with stream: StreamID, _ formerOwner: StreamRecord.Owner?, at now: WallTime) -> Set<String> {
        var nodes = Set(carriers[stream] ?? [])
        nodes.formUnion(interests.nodes(askingFor: stream, at: now))
        if let owner = streams[stream]?.body.owner { nodes.insert(owner.nodeId) }
        if let formerOwner { nodes.insert(formerOwner.nodeId) }
        return nodes.union(streams[stream]?.body.assistants ?? [])
    }
}
