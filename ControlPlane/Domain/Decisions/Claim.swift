package import ClusterModel
package import Timebase

/// What a claim came to.
package enum ClaimAnswer: Hashable, Sendable {
    case granted(ClaimGrant)
    /// Another node owns the stream, and this claim is the one that is next.
    case standsBy(ClaimGrant)
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
    /// `isCertain`: what is known of the owner was just read, or nobody else writes to the store. `mayHold`: the claimant can
    /// wait for what becomes of the owner.
    package func decideClaim(
        _ stream: StreamID,
        _ request: ClaimRequest,
        isCertain: Bool = true,
        mayHold: Bool = true,
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
        case .unsure(let recheckAt, let probe) where mayHold:
            return .answer(.held(HeldClaim(owner: owner.nodeId, recheckAt: recheckAt, probe: probe)))
        case .alive, .unsure: return try letStandBy(stream, request, stored, owner, at: now)
        }
    }

    /// One publisher stands by for a stream, where the app wants that; any other is refused. Who asks again gets the same
    /// answer.
    private func letStandBy(
        _ stream: StreamID,
        _ request: ClaimRequest,
        _ stored: Stored<StreamRecord>,
        _ owner: StreamRecord.Owner,
        at now: WallTime
    ) throws(Problem) -> Decision<ClaimAnswer> {
        // A second publisher on the owner's node is that node's own matter: such a claim is of an older boot.
        guard settings(of: stream.app).secondPublisher == .standBy, owner.nodeId != request.nodeId else {
            throw .streamInUse(stream, owner: owner.nodeId)
        }
        var record = stored.body
        let answer = ClaimAnswer.standsBy(answer(to: request, record, standsByFor: owner.nodeId))
        if let present = record.standby {
            if present.isMade(by: request) { return .answer(answer) }
            guard present.nodeId == request.nodeId || verdict(on: present, at: now).isGone else {
                throw .standbyInUse(stream, owner: owner.nodeId, standby: present.nodeId)
            }
        }
        record.standby = StreamRecord.Owner(request, at: now)
        return .write(try .of(.stream, stream.recordKey, record, expecting: stored.revision), then: answer)
    }

    /// Whether a living owner gives way: the app wants the newest publisher, or the owner drains, when its publisher was told
    /// to move and may be here before it has left there, or the owner waits for its publisher, which may be this one.
    private func yields(_ owner: StreamRecord.Owner, _ stream: StreamID) -> Bool {
        settings(of: stream.app).secondPublisher == .takeOver || nodes[owner.nodeId]?.body.drain != nil
            || isPublisherAway(from: owner, stream)
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
        record.owner = StreamRecord.Owner(request, at: now)
        if record.standby?.nodeId == request.nodeId { record.standby = nil }
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

    private func answer(
        to request: ClaimRequest,
        _ record: StreamRecord,
        standsByFor owner: String? = nil
    ) -> ClaimGrant {
        ClaimGrant(
            app: record.app,
            id: record.id,
            nodeId: request.nodeId,
            epoch: record.epoch,
            standsByFor: owner,
            leaseSeconds: Int(timing.leaseDuration.components.seconds),
            resume: owner == nil ? record.began : nil,
            appSettings: settings(of: record.app),
            encoderSettings: record.settings?.ladder,
            order: order(of: record, for: request.nodeId)
        )
    }

    /// The node if `boot` is its current one.
    func currentNode(_ nodeID: String, boot: String) throws(Problem) -> NodeRecord {
        guard let node = nodes[nodeID]?.body else { throw .unknownNode(nodeID) }
        guard node.bootId == boot else { throw .superseded(nodeID) }
        return node
    }
}

extension StreamRecord.Owner {
    fileprivate init(_ request: ClaimRequest, at now: WallTime) {
        self.init(
            nodeId: request.nodeId,
            bootId: request.bootId,
            claimId: request.claimId,
            protocol: request.protocol,
            remoteAddress: request.remoteAddress,
            claimedAt: now
        )
    }

    fileprivate func isMade(by request: ClaimRequest) -> Bool {
        nodeId == request.nodeId && bootId == request.bootId && claimId == request.claimId
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
