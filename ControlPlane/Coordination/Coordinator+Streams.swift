package import ClusterModel
package import Domain
import Metrics
import Observability
import Synchronization
import Timebase

extension Coordinator {
    /// Grants at once, refuses or lets stand by at once when the owner is proven alive, and otherwise holds the call while
    /// the owner is being checked.
    package func claim(_ stream: StreamID, _ request: ClaimRequest) async throws(Problem) -> ClaimGrant {
        do throws(Problem) {
            let grant = try await settleClaim(stream, request)
            MetricNames.claims.counter(grant.standsByFor == nil ? "granted" : "stands_by").increment()
            return grant
        } catch {
            if error.kind == .streamInUse { MetricNames.claims.counter("in_use").increment() }
            throw error
        }
    }

    private func settleClaim(_ stream: StreamID, _ request: ClaimRequest) async throws(Problem) -> ClaimGrant {
        try requireAnswering()
        try await learnNode(request.nodeId, boot: request.bootId)
        let deadline = clock.now() + timing.claimHold
        var readEpoch: Int64?
        while true {
            let waiter = signals.register()
            defer { waiter.cancel() }
            let answer = try await commit { shared, now throws(Problem) in
                // What was read is about one hold: meanwhile another may have taken its place, of a node this process knows
                // only in an earlier boot.
                let isRead = shared.state.streams[stream].map { $0.body.epoch == readEpoch } ?? false
                let isCertain = isRead || !shared.isStoreShared
                let mayHold = clock.now() < deadline
                return try shared.state.decideClaim(
                    stream,
                    request,
                    isCertain: isCertain,
                    mayHold: mayHold,
                    at: now
                )
            }
            switch answer {
            case .granted(let answer), .standsBy(let answer): return answer
            case .doubtful(let owner, let epoch):
                try await readAnew(owner)
                readEpoch = epoch
            case .held(let held):
                if held.probe { startProbe(of: held.owner) }
                readEpoch = nil
                let left = deadline - clock.now()
                await waiter.wait(atMost: max(min(left, held.recheckAt - now), .milliseconds(1)), clock)
                try requireAnswering()
            }
        }
    }

    package func release(_ stream: StreamID, _ request: ReleaseRequest) async throws(Problem) {
        try requireAnswering()
        try await learnIfUnknown(stream)
        _ = try await commit { shared, now throws(Problem) in
            try shared.state.decideRelease(stream, request, at: now)
        }
    }

    package func route(_ stream: StreamID, _ request: RouteRequest) async throws(Problem) -> RouteAnswer {
        try requireAnswering()
        try await learnNode(request.nodeId, boot: request.bootId)
        shared.withLock { shared in
            shared.state.noteRouteAsked(stream, request, at: shared.now(at: clock.now()))
        }
        try await learnIfUnknown(stream)
        let route = try await commit { shared, now throws(Problem) in
            try shared.state.decideRoute(stream, request, at: now, using: &shared.random)
        }
        let ladder = shared.withLock { shared in
            let now = shared.now(at: clock.now())
            shared.state.noteRouteGiven(stream, to: request.nodeId, route, at: now)
            return shared.state.streams[stream]?.body.settings?.ladder
        }
        MetricNames.routes.counter(route.tier.rawValue).increment()
        return RouteAnswer(
            epoch: route.epoch,
            parent: route.parent,
            tier: route.tier,
            secondaryForGroup: route.secondaryForGroup,
            ticket: ticket(for: stream, child: request.nodeId),
            revision: hub.revision,
            encoderSettings: ladder
        )
    }

    package func assign(_ wish: ClusterState.Wish, explain: Bool = false) throws(Problem) -> Assignment {
        try requireAnswering()
        return try shared.withLock { shared throws(Problem) in
            let now = shared.now(at: clock.now())
            let assignment = try shared.state.assign(wish, explain: explain, at: now, using: &shared.random)
            // Who asks for an explanation comes to look, not to play.
            if !explain { shared.state.noteAssigned(assignment.nodeId, for: wish.purpose) }
            return assignment
        }
    }

    /// The chosen node's addresses, for those who send a client there.
    package func place(_ wish: ClusterState.Wish) throws(Problem) -> NodeAddresses {
        let nodeID = try assign(wish).nodeId
        guard let addresses = read({ state, _ in state.nodes[nodeID]?.body.addresses }) else {
            throw .unavailable("The chosen node left just now. Ask again.")
        }
        return addresses
    }

    private func learnIfUnknown(_ stream: StreamID) async throws(Problem) {
        let (isKnown, isShared) = shared.withLock { ($0.state.streams[stream] != nil, $0.isStoreShared) }
        if !isKnown, isShared { try await learn(.stream, stream.recordKey) }
    }

    /// Where several control planes share the store, an owner may have registered, renewed or restarted through another one:
    /// nobody is fenced for silence before that was looked up.
    private func readAnew(_ nodeID: String) async throws(Problem) {
        try await learn(.node, nodeID)
        do throws(StoreError) { try await refreshLeases() } catch { throw failed(error) }
    }

    private func startProbe(of nodeID: String) {
        let address = shared.withLock { shared -> NodeAddresses? in
            guard let node = shared.state.nodes[nodeID], shared.probing.insert(nodeID).inserted else { return nil }
            return node.body.addresses
        }
        guard let address else { return }
        Task {
            var answered = false
            let begun = clock.now()
            if let relay = address.relay { answered = await probe(address.host, relay, timing.probeTimeout) }
            shared.withLock { shared in
                shared.probing.remove(nodeID)
                // Silence that this process slept through says nothing of the node.
                guard answered || clock.now() - begun < timing.probeTimeout * 2 else { return }
                shared.state.probed(nodeID, answered: answered, at: shared.now(at: clock.now()))
            }
            signals.fire()
        }
    }
}
