package import ClusterModel
package import Logging
package import MediaModel
package import NIOCore
package import Renditions
package import Streams
import Timebase

/// The servers of this node, as far as streams come and go.
package protocol StreamServers: Sendable {
    /// A new stream, before anybody else has it.
    func opened(_ stream: LiveStream)
    /// This node is its owner from here on.
    func owned(_ stream: LiveStream, _ order: StreamOrder?)
    /// It is over on this node: forget it.
    func closed(_ stream: LiveStream)
}

extension StreamServers {
    package func owned(_ stream: LiveStream, _ order: StreamOrder?) {}
}

/// Decides on this node who may publish and where a stream comes from; the one that talks with the control plane about
/// streams.
///
/// It asks at four occasions only: a publisher arrives or leaves, the first viewer of a stream arrives, a lease or a route
/// is lost. Viewers of a stream that is here never reach the actor.
package actor StreamCoordinator: StreamGate {
    struct Hold {
        let stream: LiveStream
        let epoch: Epoch
        let settings: AppSettings
        /// Nil while the publisher is away and the grace runs.
        var publication: Publication?
        var grace: Task<Void, Never>?
        var backup: Backup?
        /// Set while a publisher stands by on another node: hands the stream over once this one is silent.
        var succession: Task<Void, Never>?
    }

    /// Fires when the control plane should not wait for the next heartbeat.
    package nonisolated let news = Nudge()
    let identity: NodeIdentity
    let registry: StreamRegistry
    let control: any ControlPlaneLink
    let puller: any StreamPuller
    let deriver: any StreamDeriver
    let clock: WorkerClock
    let logger: Logger
    let makeCutter: MakeStreamCutter
    let group: any EventLoopGroup
    /// Told of each new stream before anybody else has it, and when it is over on this node.
    let servers: any StreamServers

    var holds: [StreamID: Hold] = [:]
    /// Publishers here of streams that other nodes own.
    var standingBy: [StreamID: StandingBy] = [:]
    var pulls: [StreamID: PullState] = [:]
    /// What others may ask without waiting for this actor.
    package nonisolated let screen: NodeScreen
    var appSettings: [String: AppSettings]
    /// Of the streams here that have one of their own, by source.
    var ladders: [StreamID: [EncoderSetting]] = [:]
    /// Outlives this process in the state directory.
    package internal(set) var known: KnownMap
    var lease = LeaseClock()
    /// For the jitter of back-offs.
    var random: any RandomNumberGenerator & Sendable
    /// Streams that are being claimed, each with the newest epoch that this node was told of losing it to meanwhile.
    var claiming: [StreamID: Int64] = [:]
    /// Gives each child that waits for first media its number.
    var childrenThatWaited = 0
    /// What everybody asks who would let in something new.
    package nonisolated let intake: Intake
    var drain: DrainState?
    /// Counted here for each, because many may come between two samples of the load.
    private let publishersMax: Int?

    package init(
        identity: NodeIdentity,
        registry: StreamRegistry,
        control: any ControlPlaneLink,
        puller: any StreamPuller,
        deriver: any StreamDeriver,
        clock: WorkerClock,
        logger: Logger,
        group: any EventLoopGroup,
        makeCutter: @escaping MakeStreamCutter,
        servers: any StreamServers,
        known: KnownMap = KnownMap(),
        intake: Intake = Intake(),
        publishersMax: Int? = nil,
        random: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator()
    ) {
        self.identity = identity
        self.registry = registry
        self.control = control
        self.puller = puller
        self.deriver = deriver
        self.clock = clock
        self.logger = logger
        self.group = group
        self.makeCutter = makeCutter
        self.servers = servers
        self.random = random
        self.known = known
        appSettings = known.apps
        self.intake = intake
        self.publishersMax = publishersMax
        screen = NodeScreen(
            role: identity.role,
            nodeID: identity.nodeID,
            registry: registry,
            intake: intake,
            now: clock.now
        )
    }

    // MARK: Publish

    /// Where an edge sends a publisher, which only HTTP can say.
    private func origin(for request: PublishRequest) async -> String? {
        guard request.protocol == .webrtc else { return nil }
        do throws(ControlPlaneError) {
            return try await control.assignPublish(request.stream).urls[ClientProtocol.webrtc.rawValue]
        } catch {
            logger.debug(
                "no origin to name",
                metadata: ["stream": "\(request.stream)", "error": "\(error)"]
            )
            return nil
        }
    }

    package func publish(_ request: PublishRequest, on loop: any EventLoop) async throws(Refusal) -> Publication {
        guard identity.role.takesPublishers else { throw .notAnOrigin(origin: await origin(for: request)) }
        if let refusal = intake.refusal(of: .publish) { throw refusal }
        let coming = Set(claiming.keys).union(standingBy.keys).count
        let publishers = holds.values.reduce(coming) { $0 + $1.publisherCount }
        if let publishersMax, publishers >= publishersMax {
            throw .overloaded("\(publishers) of \(publishersMax) publishers")
        }
        let id = request.stream
        if let hold = holds[id] {
            return try await publishAgain(to: hold)
        }
        guard standingBy[id] == nil, claiming[id] == nil else { throw .inUse(id, owner: identity.nodeID) }
        claiming[id] = 0
        defer { claiming[id] = nil }
        let claim = ClaimRequest(
            nodeId: identity.nodeID,
            bootId: identity.bootID,
            claimId: identity.makeID(),
            protocol: request.protocol.rawValue,
            remoteAddress: request.remoteAddress
        )
        do throws(ControlPlaneError) {
            let answer = try await control.claim(id, claim)
            if answer.standsByFor != nil { return standBy(with: claim, answer, of: id, on: loop) }
            return await begin(with: answer, of: id, on: loop)
        } catch {
            if case .unavailable = error { Task { await self.withdraw(claim, of: id) } }
            throw error.refusal(of: id)
        }
    }

    /// A claim whose answer was lost may have been granted: a hold that nobody has would keep all others out.
    func withdraw(_ claim: ClaimRequest, of id: StreamID) async {
        let release = ReleaseRequest(
            nodeId: claim.nodeId,
            bootId: claim.bootId,
            claimId: claim.claimId,
            reason: .draining
        )
        for turn in 0..<Self.withdrawTurns {
            guard await clock.sleep(.seconds(1 << min(turn, 3))) else { return }
            do throws(ControlPlaneError) { return try await control.release(id, release) } catch {
                guard case .unavailable = error else { return }
            }
        }
    }

    /// With the pauses between them, as long as a control plane can be away before this node's lease ends.
    private static let withdrawTurns = 6

    private func begin(with grant: ClaimGrant, of id: StreamID, on loop: any EventLoop) async -> Publication {
        var hold = await beginTenure(with: grant, of: id, on: loop)
        let publication = makePublication(hold.stream, hold.epoch)
        hold.publication = publication
        await take(hold)
        logger.info("publisher accepted", metadata: ["stream": "\(id)", "epoch": "\(grant.epoch)"])
        if !hold.settings.renditionsOnDemand { Task { await self.makeRenditions(of: id) } }
        return publication
    }

    /// From here on the node has the hold, unless its loss was told before the grant came.
    func take(_ hold: Hold) async {
        let id = hold.stream.id
        holds[id] = hold
        tellScreen(of: id)
        // Whoever asked while the tenure began has started a pull of a stream that is this node's own.
        if pulls[id] != nil { watchForTracks(of: hold.stream, for: stopWatching(id)) }
        if let newer = claiming[id], newer > hold.epoch.value { await fence(id, by: Epoch(newer)) }
    }

    /// The stream is this node's; the hold is not in the table yet.
    func beginTenure(with grant: ClaimGrant, of id: StreamID, on loop: any EventLoop) async -> Hold {
        appSettings[id.app] = grant.appSettings
        await learn(ladder: grant.encoderSettings, of: id)
        deriver.prepare(for: grant.appSettings, of: id.app)
        screen.forgetUnknown(id)
        known.forget(id)
        let players = await endPull(of: id)
        let settings = settings(of: id)
        let (stream, isNew) = findOrAdd(id, on: loop)
        if isNew { logger.debug("stream lives here", metadata: ["stream": "\(id)"]) }
        let epoch = Epoch(grant.epoch)
        let resume = grant.resume.map(ResumePoint.init) ?? .start
        let cutter = makeCutter(resume, settings)
        await stream.loop.run { stream.beginTenure(epoch: epoch, resume: resume, settings: settings, cutter: cutter) }
        servers.owned(stream, grant.order)
        if !players.isEmpty { watchForTracks(of: stream, for: players) }
        return Hold(stream: stream, epoch: epoch, settings: settings)
    }

    func resume(_ hold: Hold) async -> Publication {
        hold.grace?.cancel()
        let stream = hold.stream
        let publication = makePublication(stream, hold.epoch)
        holds[stream.id]?.grace = nil
        holds[stream.id]?.publication = publication
        tellScreen(of: stream.id)
        await stream.loop.run { stream.publisherReturned() }
        news.fire()
        logger.info("publisher returned", metadata: ["stream": "\(stream.id)", "epoch": "\(hold.epoch.value)"])
        return publication
    }

    func makePublication(_ stream: LiveStream, _ epoch: Epoch, standsBy: Bool = false) -> Publication {
        Publication(stream: stream, epoch: epoch, standsBy: standsBy, wallClock: clock.wall) { publication, isClean in
            Task { await self.publisherLeft(publication, isClean: isClean) }
        }
    }

    private func publisherLeft(_ publication: Publication, isClean: Bool) async {
        let stream = publication.stream
        if backupLeft(publication) || standByLeft(publication) { return }
        guard let hold = holds[stream.id], hold.publication === publication else { return }
        if hold.backup != nil, !isDraining {
            await promoteBackup(of: hold)
        } else if hold.succession != nil {
            await handOver(hold)
        } else if isClean, !publication.isAskedToMove {
            await endHold(hold, .unpublished)
        } else if isDraining {
            await giveUp(hold)
        } else {
            holds[stream.id]?.publication = nil
            tellScreen(of: stream.id)
            await stream.loop.run { stream.interrupt() }
            logger.info("publisher lost, waiting for it", metadata: ["stream": "\(stream.id)"])
            news.fire()
            holds[stream.id]?.grace = Task {
                guard await self.clock.sleep(.seconds(hold.settings.publisherGrace)) else { return }
                await self.graceEnded(stream.id, hold.epoch)
            }
        }
    }

    private func graceEnded(_ id: StreamID, _ epoch: Epoch) async {
        guard var hold = holds[id], hold.epoch == epoch, hold.publication == nil else { return }
        // This is the grace's own task: cancelled with the hold, it could not tell the control plane.
        hold.grace = nil
        await endHold(hold, .publisherLost)
    }

    /// The stream is over: tells viewers, then the control plane.
    func endHold(_ hold: Hold, _ reason: ReleaseRequest.Reason) async {
        let stream = hold.stream
        let end: EndReason =
            switch reason {
            case .unpublished: .unpublished
            case .publisherLost: .publisherLost
            case .draining: .draining
            }
        hold.stopWaiting(end)
        holds[stream.id] = nil
        tellScreen(of: stream.id)
        for player in stopWatching(stream.id) { player.resume(returning: .failure(.unknownStream(stream.id))) }
        let next = await finish(stream, end)
        logger.info("stream ended", metadata: ["stream": "\(stream.id)", "reason": "\(reason.rawValue)"])
        await release(stream.id, hold.epoch, reason, next)
    }

    func release(_ id: StreamID, _ epoch: Epoch, _ reason: ReleaseRequest.Reason, _ next: ResumePoint?) async {
        let request = ReleaseRequest(
            nodeId: identity.nodeID,
            bootId: identity.bootID,
            epoch: epoch.value,
            reason: reason,
            next: next.map(StreamPosition.init)
        )
        do throws(ControlPlaneError) {
            try await control.release(id, request)
        } catch {
            // The lease runs out instead, or the next heartbeat without this hold says the same.
            logger.warning("release not confirmed", metadata: ["stream": "\(id)", "error": "\(error)"])
        }
    }

    func findOrAdd(_ id: StreamID, on loop: any EventLoop) -> (stream: LiveStream, isNew: Bool) {
        registry.findOrAdd(id) {
            let stream = LiveStream(id: id, loop: loop, settings: settings(of: id))
            servers.opened(stream)
            return stream
        }
    }

    /// Ends the stream on this node; answers with where the next owner goes on.
    ///
    /// Its name is free before anything is waited for. Whoever comes meanwhile gets a new stream: this one would end under
    /// it, and a pull or a publisher of a stream that no table knows would keep all others waiting.
    @discardableResult
    func finish(_ stream: LiveStream, _ reason: EndReason) async -> ResumePoint? {
        registry.remove(stream)
        let next = await stream.loop.run {
            stream.onDemandChanged = nil
            stream.onServing = nil
            defer { stream.end(reason) }
            return stream.nextResumePoint
        }
        servers.closed(stream)
        if ladders[stream.id.source] != nil, !isHere(stream.id.source) { ladders[stream.id.source] = nil }
        return next
    }

    /// Tells those who cannot wait for this actor what has become of a stream's publisher here.
    func tellScreen(of id: StreamID) {
        guard let hold = holds[id], hold.publication != nil else { return screen.setPublished(id, nil) }
        screen.setPublished(id, takesSecondPublisher(hold) ? .takesAnother : .taken)
    }

    // MARK: Fencing

    /// A newer owner exists: this node's publisher ends, its viewers are fed from the new owner.
    package func fence(_ id: StreamID, by newer: Epoch) async {
        guard let hold = holds[id], hold.epoch < newer else { return }
        holds[id] = nil
        hold.stopWaiting(.fenced(newer))
        tellScreen(of: id)
        hold.publication?.revoke(.fenced(newer))
        let waiting = stopWatching(id)
        let stream = hold.stream
        let hasViewers = await stream.loop.run {
            stream.endTenure(fencedBy: newer)
            return stream.hasSubscribers
        }
        logger.warning("fenced by a newer owner", metadata: ["stream": "\(id)", "epoch": "\(newer.value)"])
        await feedFromNextOwner(stream, hasViewers, waiting, orEnd: .fenced(newer))
    }

    /// The hold of the stream is over: those who watch it here are fed from the next owner.
    func feedFromNextOwner(
        _ stream: LiveStream,
        _ hasViewers: Bool,
        _ waiting: [CheckedContinuation<Result<LiveStream, Refusal>, Never>],
        orEnd reason: EndReason
    ) async {
        // Since the hold ended, its publisher may have come back with a newer claim, or a player have asked for a pull.
        if holds[stream.id] != nil || pulls[stream.id] != nil {
            for player in waiting { player.resume(returning: .failure(.unavailable("the stream is moving"))) }
        } else if intake.refusal(of: .nextObject) == nil, hasViewers || !waiting.isEmpty {
            startPull(of: stream, for: waiting)
        } else {
            for player in waiting { player.resume(returning: .failure(.draining)) }
            await finish(stream, reason)
        }
    }

    /// Another process took this node's identity: nothing here is ours any more.
    package func fenceAll() async {
        endAllStandBy(.draining)
        for (id, hold) in holds { await fence(id, by: Epoch(hold.epoch.value + 1)) }
    }
}

extension EventLoop {
    /// Runs `body` on the loop and waits for its result.
    func run<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
        await withCheckedContinuation { continuation in
            execute { continuation.resume(returning: body()) }
        }
    }
}
