import ClusterModel
import Logging
import MediaModel
import NIOCore
import Observability
import Streams
import Timebase

/// A publisher that comes here while another node owns the stream, in an app whose second publishers stand by: it is
/// connected and heard, and this node makes its claim again until the stream is free for it.
extension StreamCoordinator {
    struct StandingBy {
        let publication: Publication
        let claim: ClaimRequest
        /// Fires when the control plane tells of the stream.
        let news = Nudge()
        var turn: Task<Void, Never>?
        /// The claim that is on its way.
        var call: Task<Result<ClaimGrant, ControlPlaneError>, Never>?
    }

    /// For when the control plane's word does not come. A claim is also what has a silent owner looked at.
    static let standByInterval = Duration.seconds(5)

    func standBy(with claim: ClaimRequest, _ answer: ClaimGrant, of id: StreamID, on loop: any EventLoop) -> Publication
    {
        // Not the stream that viewers here may watch: that one is fed by its owner until the turn comes.
        let unheard = LiveStream(id: id, loop: loop, settings: answer.appSettings)
        let publication = makePublication(unheard, Epoch(answer.epoch), standsBy: true)
        standingBy[id] = StandingBy(publication: publication, claim: claim)
        standingBy[id]?.turn = Task { await self.awaitTurn(of: id, on: loop) }
        logger.notice(
            "publisher stands by for another node's",
            metadata: [LogKeys.stream: "\(id)", "owner": "\(answer.standsByFor ?? "")"]
        )
        return publication
    }

    private func awaitTurn(of id: StreamID, on loop: any EventLoop) async {
        guard let waiting = standingBy[id] else { return }
        while await waiting.news.wait(atMost: Self.standByInterval, clock) {
            // Nobody else is let in meanwhile, should this publisher leave.
            claiming[id] = 0
            defer { claiming[id] = nil }
            do throws(ControlPlaneError) {
                let answer = try await call(waiting.claim, of: id)
                guard standingBy[id]?.publication === waiting.publication else {
                    return await refusePulls(of: id, olderThan: answer.epoch)
                }
                if answer.standsByFor == nil {
                    return await takeOver(with: waiting.publication, answer, of: id, on: loop)
                }
            } catch {
                switch error {
                case .refused(let problem) where problem.kind == .streamInUse:
                    return endStandBy(of: id, .removed)
                case .superseded: return endStandBy(of: id, .draining)
                case .refused, .unavailable:
                    logger.debug("the claim waits", metadata: [LogKeys.stream: "\(id)", LogKeys.error: "\(error)"])
                }
            }
        }
    }

    private func call(_ claim: ClaimRequest, of id: StreamID) async throws(ControlPlaneError) -> ClaimGrant {
        let call = Task { () async -> Result<ClaimGrant, ControlPlaneError> in
            do throws(ControlPlaneError) { return .success(try await self.control.claim(id, claim)) } catch {
                return .failure(error)
            }
        }
        standingBy[id]?.call = call
        defer { standingBy[id]?.call = nil }
        return try await withTaskCancellationHandler {
            await call.value
        } onCancel: {
            call.cancel()
        }.get()
    }

    /// The control plane told of the stream. Where it names this node as the owner, the claim's answer is lost or late: the
    /// same claim is answered the same at once.
    func noteForStandBy(_ change: WatchEvent.StreamChange, of id: StreamID) {
        guard change.originNodeId == nil || change.originNodeId == identity.nodeID else { return }
        standingBy[id]?.news.fire()
        if change.originNodeId != nil { standingBy[id]?.call?.cancel() }
    }

    private func takeOver(
        with publication: Publication,
        _ grant: ClaimGrant,
        of id: StreamID,
        on loop: any EventLoop
    ) async {
        var hold = await beginTenure(with: grant, of: id, on: loop)
        guard standingBy[id]?.publication === publication else { return await giveUp(hold) }
        standingBy[id] = nil
        hold.publication = publication
        publication.begin(on: hold.stream, epoch: hold.epoch)
        await take(hold)
        logger.notice(
            "the publisher that stood by owns the stream now",
            metadata: [LogKeys.stream: "\(id)", "epoch": "\(grant.epoch)"]
        )
    }

    /// True when it was one that stood by who left.
    func standByLeft(_ publication: Publication) -> Bool {
        let id = publication.stream.id
        guard let waiting = standingBy[id], waiting.publication === publication else { return false }
        standingBy[id] = nil
        waiting.turn?.cancel()
        Task { await self.withdraw(waiting.claim, of: id) }
        return true
    }

    func endStandBy(of id: StreamID, _ reason: EndReason) {
        guard let publication = standingBy[id]?.publication else { return }
        _ = standByLeft(publication)
        publication.revoke(reason)
    }

    func endAllStandBy(_ reason: EndReason) {
        for id in Array(standingBy.keys) { endStandBy(of: id, reason) }
    }
}
