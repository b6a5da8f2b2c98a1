package import ClusterModel
package import Domain
import Synchronization
import Timebase

extension Coordinator {
    /// Grants at once, refuses at once when the owner is proven alive, and otherwise holds the call while the owner is
    /// being checked.
    package func claim(_ stream: StreamID, _ request: ClaimRequest) async throws(Problem) -> ClaimGrant {
        try requireAnswering()
        try await learnNode(request.nodeId, boot: request.bootId)
        let deadline = clock.now() + timing.claimHold
        while true {
            await refreshBeforeFencing(stream)
            let waiter = signals.register()
            defer { waiter.cancel() }
            let answer = try await commit { shared, now throws(Problem) in
                try shared.state.decideClaim(stream, request, at: now)
            }
            switch answer {
            case .granted(let grant): return grant
            case .held(let held):
                let left = deadline - clock.now()
                guard left > .zero else { throw .streamInUse(stream, owner: held.owner) }
                if held.probe { startProbe(of: held.owner) }
                await waiter.wait(atMost: min(left, max(held.recheckAt - now, .milliseconds(1))), clock)
                try requireAnswering()
            }
        }
    }

    package func release(_ stream: StreamID, _ request: ReleaseRequest) async throws(Problem) {
        try requireAnswering()
        await learnIfUnknown(stream)
        _ = try await commit { shared, now throws(Problem) in
            try shared.state.decideRelease(stream, request, at: now)
        }
    }

    package func route(_ stream: StreamID, _ request: RouteRequest) async throws(Problem) -> RouteAnswer {
        try requireAnswering()
        try await learnNode(request.nodeId, boot: request.bootId)
        shared.withLock { shared in
            shared.state.noteRouteAsked(stream, request, at: shared.storeTime.now(at: clock.now()))
        }
        await learnIfUnknown(stream)
        let route = try await commit { shared, now throws(Problem) in
            try shared.state.decideRoute(stream, request, at: now, using: &shared.random)
        }
        return RouteAnswer(
            epoch: route.epoch,
            parent: route.parent,
            tier: route.tier,
            secondaryForGroup: route.secondaryForGroup,
            ticket: ticket(for: stream, child: request.nodeId),
            revision: hub.revision
        )
    }

    package func assign(
        _ stream: StreamID,
        for purpose: ClusterState.Purpose,
        group: String?,
        explain: Bool
    ) throws(Problem) -> Assignment {
        try requireAnswering()
        return try shared.withLock { shared throws(Problem) in
            let now = shared.storeTime.now(at: clock.now())
            return try shared.state.assign(
                stream,
                for: purpose,
                group: group,
                explain: explain,
                at: now,
                using: &shared.random
            )
        }
    }

    private func learnIfUnknown(_ stream: StreamID) async {
        let (isKnown, isShared) = shared.withLock { ($0.state.streams[stream] != nil, $0.isStoreShared) }
        if !isKnown, isShared { await learn(.stream, stream.recordKey) }
    }

    /// Where several control planes share the store, an owner's heartbeats may reach another one: nobody is fenced for
    /// silence before the leases were read anew.
    private func refreshBeforeFencing(_ stream: StreamID) async {
        let isDoubtful = shared.withLock { shared -> Bool in
            guard shared.isStoreShared, let owner = shared.state.streams[stream]?.body.owner else { return false }
            switch shared.state.verdict(on: owner, at: shared.storeTime.now(at: clock.now())) {
            case .gone(.leaseEnded, _), .gone(.watchClosed, _), .gone(.mute, _): return true
            case .gone(.left, _), .gone(.superseded, _), .alive, .unsure: return false
            }
        }
        if isDoubtful { try? await refreshLeases() }
    }

    private func startProbe(of nodeID: String) {
        let address = shared.withLock { shared -> NodeAddresses? in
            guard let node = shared.state.nodes[nodeID], shared.probing.insert(nodeID).inserted else { return nil }
            return node.body.addresses
        }
        guard let address else { return }
        Task {
            var answered = false
            if let relay = address.relay { answered = await probe(address.host, relay, timing.probeTimeout) }
            shared.withLock { shared in
                shared.probing.remove(nodeID)
                shared.state.probed(nodeID, answered: answered, at: shared.storeTime.now(at: clock.now()))
            }
            signals.fire()
        }
    }
}
