package import ClusterModel
import Logging
import MediaModel
import NIOCore
import Streams
import Timebase

/// Leaving without losing anybody.
///
///     drain ──► nothing new; children look for other parents
///       └─ a replacement exists ──► publishers that can are told to move
///     deadline ──► viewers are closed
///       └─ a replacement exists ──► publishers are closed before their next keyframe
extension StreamCoordinator {
    struct DrainState {
        var beganAt: MonotonicInstant
        var endsAt: MonotonicInstant
        var hasReplacement: Bool
        /// The process ends: no word of the control plane takes it back.
        var isFinal: Bool
        /// The last wait for publishers' keyframes has begun.
        var isClosing = false
        var alarm: Task<Void, Never>?
    }

    /// How long a publisher may take to send the keyframe it is closed at.
    static let keyframeWait = Duration.seconds(10)

    package nonisolated var isDraining: Bool { intake.isDraining }

    /// What the control plane says of this node. Its silence about a drain ends one that it asked for.
    package func follow(_ directives: [Directive], _ state: NodeState) async {
        if let directive = directives.first(where: { $0.type == .drain }) {
            let seconds = directive.deadline ?? DrainRequest.deadlineDefault
            await beginDrain(within: .seconds(seconds), hasReplacement: directive.hasReplacement ?? false)
        } else if state == .alive, drain?.isFinal == false {
            endDrain()
        }
    }

    /// Takes nothing new from here on. Repeated, it changes the deadline and what is known of replacements.
    package func beginDrain(within time: Duration, hasReplacement: Bool = false, isFinal: Bool = false) async {
        let now = clock.now()
        var order =
            drain ?? DrainState(beganAt: now, endsAt: now + time, hasReplacement: hasReplacement, isFinal: isFinal)
        if drain == nil { logger.notice("Draining: nothing new is taken") }
        // A process that is told to end has its own deadline.
        if isFinal || !order.isFinal { order.endsAt = now + time }
        order.isFinal = order.isFinal || isFinal
        order.hasReplacement = order.hasReplacement && isFinal || hasReplacement
        order.alarm?.cancel()
        let isOver = now >= order.endsAt
        intake.setDraining(true, isClosed: isOver && !order.isFinal)
        endAllStandBy(.draining)
        let left = order.endsAt - now
        order.alarm =
            isOver
            ? nil
            : Task {
                guard await self.clock.sleep(left) else { return }
                await self.drainEnds()
            }
        drain = order
        if order.hasReplacement { askPublishers(.move) }
        if isOver { await drainEnds() }
    }

    package func endDrain() {
        guard let drain else { return }
        drain.alarm?.cancel()
        self.drain = nil
        intake.setDraining(false, isClosed: false)
        logger.notice("The drain was ended: this node is used again")
    }

    /// The deadline: what is left is closed; publishers only when there is a node for them.
    private func drainEnds() async {
        guard let drain else { return }
        // A process that ends closes its viewers with everything else, at the end.
        if !drain.isFinal {
            intake.setDraining(true, isClosed: true)
            for id in Array(pulls.keys) where holds[id] == nil { await stopPull(of: id, end: .draining) }
        }
        for hold in Array(holds.values) where hold.publication == nil { await giveUp(hold) }
        guard drain.hasReplacement, holds.values.contains(where: { $0.publication != nil }) else { return }
        askPublishers(.leaveAtKeyframe)
        guard !drain.isClosing else { return }
        self.drain?.isClosing = true
        let late = holds.mapValues(\.epoch)
        Task {
            guard await self.clock.sleep(Self.keyframeWait) else { return }
            await self.closePublishers(of: late)
        }
    }

    private func askPublishers(_ request: Publication.Request) {
        for hold in holds.values { hold.publication?.ask(request) }
    }

    private func closePublishers(of late: [StreamID: Epoch]) async {
        guard drain?.isClosing == true else { return }
        for (id, epoch) in late {
            guard let hold = holds[id], hold.epoch == epoch, let publication = hold.publication else { continue }
            publication.revoke(.draining)
            await giveUp(hold)
        }
    }

    /// The publisher has left, for another node as is hoped: the stream is free for that node's claim, and viewers here are
    /// fed from there.
    func giveUp(_ hold: Hold) async {
        let stream = hold.stream
        hold.stopWaiting(.draining)
        holds[stream.id] = nil
        tellScreen(of: stream.id)
        let waiting = stopWatching(stream.id)
        let successor = Epoch(hold.epoch.value + 1)
        let (next, hasViewers) = await stream.loop.run {
            let next = stream.nextResumePoint
            stream.endTenure(fencedBy: successor)
            return (next, stream.hasSubscribers)
        }
        logger.notice("stream given up for another node", metadata: ["stream": "\(stream.id)"])
        await release(stream.id, hold.epoch, .draining, next)
        await feedFromNextOwner(stream, hasViewers, waiting, orEnd: .draining)
    }

    /// Ends what is left: publishers and pulls.
    package func closeAll() async {
        intake.setDraining(true, isClosed: true)
        endAllStandBy(.draining)
        for hold in Array(holds.values) {
            hold.publication?.revoke(.draining)
            await endHold(hold, .draining)
        }
        for id in Array(pulls.keys) { await stopPull(of: id, end: .draining) }
    }
}
