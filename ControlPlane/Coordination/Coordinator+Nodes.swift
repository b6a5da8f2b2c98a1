package import ClusterModel
package import Domain
import Synchronization
import Timebase

extension Coordinator {
    package func register(
        _ nodeID: String,
        _ registration: NodeRegistration,
        ifMatch: RevisionCondition
    ) async throws(Problem) -> NodeRegistered {
        try requireAnswering()
        let record = try await commit { shared, now throws(Problem) in
            try shared.state.decideRegister(nodeID, registration, ifMatch: ifMatch, at: now)
        }
        let known = read { state, _ in state.leases[nodeID] }
        // The same boot registers again after an outage: what it reported last still tells where its streams are.
        let report = known.flatMap { $0.bootID == record.bootId ? $0.report : nil }
        try await renewLease(of: nodeID, report ?? Heartbeat(bootId: record.bootId, load: NodeLoad()))
        notePresentWatch(of: nodeID)
        guard let answer = read({ state, now in state.registered(nodeID, revision: hub.revision, at: now) }) else {
            throw .superseded(nodeID)
        }
        return answer
    }

    /// `json` is the heartbeat as it came.
    package func heartbeat(
        _ nodeID: String,
        _ heartbeat: Heartbeat,
        json: [UInt8]? = nil
    ) async throws(Problem) -> HeartbeatAnswer {
        try requireAnswering()
        var heartbeat = heartbeat
        // Measured at arrival: what the store takes from here on is no fault of the node's clock.
        heartbeat.clockOffsetMilliseconds = heartbeat.sentAt.map { ($0 - now).milliseconds }
        try await learnNode(nodeID, boot: heartbeat.bootId)
        try await renewLease(of: nodeID, heartbeat, json: json)
        let answer = try answer(to: heartbeat, of: nodeID)
        guard !answer.lost.isEmpty, shared.withLock({ $0.isStoreShared }) else { return answer }
        // Nobody is told of a loss that another control plane may have undone.
        for lost in answer.lost {
            if let stream = try? StreamID(app: lost.app, id: lost.id) { try await learn(.stream, stream.recordKey) }
        }
        return try self.answer(to: heartbeat, of: nodeID)
    }

    private func answer(to heartbeat: Heartbeat, of nodeID: String) throws(Problem) -> HeartbeatAnswer {
        try read { state, now throws(Problem) in
            try state.answer(to: heartbeat, of: nodeID, revision: hub.revision, at: now)
        }
    }

    /// `isForgotten`: by an operator, which is for nodes that do not live; else the node itself leaves.
    package func leave(
        _ nodeID: String,
        isForgotten: Bool = false,
        ifMatch: RevisionCondition
    ) async throws(Problem) {
        try requireAnswering()
        let answersProbe = isForgotten ? await answersProbe(nodeID) : false
        _ = try await commit { shared, now throws(Problem) in
            if isForgotten { try shared.state.checkForgettable(nodeID, answersProbe: answersProbe, at: now) }
            return try shared.state.decideLeave(nodeID, ifMatch: ifMatch)
        }
        do throws(StoreError) { try await store.removeLease(of: nodeID) } catch { throw failed(error) }
    }

    /// Of a node whose watch may be at another control plane.
    private func answersProbe(_ nodeID: String) async -> Bool {
        let addresses = shared.withLock { shared in
            shared.isStoreShared && !shared.state.isWatching(nodeID) ? shared.state.nodes[nodeID]?.body.addresses : nil
        }
        guard let addresses, let relay = addresses.relay else { return false }
        return await probe(addresses.host, relay, timing.probeTimeout)
    }

    package func drain(
        _ nodeID: String,
        _ request: DrainRequest,
        forScaling: Bool = false,
        ifMatch: RevisionCondition
    ) async throws(Problem) {
        try requireAnswering()
        _ = try await commit { shared, now throws(Problem) in
            try shared.state.decideDrain(nodeID, request, forScaling: forScaling, ifMatch: ifMatch, at: now)
        }
    }

    package func undrain(_ nodeID: String, ifMatch: RevisionCondition) async throws(Problem) {
        try requireAnswering()
        _ = try await commit { shared, _ throws(Problem) in try shared.state.decideUndrain(nodeID, ifMatch: ifMatch) }
    }

    private func renewLease(
        of nodeID: String,
        _ heartbeat: Heartbeat,
        json: [UInt8]? = nil
    ) async throws(Problem) {
        let renewal = try read { state, _ throws(Problem) in try state.renewal(for: nodeID, heartbeat, json: json) }
        let begin = clock.now()
        let outcome = await batcher.renew(renewal)
        let spent = clock.now() - begin
        switch outcome {
        case .failure(let error): throw failed(error)
        case .success((.superseded, _)):
            try await learn(.node, nodeID)
            throw .superseded(nodeID)
        case .success((.renewed(let validUntil), let now)):
            let lease = Lease(
                nodeID: nodeID,
                bootID: renewal.bootID,
                bootNumber: renewal.bootNumber,
                validUntil: validUntil,
                report: renewal.report
            )
            absorb(lease, heartbeat, storeTime: spent, at: now)
            tellEvents(of: heartbeat, from: nodeID)
        }
    }

    private func absorb(_ lease: Lease, _ heartbeat: Heartbeat, storeTime: Duration, at time: WallTime) {
        let news = shared.withLock { shared -> [Announcement] in
            shared.heard(time, at: clock.now())
            let now = shared.now(at: clock.now())
            let former = shared.state.leases[lease.nodeID]
            shared.state.apply(lease, heartbeat, storeTime: storeTime)
            var news = shared.state.announceNode(lease.nodeID, at: now)
            for stream in heartbeat.news(since: former, at: now) {
                news += shared.state.announce(stream, at: now)
            }
            return news
        }
        tell(news)
        signals.fire()
    }

    /// Before a boot is called unknown or superseded, the store is asked: another control plane may have registered it.
    func learnNode(_ nodeID: String, boot: String) async throws(Problem) {
        let isKnown = read { state, _ in state.nodes[nodeID]?.body.bootId == boot }
        if !isKnown { try await learn(.node, nodeID) }
    }

    /// Reads one record anew.
    func learn(_ kind: RecordKind, _ key: String) async throws(Problem) {
        do throws(StoreError) {
            if let record = try await store.read(kind, key) {
                absorb(.written(record))
            } else {
                absorb(.deleted(kind, key: key))
            }
        } catch {
            throw failed(error)
        }
    }

    package func requireAnswering() throws(Problem) {
        let phase = shared.withLock { shared in
            _ = shared.now(at: clock.now())
            return shared.phase
        }
        guard phase == .answering else {
            throw .storeUnavailable(.unavailable("it has not answered for a while"))
        }
    }
}

extension Heartbeat {
    /// Streams owned whose status this heartbeat can have changed: all when the node had been silent, else those that are
    /// new or whose publisher went or came.
    fileprivate func news(since former: LeaseView?, at now: WallTime) -> [StreamID] {
        let known = former.flatMap { $0.bootID == bootId && $0.validUntil >= now ? $0.report : nil }
        guard let known else { return holds.compactMap { try? StreamID(app: $0.app, id: $0.id) } }
        let isSame =
            holds.elementsEqual(known.holds) { $0.epoch == $1.epoch && $0.id == $1.id && $0.app == $1.app }
            && streams.elementsEqual(known.streams) {
                $0.isBroadcasting == $1.isBroadcasting && $0.id == $1.id && $0.app == $1.app
            }
        return isSame ? [] : holds.compactMap { try? StreamID(app: $0.app, id: $0.id) }
    }
}
