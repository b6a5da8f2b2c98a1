package import ClusterModel
import OrderedCollections
package import Timebase

/// Records as the API shows them.
extension ClusterState {
    package func nodeResource(_ nodeID: String, at now: WallTime) -> NodeResource? {
        guard let node = nodes[nodeID]?.body else { return nil }
        let state = state(of: nodeID, at: now)
        let lease = leases[nodeID].flatMap { $0.bootID == node.bootId ? $0 : nil }
        let sessions = state == .dead ? 0 : lease?.report?.sessions ?? 0
        return NodeResource(
            nodeId: nodeID,
            role: node.role,
            group: node.group,
            state: state,
            bootId: node.bootId,
            version: node.registration.version,
            addresses: node.addresses,
            capacity: node.registration.capacity,
            load: lease?.report?.load ?? NodeLoad(),
            lastHeartbeatAt: lease.flatMap { _ in lastHeartbeat(of: nodeID) },
            sessionsLeft: sessions,
            safeToTerminate: state == .dead || state == .drained,
            streams: owned[nodeID]?.count ?? 0,
            clockOffsetMilliseconds: clockOffset(of: nodeID),
            storeMilliseconds: lease?.storeTime.map { Double($0.nanoseconds / 1000) / 1000 },
            closed: lease?.report?.closed
        )
    }

    /// As measured when the heartbeat came; where another control plane took it, from when the store did.
    private func clockOffset(of nodeID: String) -> Int64? {
        guard let report = leases[nodeID]?.report else { return nil }
        if let measured = report.clockOffsetMilliseconds { return measured }
        guard let sentAt = report.sentAt, let takenAt = lastHeartbeat(of: nodeID) else { return nil }
        return (sentAt - takenAt).milliseconds
    }

    package func streamResource(_ stream: StreamID, at now: WallTime) -> StreamResource? {
        guard let (stored, condition) = readable(stream, at: now) else { return nil }
        let record = stored.body
        let owner = record.owner.flatMap { verdict(on: $0, at: now).isGone ? nil : $0 }
        let work = work(for: stream, by: owner?.nodeId)
        let placed = record.placement?.nodeId
        return StreamResource(
            app: record.app,
            id: record.id,
            status: condition.status,
            epoch: record.epoch,
            originNodeId: owner?.nodeId,
            startedAt: record.startedAt,
            endedAt: condition.endedAt,
            tracks: owner.flatMap { ownerReport(of: stream, $0)?.tracks } ?? record.tracks,
            viewers: viewers(of: stream, at: now),
            relayTree: relayTree(of: stream, at: now),
            recording: work?.recording,
            restreams: (record.settings?.restreams ?? []).map { restream in
                RestreamResource(restream, work?.restreams.first { $0.id == restream.id })
            },
            source: record.settings?.source.map {
                SourceResource($0, nodeId: placed, self.work(for: stream, by: placed)?.source)
            },
            encoderSettings: record.settings?.ladder
        )
    }

    /// Who pulls the stream from whom, as heartbeats tell.
    package func relayTree(of stream: StreamID, at now: WallTime) -> [StreamResource.RelayLink] {
        (carriers[stream] ?? []).sorted().compactMap { nodeID in
            guard state(of: nodeID, at: now) != .dead, let node = nodes[nodeID]?.body,
                let pull = leases[nodeID]?.report?.pull(of: stream)
            else { return nil }
            return StreamResource.RelayLink(nodeId: nodeID, from: pull.from, group: node.group)
        }
    }

    package func groupResource(_ name: String, at now: WallTime) -> GroupResource? {
        let members = members(ofGroup: name)
        guard groups[name] != nil || !members.isEmpty else { return nil }
        return GroupResource(
            name: name,
            parent: groups[name]?.body.settings.parent,
            childrenPerParentMax: groups[name]?.body.settings.childrenPerParentMax,
            nodes: members.count,
            aliveNodes: members.count { state(of: $0, at: now) != .dead },
            scaling: groups[name]?.body.settings.scaling
        )
    }

    /// Groups that were set up and groups that nodes name.
    package var groupNames: Set<String> { Set(groups.keys).union(members.keys.map(\.group)) }

    func members(ofGroup name: String) -> Set<String> {
        NodeRole.allCases.reduce(into: []) { $0.formUnion(members[ScalingTarget(group: name, role: $1)] ?? []) }
    }
}

/// The first keys after a cursor, in the order of their bytes, without sorting all of them.
package enum Paging {
    package static func page<Key>(
        of keys: some Sequence<Key>,
        name: (Key) -> String,
        after cursor: String?,
        limit: Int,
        where isWanted: (Key) -> Bool
    ) -> (keys: [Key], next: String?) {
        var kept: [(name: String, key: Key)] = []
        for key in keys {
            let text = name(key)
            if let cursor, !cursor.utf8.lexicographicallyPrecedes(text.utf8) { continue }
            if kept.count > limit, let last = kept.last, !text.utf8.lexicographicallyPrecedes(last.name.utf8) {
                continue
            }
            guard isWanted(key) else { continue }
            let position = kept.partitioningIndex { text.utf8.lexicographicallyPrecedes($0.name.utf8) }
            kept.insert((text, key), at: position)
            if kept.count > limit + 1 { kept.removeLast() }
        }
        let hasMore = kept.count > limit
        let page = kept.prefix(limit)
        return (page.map(\.key), hasMore ? page.last?.name : nil)
    }
}

extension Array {
    /// The first index whose element satisfies `predicate`, which holds from some index on.
    fileprivate func partitioningIndex(where predicate: (Element) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if predicate(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
