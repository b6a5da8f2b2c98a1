package import ClusterModel
import Logging
package import MediaModel
import Metrics
import NIOCore
import Observability
import Relay
package import RelayService
package import Streams
import Timebase

/// Makes one pull of a stream from one parent. Returns when it is over.
package protocol StreamPuller: Sendable {
    func pull(_ stream: LiveStream, route: RouteAnswer, ticket: String) async -> PullEnd
}

extension RelayPuller: StreamPuller {}

extension PullEnd {
    /// Why another parent must be found, for metrics; nil when none must.
    fileprivate var rerouteReason: String? {
        switch self {
        case .lost: "lost"
        case .refused(let refusal): "\(refusal.code)"
        case .ended(.fenced): "fenced"
        case .ended(.draining): "draining"
        case .ended, .stopped: nil
        }
    }
}

extension StreamCoordinator {
    // MARK: Pull

    func startPull(
        of stream: LiveStream,
        for waiting: [CheckedContinuation<Result<LiveStream, Refusal>, Never>] = []
    ) {
        pulls[stream.id] = PullState(stream: stream, startedAt: clock.now(), waiting: waiting)
        pulls[stream.id]?.task = Task { await self.runPull(of: stream) }
    }

    /// Ends a pull and waits until nothing of it touches the stream any more.
    func stopPull(of id: StreamID, end reason: EndReason? = nil) async {
        for player in await endPull(of: id, reason) {
            player.resume(returning: .failure(.unavailable("the stream is moving")))
        }
    }

    /// As `stopPull`, but hands back those who still wait for the first media.
    func endPull(
        of id: StreamID,
        _ reason: EndReason? = nil
    ) async -> [CheckedContinuation<Result<LiveStream, Refusal>, Never>] {
        guard let state = pulls[id] else { return [] }
        state.linger?.cancel()
        state.task?.cancel()
        state.wake?()
        await state.task?.value
        // Somebody else may have stopped it meanwhile, and another pull have begun.
        guard let ended = pulls[id], ended.task == state.task else { return [] }
        pulls[id] = nil
        if let reason {
            await finish(state.stream, reason)
        } else {
            await state.stream.loop.run {
                state.stream.onDemandChanged = nil
                state.stream.onServing = nil
            }
        }
        return ended.everybodyWaiting
    }

    private func runPull(of stream: LiveStream) async {
        await notifyWhenServing(stream)
        await stream.loop.run {
            stream.onDemandChanged = { isWanted in Task { await self.demandChanged(stream, isWanted: isWanted) } }
        }
        demandChanged(stream, isWanted: false)
        var search = RouteSearch(startedAt: clock.now(), grace: .seconds(stream.settingsGrace(appSettings)))
        while !Task.isCancelled {
            let outcome = await pullOnce(stream, &search)
            // Whoever stopped it sees to the rest, and may want the stream to live on.
            if Task.isCancelled { return }
            switch outcome {
            case .retry(let delay): await pause(stream.id, delay)
            case .over(let refusal, let reason): return await finishPull(of: stream, refusal, reason, search)
            }
        }
    }

    /// What to do after one pull.
    package enum PullOutcome: Hashable, Sendable {
        case retry(Duration)
        case over(Refusal, EndReason)
    }

