package import ClusterModel
package import Timebase

extension ClusterState {
    /// A boot that was not seen before supersedes the node's present one; a boot that was superseded never comes back.
    /// `ifMatch` is the revision the caller insists on.
    package func decideRegister(
        _ nodeID: String,
        _ registration: NodeRegistration,
        ifMatch: RevisionCondition = .any,
        at now: WallTime
    ) throws(Problem) -> Decision<NodeRecord> {
        try ifMatch.check(nodes[nodeID]?.revision)
        guard let stored = nodes[nodeID] else {
            let record = NodeRecord(
                nodeId: nodeID,
                registration: registration,
                // A node that was forgotten and comes again must not meet its own old lease as a newer boot.
                bootNumber: max(now.milliseconds, (leases[nodeID]?.bootNumber ?? 0) + 1),
                bootedAt: now,
                formerBoots: []
            )
            return .write(try .of(.node, nodeID, record, expecting: nil), then: record)
        }
        var record = stored.body
        guard !record.formerBoots.contains(registration.bootId) else { throw .superseded(nodeID) }
        guard record.registration != registration else { return .answer(record) }
        if record.bootId != registration.bootId {
            record.formerBoots = (record.formerBoots + [record.bootId]).suffix(limits.formerBootsMax)
            record.bootNumber = max(record.bootNumber + 1, now.milliseconds)
            record.bootedAt = now
            record.drain = nil
            record.watchClosedAt = nil
        }
        record.registration = registration
        return .write(try .of(.node, nodeID, record, expecting: stored.revision), then: record)
    }

    package func decideLeave(
        _ nodeID: String,
        ifMatch: RevisionCondition = .any
    ) throws(Problem) -> Decision<Bool> {
        guard let stored = nodes[nodeID] else { throw .unknownNode(nodeID) }
        try ifMatch.check(stored.revision)
        return .write(RecordWrite(kind: .node, key: nodeID, body: nil, expected: stored.revision), then: true)
    }

    /// Forgetting a node that serves would end its streams, and it would come back without its drain and its group.
    /// `answersProbe`: its relay port, of a node that may have its watch at another control plane.
    package func checkForgettable(_ nodeID: String, answersProbe: Bool, at now: WallTime) throws(Problem) {
        let state = state(of: nodeID, at: now)
        guard isWatching(nodeID) || answersProbe, state == .alive || state == .draining else { return }
        throw .conflict(
            "Node '\(nodeID)' lives. Drain it and end its process: it then leaves by itself. "
                + "DELETE is for nodes that died."
        )
    }

    package func registered(_ nodeID: String, revision: Int64, at now: WallTime) -> NodeRegistered? {
        guard let node = nodes[nodeID]?.body else { return nil }
        return NodeRegistered(
            nodeId: nodeID,
            group: node.group,
            state: state(of: nodeID, at: now),
            leaseSeconds: Int(timing.leaseDuration.components.seconds),
            heartbeatSeconds: Int(timing.heartbeatInterval.components.seconds),
            revision: revision,
            apps: allSettings
        )
    }
}

/// What a caller insists on about the record it changes (`If-Match`).
package enum RevisionCondition: Hashable, Sendable {
    case any
    /// The record exists.
    case exists
    case oneOf(Set<Int64>)

    /// A record that was never written counts as revision 0.
    package func check(_ revision: Revision?) throws(Problem) {
        let holds =
            switch self {
            case .any: true
            case .exists: revision != nil
            case .oneOf(let values): values.contains(revision?.value ?? 0)
            }
        guard holds else { throw .preconditionFailed }
    }
}
