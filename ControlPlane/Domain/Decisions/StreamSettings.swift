package import ClusterModel
package import Timebase

/// A change of what is wanted of a stream.
package enum StreamSettingsChange: Hashable, Sendable {
    case all(StreamSettings)
    /// Nil: as the app says.
    case recording(Bool?)
    case addRestream(Restream)
    case removeRestream(String)
}

extension ClusterState {
    /// True when the stream was not known before.
    package func decideChange(
        _ stream: StreamID,
        _ change: StreamSettingsChange,
        ifMatch: RevisionCondition
    ) throws(Problem) -> Decision<Bool> {
        let stored = streams[stream]
        try ifMatch.check(stored?.revision)
        var record = stored?.body ?? StreamRecord(app: stream.app, id: stream.id, epoch: 0)
        let settings = try changed(record.settings ?? StreamSettings(), change)
        if let fault = settings.fault { throw .unprocessable(fault) }
        // What is fetched from elsewhere now is fetched by whoever is chosen anew.
        if settings.source?.url != record.settings?.source?.url { record.placement = nil }
        record.settings = settings
        record.isPermanent = true
        if record == stored?.body { return .answer(false) }
        let write = try RecordWrite.of(.stream, stream.recordKey, record, expecting: stored?.revision)
        return .write(write, then: stored == nil)
    }

    private func changed(
        _ settings: StreamSettings,
        _ change: StreamSettingsChange
    ) throws(Problem) -> StreamSettings {
        var settings = settings
        switch change {
        case .all(let new): return new
        case .recording(let isOn): settings.recording = isOn
        case .addRestream(let restream): settings.restreams.append(restream)
        case .removeRestream(let id):
            guard settings.restreams.contains(where: { $0.id == id }) else {
                throw .notFound("The stream has no restream '\(id.prefix(64))'.")
            }
            settings.restreams.removeAll { $0.id == id }
        }
        return settings
    }

    /// Forgets what was wished for. A stream that somebody publishes goes on without it.
    package func decideForget(
        _ stream: StreamID,
        ifMatch: RevisionCondition,
        at now: WallTime
    ) throws(Problem) -> Decision<Bool> {
        guard let (stored, _) = readable(stream, at: now) else { throw .unknownStream(stream) }
        try ifMatch.check(stored.revision)
        var record = stored.body
        guard record.owner != nil || record.lastOwner != nil else {
            return .write(
                RecordWrite(kind: .stream, key: stream.recordKey, body: nil, expected: stored.revision),
                then: true
            )
        }
        (record.settings, record.placement, record.isPermanent) = (nil, nil, false)
        if record == stored.body { return .answer(false) }
        return .write(try .of(.stream, stream.recordKey, record, expecting: stored.revision), then: true)
    }
}

// MARK: - Orders

extension ClusterState {
    /// All that a node is to do for streams. A node that owns a stream is told what else is wanted of it, one that a stream
    /// was placed on where to fetch it.
    package func orders(for nodeID: String) -> [StreamOrder]? {
        let concerned = (owned[nodeID] ?? []).union(placed[nodeID] ?? [])
        let orders = concerned.sorted().compactMap { stream in
            streams[stream].flatMap { order(of: $0.body, for: nodeID) }
        }
        return orders.isEmpty ? nil : orders
    }

    func order(of record: StreamRecord, for nodeID: String) -> StreamOrder? {
        guard let settings = record.settings else { return nil }
        let isPlaced = record.placement.map { $0.nodeId == nodeID && nodes[nodeID]?.body.bootId == $0.bootId } ?? false
        return StreamOrder(
            app: record.app,
            id: record.id,
            recording: settings.recording,
            restreams: settings.restreams,
            source: isPlaced ? settings.source : nil,
            placedAt: isPlaced ? record.placement?.since : nil
        )
    }

    /// The nodes whose orders a change of a stream's record can have changed.
    package func reordered(_ old: StreamRecord?, _ new: StreamRecord?) -> Set<String> {
        guard old?.settings != new?.settings || old?.placement != new?.placement else { return [] }
        return Set([old, new].flatMap { [$0?.owner?.nodeId, $0?.placement?.nodeId] }.compactMap(\.self))
    }

    mutating func indexSource(_ stream: StreamID, from old: StreamRecord?, to new: StreamRecord?) {
        if let node = old?.placement?.nodeId {
            placed[node]?.remove(stream)
            if placed[node]?.isEmpty == true { placed[node] = nil }
        }
        if let node = new?.placement?.nodeId { placed[node, default: []].insert(stream) }
        if new?.settings?.source == nil { sourced.remove(stream) } else { sourced.insert(stream) }
    }

    /// What a node's heartbeats tell of its work for a stream.
    func work(for stream: StreamID, by nodeID: String?) -> StreamWork? {
        guard let nodeID, let lease = leases[nodeID], lease.bootID == nodes[nodeID]?.body.bootId else { return nil }
        return lease.report?.work?.first { $0.app == stream.app && $0.id == stream.id }
    }
}