    private func pullOnce(_ stream: LiveStream, _ search: inout RouteSearch) async -> PullOutcome {
        if let derivation = stream.id.derivation, holds[stream.id.source] != nil {
            return await deriveOnce(stream, derivation, &search)
        }
        let haveEpoch = await newestEpoch(of: stream)
        let failed = search.failed(since: pulls[stream.id]?.newestEpoch ?? 0, at: clock.now())
        let route: RouteAnswer
        do throws(ControlPlaneError) {
            route = try await findRoute(of: stream, failed: failed, haveEpoch)
            known.remember(route, to: stream.id.source)
        } catch {
            screen.note(error, of: stream.id)
            // A newer process is this node now: its viewers are better off there at once.
            if case .superseded = error { return .over(.draining, .draining) }
            if case .refused(let problem) = error, problem.kind == .outOfReach {
                await stream.loop.run { stream.sendChildrenOn() }
            }
            // Without the control plane the last route serves on: parents accept tickets made with the node token.
            guard case .unavailable = error,
                let last = pulls[stream.id]?.nextKnownRoute(haveEpoch) ?? known.route(to: stream.id.source)
            else {
                return search.noRoute(error.refusal(of: stream.id), isLive: stream.isServing, at: clock.now())
            }
            route = last
            if let kept = known.route(to: stream.id.source) {
                await learn(ladder: kept.encoderSettings, of: stream.id.source)
            }
            if pulls[stream.id]?.route == nil {
                logger.notice(
                    "The control plane is away: asking the parent the stream came from before",
                    metadata: [LogKeys.stream: "\(stream.id)", LogKeys.parent: "\(last.parent.nodeId)"]
                )
            }
        }
        if let haveEpoch, route.epoch < haveEpoch {
            return search.noRoute(
                .unavailable("the route is older than the stream here"),
                isLive: true,
                at: clock.now()
            )
        }
        pulls[stream.id]?.route = route
        if route.tier == .origin { pulls[stream.id]?.ownerRoute = route }
        let ticket = identity.ticket(for: stream.id.source, offered: route.ticket, at: clock.wall())
        let bytesBefore = stream.receivedBytes
        let end = await attempt(stream, route, ticket: ticket)
        logger.info(
            "pull ended",
            metadata: ["stream": "\(stream.id)", "parent": "\(route.parent.nodeId)", "end": "\(end)"]
        )
        if stream.receivedBytes > bytesBefore { pulls[stream.id]?.provenRoute = route }
        if end == .stopped, pulls[stream.id]?.next != nil { return .retry(.zero) }
        if let reason = end.rerouteReason { MetricNames.relayReroutes.counter(reason).increment() }
        let outcome = search.pullEnded(
            end,
            route: route,
            stream: stream.id,
            isLive: stream.isServing,
            wasFed: stream.receivedBytes > bytesBefore,
            at: clock.now()
        )
        if search.takeDeadEnd() {
            await stream.loop.run { stream.sendChildrenOn() }
            let next = pulls[stream.id]?.routeFromDeadEnd()
            pulls[stream.id]?.next = next
        }
        return outcome
    }

    /// The newest epoch that this node must not go back behind.
    private func newestEpoch(of stream: LiveStream) async -> Int64? {
        let present = await stream.loop.run { stream.epoch?.value }
        let told = pulls[stream.id]?.newestEpoch ?? 0
        return told > 0 ? max(present ?? 0, told) : present
    }

    /// A newer owner exists than the one a pull comes from, who may not know it yet: the pull ends as if that one had said so.
    func refusePulls(of source: StreamID, olderThan epoch: Int64) async {
        for (id, state) in pulls where id.source == source && state.newestEpoch < epoch {
            pulls[id]?.newestEpoch = epoch
            let present = await state.stream.loop.run { state.stream.epoch?.value ?? 0 }
            guard present < epoch, let route = pulls[id]?.route, route.epoch < epoch else { continue }
            pulls[id]?.attempt?.cancel()
        }
    }

    /// A node that gets no answer is no way to the stream for those who pull from it: they had better ask for themselves.
    private static let askingPatience = Duration.seconds(3)

    private func findRoute(
        of stream: LiveStream,
        failed: [String],
        _ haveEpoch: Int64?
    ) async throws(ControlPlaneError) -> RouteAnswer {
        if let known = takeNextRoute(of: stream.id) { return known }
        let request = RouteRequest(
            nodeId: identity.nodeID,
            bootId: identity.bootID,
            failed: failed.isEmpty ? nil : failed,
            haveEpoch: haveEpoch
        )
        let patience = Task {
            if await clock.sleep(Self.askingPatience) { await stream.loop.run { stream.sendChildrenOn() } }
        }
        defer { patience.cancel() }
        let answer = try await control.route(stream.id.source, request)
        await learn(ladder: answer.encoderSettings, of: stream.id.source)
        return answer
    }

