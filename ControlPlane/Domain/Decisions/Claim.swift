package import ClusterModel
package import Timebase

/// What a claim came to.
package enum ClaimAnswer: Hashable, Sendable {
    case granted(ClaimGrant)
    /// Another boot holds the stream and it is not proven that it lives. Hold the call, and decide again at `recheckAt` or
    /// when something is heard of the owner.
    case held(HeldClaim)
    /// The owner seems gone, but others write to the store too: read its node and lease anew, then decide for certain
    /// about the hold of this epoch.
    case doubtful(owner: String, epoch: Int64)
}

package struct HeldClaim: Hashable, Sendable {
    package var owner: String
    package var recheckAt: WallTime
    /// Whether its relay port should be asked now.
    package var probe: Bool
}

extension ClusterState {
    /// `isCertain`: what is known of the owner was just read, or nobody else writes to the store.
    package func decideClaim(
        _ stream: StreamID,
        _ request: ClaimRequest,
        isCertain: Bool = true,
        at now: WallTime
    ) throws(Problem) -> Decision<ClaimAnswer> {
        let node = try currentNode(request.nodeId, boot: request.bootId)
        guard node.role.takesPublishers else {
            throw .conflict("Node '\(node.nodeId)' is an edge. Publish through a node of role origin or hybrid.")
        }
        guard let stored = streams[stream], let owner = stored.body.owner else {
            return try grant(stream, request, at: now)
        }
        if owner.nodeId == request.nodeId, owner.bootId == request.bootId {
            let isSameHold = owner.claimId == request.claimId || stored.body.epoch == request.epoch
            return isSameHold
                ? .answer(.granted(answer(to: request, stored.body))) : try grant(stream, request, at: now)
        }
        if abandonedSince(stored.body, stream) != nil { return try grant(stream, request, at: now) }
        switch verdict(on: owner, at: now) {
        case .gone where !isCertain:
            return .answer(.doubtful(owner: owner.nodeId, epoch: stored.body.epoch))
        case .gone: return try grant(stream, request, at: now)
        case .alive where yields(owner, stream), .unsure where yields(owner, stream):
            return try grant(stream, request, at: now)
        case .alive: throw .streamInUse(stream, owner: owner.nodeId)
        case .unsure(let recheckAt, let probe):
            return .answer(.held(HeldClaim(owner: owner.nodeId, recheckAt: recheckAt, probe: probe)))
        }
    }

    /// Whether a living owner gives way: the app wants the newest publisher, or the owner drains, when its publisher was told
    /// to move and may be here before it has left there.
    private func yields(_ owner: StreamRecord.Owner, _ stream: StreamID) -> Bool {
        settings(of: stream.app).secondPublisher == .takeOver || nodes[owner.nodeId]?.body.drain != nil
    }

    /// The new epoch is larger than the last, and than every epoch of a record that was removed before this millisecond:
    /// epochs need no tombstones.
    private func grant(
        _ stream: StreamID,
        _ request: ClaimRequest,
        at now: WallTime
    ) throws(Problem) -> Decision<ClaimAnswer> {
        let stored = streams[stream]
        let last = stored?.body
        let resume = last.flatMap { resumePosition(of: $0, stream, at: now) }
        var record = last ?? StreamRecord(app: stream.app, id: stream.id, epoch: 0)
        let isContinued = resume != nil
        record.epoch = max(record.epoch + 1, now.milliseconds)
        record.owner = StreamRecord.Owner(
            nodeId: request.nodeId,
            bootId: request.bootId,
            claimId: request.claimId,
            protocol: request.protocol,
            remoteAddress: request.remoteAddress,
            claimedAt: now
        )
        record.startedAt = isContinued ? record.startedAt : now
        record.lastOwner = nil
        record.interruptedAt = nil
        record.endedAt = nil
        record.began = resume
        record.beganAt = now
        record.next = nil
        if !isContinued { record.secondaries = [:] }
        record.tracks = []
        let write = try RecordWrite.of(.stream, stream.recordKey, record, expecting: stored?.revision)
        return .write(write, then: .granted(answer(to: request, record)))
    }

    private func answer(to request: ClaimRequest, _ record: StreamRecord) -> ClaimGrant {
        ClaimGrant(
            app: record.app,
            id: record.id,
            nodeId: request.nodeId,
            epoch: record.epoch,
            leaseSeconds: Int(timing.leaseDuration.components.seconds),
            resume: record.began,
            appSettings: settings(of: record.app)
        )
    }

    /// The node if `boot` is its current one.
    func currentNode(_ nodeID: String, boot: String) throws(Problem) -> NodeRecord {
        guard let node = nodes[nodeID]?.body else { throw .unknownNode(nodeID) }
        guard node.bootId == boot else { throw .superseded(nodeID) }
        return node
    }
}

extension RecordWrite {
    static func of(
        _ kind: RecordKind,
        _ key: String,
        _ body: some Encodable,
        expecting expected: Revision?
    ) throws(Problem) -> RecordWrite {
        do {
            return RecordWrite(kind: kind, key: key, body: try RecordCoding.encode(body), expected: expected)
        } catch {
            throw .storeUnavailable(error)
        }
    }
}
