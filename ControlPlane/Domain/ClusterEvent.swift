package import ClusterModel
package import Timebase

/// Something that happened in the cluster and that operators may want to hear of.
package struct ClusterEvent: Hashable, Sendable {
    package enum Subject: Hashable, Sendable {
        case stream(WatchEvent.StreamChange)
        case rendition(RenditionChange, nodeID: String)
        case node(id: String, group: String, role: NodeRole?)
        case scaling(ScalingTarget, ScalingDecision)
    }

    package var type: WebhookEventType
    package var subject: Subject
    /// The same on every control plane that notices the event, and never again for another one.
    package var key: String
    package var at: WallTime
}

extension ClusterState {
    package var wantsEvents: Bool { webhooks.values.contains { $0.body.disabledBecause == nil } }

    /// What a change of the store means, judged by what was known before it.
    package func events(of change: StoreChange, at now: WallTime) -> [ClusterEvent] {
        switch change {
        case .written(let record) where record.kind == .node:
            guard let node = try? RecordCoding.decode(NodeRecord.self, from: record.body, key: record.key),
                nodes[record.key]?.body.bootId != node.bootId
            else { return [] }
            return [nodeEvent(.nodeJoined, node, mark: node.bootId, at: now)]
        case .deleted(.node, let key):
            guard let node = nodes[key]?.body else { return [] }
            return [nodeEvent(.nodeLeft, node, mark: node.bootId, at: now)]
        case .written(let record) where record.kind == .scaling:
            guard let target = ScalingTarget(recordKey: record.key),
                let new = try? RecordCoding.decode(ScalingRecord.self, from: record.body, key: record.key),
                let decision = new.trail.last, decision != scaling[target]?.body.trail.last
            else { return [] }
            let key = "\(WebhookEventType.scalingDecision.rawValue) \(record.key) \(decision.at.milliseconds)"
            return [
                ClusterEvent(type: .scalingDecision, subject: .scaling(target, decision), key: key, at: decision.at)
            ]
        case .written, .deleted: return []
        }
    }

    /// What a heartbeat tells beside the state of its node and streams.
    package func events(of heartbeat: Heartbeat, from nodeID: String, at now: WallTime) -> [ClusterEvent] {
        (heartbeat.renditionsGivenUp ?? []).prefix(Self.eventsOfHeartbeatMax).map { change in
            let type = WebhookEventType.renditionGivenUp
            return ClusterEvent(
                type: type,
                subject: .rendition(change, nodeID: nodeID),
                key: "\(type.rawValue) \(nodeID) \(heartbeat.bootId) \(change.number)",
                at: now
            )
        }
    }

    private static let eventsOfHeartbeatMax = 64

    /// What an announcement means.
    package func event(of announcement: Announcement, at now: WallTime) -> ClusterEvent? {
        switch announcement.event {
        case .stream(let change):
            guard let type = WebhookEventType(change.status) else { return nil }
            let key = "\(type.rawValue) \(change.app)/\(change.id) \(change.epoch) \(interruptions(of: change))"
            return ClusterEvent(type: type, subject: .stream(change), key: key, at: now)
        case .node(let change):
            guard let type = WebhookEventType(change.state), let stored = nodes[change.nodeId] else { return nil }
            // A node that registers has no lease yet; it is not dead but about to live.
            if type == .nodeDead, leases[change.nodeId]?.bootID != stored.body.bootId { return nil }
            // A boot can die more than once: its last heartbeat, by the store's clock, tells the times apart.
            let heard = lastHeartbeat(of: change.nodeId)?.milliseconds ?? 0
            let mark = type == .nodeDead ? "\(stored.body.bootId) \(heard)" : "\(stored.revision.value)"
            return nodeEvent(type, stored.body, mark: mark, at: now)
        case .snapshot, .lost, .app, .ping: return nil
        }
    }

    /// The publisher may go and come back more than once in an epoch: the owner's count tells the times apart.
    private func interruptions(of change: WatchEvent.StreamChange) -> Int {
        guard let stream = try? StreamID(app: change.app, id: change.id), let owner = streams[stream]?.body.owner else {
            return 0
        }
        return ownerReport(of: stream, owner)?.interruptions ?? 0
    }

    private func nodeEvent(_ type: WebhookEventType, _ node: NodeRecord, mark: String, at now: WallTime) -> ClusterEvent
    {
        ClusterEvent(
            type: type,
            subject: .node(id: node.nodeId, group: node.group, role: node.role),
            key: "\(type.rawValue) \(node.nodeId) \(mark)",
            at: now
        )
    }
}

extension WebhookEventType {
    fileprivate init?(_ status: StreamStatus) {
        switch status {
        case .broadcasting: self = .streamStarted
        case .interrupted: self = .streamInterrupted
        case .finished: self = .streamFinished
        case .created: return nil
        }
    }

    fileprivate init?(_ state: NodeState) {
        switch state {
        case .alive: return nil
        case .draining: self = .nodeDraining
        case .drained: self = .nodeDrained
        case .dead: self = .nodeDead
        }
    }
}