    private func finishPull(
        of stream: LiveStream,
        _ refusal: Refusal,
        _ reason: EndReason,
        _ search: RouteSearch
    ) async {
        if case .unknownStream = refusal {
            screen.addUnknown(stream.id)
            // That a rung is unknown says nothing of its source.
            if stream.id.derivation == nil { known.forget(stream.id) }
        }
        answerWaiting(for: stream.id, .failure(refusal))
        pulls[stream.id]?.linger?.cancel()
        pulls[stream.id] = nil
        // That this node gave up says nothing to those who pull from it; the owner's word would.
        if search.hasGivenUp { await stream.loop.run { stream.sendChildrenOn() } }
        await finish(stream, reason)
    }

    private func pause(_ id: StreamID, _ delay: Duration) async {
        let jittered = delay * Double.random(in: 0.5...1.0, using: &random)
        let (signal, continuation) = AsyncStream.makeStream(of: Void.self)
        pulls[id]?.wake = { continuation.finish() }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { _ = await self.clock.sleep(jittered) }
            group.addTask { for await _ in signal {} }
            await group.next()
            group.cancelAll()
        }
        pulls[id]?.wake = nil
    }

    /// The control plane said that a stream changed: whoever waits to ask again asks now.
    package func streamChanged(_ change: WatchEvent.StreamChange) async {
        guard let id = try? StreamID(app: change.app, id: change.id) else { return }
        screen.forgetUnknown(id)
        await ladderChanged(to: change.encoderSettings, of: id)
        noteForStandBy(change, of: id)
        noteSuccessor(change.standbyNodeId, of: id, epoch: change.epoch)
        await refusePulls(of: id, olderThan: change.epoch)
        for (other, pull) in pulls where other.source == id { pull.wake?() }
    }

    /// How many pulls this node makes now, by the tier of the parent.
    var pullsByTier: [RouteAnswer.Tier: Int] {
        pulls.values.reduce(into: [:]) { counts, state in
            if let tier = state.route?.tier { counts[tier, default: 0] += 1 }
        }
    }

    /// The pulls of this node, for the heartbeat. A stream and its renditions are one.
    var pullReports: [Pull] {
        let reports = pulls.compactMap { id, state in
            state.route.map {
                (id.source, Pull(app: id.app, id: id.source.id, epoch: $0.epoch, from: $0.parent.nodeId))
            }
        }
        return Array(Dictionary(reports) { first, second in first.epoch >= second.epoch ? first : second }.values)
    }

    // MARK: Demand

    private func demandChanged(_ stream: LiveStream, isWanted: Bool) {
        guard holds[stream.id] == nil, pulls[stream.id]?.stream === stream else { return }
        pulls[stream.id]?.linger?.cancel()
        pulls[stream.id]?.linger = nil
        guard !isWanted else { return }
        let settings = appSettings[stream.id.app] ?? AppSettings()
        let isDerivedHere = stream.id.derivation != nil && holds[stream.id.source] != nil
        let linger = Duration.seconds(isDerivedHere ? settings.renditionLinger : settings.pullLinger)
        pulls[stream.id]?.linger = Task {
            guard await self.clock.sleep(linger) else { return }
            await self.lingerEnded(stream)
        }
    }

    private func lingerEnded(_ stream: LiveStream) async {
        guard let state = pulls[stream.id], state.stream === stream else { return }
        guard await !stream.loop.run({ stream.hasSubscribers }) else { return }
        guard pulls[stream.id]?.everybodyWaiting.isEmpty == true, !isAlwaysMade(stream.id) else {
            return demandChanged(stream, isWanted: false)
        }
        // This task is the linger; it must not cancel itself before it is done.
        pulls[stream.id]?.linger = nil
        await stopPull(of: stream.id, end: .removed)
    }
}

extension LiveStream {
    fileprivate nonisolated func settingsGrace(_ apps: [String: AppSettings]) -> Double {
        (apps[id.app] ?? AppSettings()).publisherGrace
    }
}
