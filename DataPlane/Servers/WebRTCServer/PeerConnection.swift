import ClusterModel
import Drivers
import FanOut
import ICE
import Logging
import MediaModel
import Metrics
import NIOCore
import Observability
import RTP
import SecureTransport
import Streams
import Timebase
import WebRTC

/// One WebRTC session of a worker: drives its engine on one loop and joins it to the hub, as publisher or player.
///
/// `@unchecked Sendable`: touched on `loop` only, but for `loop` itself, `secret`, and what it was begun for,
/// which do not change.
final class PeerConnection: @unchecked Sendable {
    enum Part {
        case publisher(Publication)
        case player(PeerOutlet, PlayoutDelay)

        var role: PeerSession.Role {
            switch self {
            case .publisher: .publisher
            case .player: .player
            }
        }

        var playoutDelay: PlayoutDelay? {
            switch self {
            case .publisher: nil
            case .player(_, let delay): delay
            }
        }
    }

    let loop: any EventLoop
    let secret: String
    private let service: WebRTCService
    private let part: Part
    private let ask: SessionAsk
    /// Of a player.
    private var follower: RenditionFollower?
    /// This loop's socket.
    private let socket: PortSocket
    private var session: PeerSession?
    private var timer = EngineTimer()
    /// How to reach each path the peer has used; of UDP ones as the socket names them.
    private var ways: [TransportPath: Arrival.Way] = [:]
    private var knownPaths: [TransportPath] = []
    private var hasOpened = false
    private var hasUnflushed = false
    /// A player's place until it is there.
    private var placeHeld: (stream: LiveStream, until: Scheduled<Void>)?
    /// Handed to sockets since the meter was last told.
    private var uncountedBytes = 0
    private let askedAt: MonotonicInstant
    private var logger: Logger
    private(set) var entityTag: String
    /// Of ICE, newest last: its agent knows at most two.
    private var fragments: [String]

    /// The session's paths are at most ICE's valid pairs; checks that come to nothing come from more.
    private static let waysMax = 64

    init(
        _ session: consuming PeerSession,
        part: Part,
        ask: SessionAsk,
        secret: String,
        service: WebRTCService,
        socket: PortSocket,
        fragment: String,
        logger: Logger
    ) {
        loop = socket.eventLoop
        self.session = consume session
        self.part = part
        self.ask = ask
        self.secret = secret
        self.service = service
        self.socket = socket
        entityTag = "\"\(fragment)\""
        fragments = [fragment]
        self.logger = logger
        askedAt = socket.eventLoop.instant
    }

    var isGone: Bool { session == nil }

    /// Whether it was asked for so.
    func isSession(of stream: StreamID, as role: PeerSession.Role) -> Bool { ask.stream == stream && part.role == role }

    /// Does it on the session's loop, at once if that is `here`.
    func onLoop(_ here: any EventLoop, _ work: @escaping @Sendable (PeerConnection) -> Void) {
        if loop === here { work(self) } else { loop.execute { work(self) } }
    }

    /// Arms the session's first timer.
    func begin() {
        switch part {
        case .publisher(let publication):
            let loop = loop
            publication.whenRevoked { [weak self] reason in
                loop.execute { [weak self] in self?.revoked(reason) }
            }
            // WHIP has no words to move a publisher: it is closed, and its client comes again.
            publication.whenAsked { [weak self] request in
                if request == .leaveAtKeyframe { loop.execute { [weak self] in self?.close() } }
            }
            publication.whenKeyframeWanted { [weak self] track in
                loop.execute { [weak self] in self?.wantKeyframe(of: track) }
            }
        case .player(let outlet, _):
            follower = RenditionFollower(outlet, ask: ask, service: service, peer: self)
            holdPlace(at: outlet.stream)
        }
        schedule()
    }

    /// Viewers are counted once they are there, and those who are let in are to be there soon.
    private func holdPlace(at stream: LiveStream) {
        stream.expectViewers(1)
        let until = loop.assumeIsolated().scheduleTask(in: TimeAmount(service.parts.limits.placeHeld)) { [weak self] in
            if let self { leavePlace() }
        }
        placeHeld = (stream, until)
    }

    private func leavePlace() {
        placeHeld?.until.cancel()
        placeHeld?.stream.expectViewers(-1)
        placeHeld = nil
    }

    // MARK: Network

    func receive(_ datagram: ByteBuffer, _ arrival: Arrival) {
        guard !isGone else { return arrival.way.close() }
        learn(arrival)
        let now = loop.instant
        session?.receive(datagram, on: arrival.path, at: now)
        if let path = session?.path, session?.isOpen == true { follower?.judge(path, at: now) }
        drain()
    }

    func receive(_ check: ReceivedStunMessage, _ arrival: Arrival) {
        guard !isGone else { return arrival.way.close() }
        learn(arrival)
        session?.receive(check, on: arrival.path, at: loop.instant)
        drain()
        learnPaths()
    }

    func pathClosed(_ path: TransportPath) {
        ways[path] = nil
        session?.pathClosed(path, at: loop.instant)
        drain()
        learnPaths()
    }

    private func learn(_ arrival: Arrival) {
        guard ways[arrival.path] == nil else { return }
        if ways.count >= Self.waysMax {
            let valid = session?.validPaths ?? []
            ways = ways.filter { valid.contains($0.key) }
        }
        ways[arrival.path] = arrival.way
    }

    private func learnPaths() {
        let paths = session?.validPaths ?? []
        guard paths != knownPaths else { return }
        let gone = knownPaths.filter { !paths.contains($0) }
        service.directory.forget(gone, of: self)
        service.directory.learn(paths, of: self)
        for path in gone { ways.removeValue(forKey: path)?.close() }
        for path in paths where !knownPaths.contains(path) {
            switch ways[path] {
            case .tcp(let channel): channel.pipeline.fireUserInboundEventTriggered(PathAccepted())
            // Now that much will be sent, what NIO can send at once is looked for.
            case .udp(let remote, let source?) where SourceAddresses.isUsual(source, to: remote):
                ways[path] = .udp(remote, from: nil)
            case .udp, nil: break
            }
        }
        knownPaths = paths
    }

    // MARK: Media, from the outlet

    /// The first frames of an outlet, from its newest keyframe on.
    func start(with cached: [PacketizedFrame], of outlet: PeerOutlet) {
        session?.start(with: follower?.admit(kept: cached, of: outlet) ?? [], at: loop.instant)
        drain()
    }

    func send(_ frames: [PacketizedFrame], of outlet: PeerOutlet) {
        let now = loop.instant
        for frame in follower?.admit(frames, of: outlet) ?? [] { session?.send(frame, at: now) }
        drain(flushes: false)
    }

    /// After `send` of all players of a loop, which share its socket.
    func flush() {
        service.parts.egress.sent(uncountedBytes)
        uncountedBytes = 0
        guard hasUnflushed else { return }
        hasUnflushed = false
        socket.flush()
    }

    func interrupt(_ outlet: PeerOutlet) {
        if follower?.current === outlet { session?.interrupt() }
    }

    func ended(_ outlet: PeerOutlet) {
        if follower?.ended(outlet) != true { close() }
    }

    private func wantKeyframe(of track: TrackID) {
        session?.wantKeyframe(of: track, at: loop.instant)
        drain()
    }

    // MARK: Signalling

    /// New credentials for ICE; the tag of the session changes with them. Nil when the session is over.
    func restart(_ credentials: ICECredentials) -> String? {
        guard session != nil else { return nil }
        session?.restart(credentials: credentials, at: loop.instant)
        service.directory.add(self, fragment: credentials.userFragment)
        fragments.append(credentials.userFragment)
        if fragments.count > 2 { service.directory.forget(fragment: fragments.removeFirst(), of: self) }
        entityTag = "\"\(credentials.userFragment)\""
        schedule()
        return entityTag
    }

    func close() {
        session?.close(at: loop.instant)
        drain()
    }

    /// Its place among the half open sessions is another's now.
    func oust() {
        guard !hasOpened else { return }
        WebRTCMeters.refused("half_open")
        service.log(.notice, "session closed", reason: "half_open", with: logger, [:])
        close()
    }

    /// A player asks for pictures of so many lines.
    func force(_ height: Int?) { follower?.forced = height }

    private func revoked(_ reason: EndReason) {
        logger.notice("publisher closed", metadata: [LogKeys.reason: "\(reason)"])
        close()
    }

    // MARK: Engine

    private func drain(flushes: Bool = true) {
        let now = loop.instant
        while let output = session?.nextOutput(at: now) {
            switch output {
            case .transmit(let run, let path): transmit(run, on: path)
            case .event(let event): handle(event)
            }
        }
        if flushes { flush() }
        schedule()
    }

    private func transmit(_ run: DatagramRun, on path: TransportPath) {
        switch ways[path] {
        case .udp(let remote, let source?):
            uncountedBytes += run.bytes.readableBytes
            if let channel = socket.channel { SourceAddresses.send(run, from: source, to: remote, on: channel) }
        case .udp(let remote, from: nil):
            var envelope = AddressedEnvelope(remoteAddress: remote, data: run.bytes)
            if run.hasMany {
                envelope.metadata = AddressedEnvelope.Metadata(
                    ecnState: .transportNotCapable,
                    packetInfo: nil,
                    segmentSize: run.datagramBytes
                )
            }
            socket.write(envelope)
            hasUnflushed = true
            uncountedBytes += run.bytes.readableBytes
        case .tcp(let channel):
            guard channel.isWritable else { return WebRTCMeters.refused("peer_not_reading") }
            var framed = ByteBuffer()
            framed.reserveCapacity(run.bytes.readableBytes + 64)
            for datagram in run.datagrams { _ = framed.writeFramedDatagram(datagram) }
            uncountedBytes += framed.readableBytes
            channel.writeAndFlush(framed, promise: nil)
        case nil: break
        }
    }

    private func schedule() {
        let deadline = session?.nextDeadline
        if let deadline, timer.covers(deadline, on: loop) { return }
        timer.arm(for: deadline, on: loop) { [weak self] now in
            self?.session?.timeoutReached(at: now)
            self?.drain()
            self?.learnPaths()
        }
    }

    private func handle(_ event: PeerEvent) {
        switch event {
        case .opened(let suite): opened(suite.rawValue)
        case .media(let media): deliver(media)
        case .keyframeWanted:
            if let stream = follower?.current.stream { stream.loop.execute { stream.wantKeyframe() } }
        case .refused(let refusal): WebRTCMeters.refused(refusal.label)
        case .over(let end): over(end)
        }
    }

    private func opened(_ suite: String) {
        hasOpened = true
        service.directory.settled(self, of: ask.client, isPlayer: part.role == .player)
        service.opened(after: loop.instant - askedAt)
        logger.debug("session open", metadata: [LogKeys.reason: "\(suite)"])
        follower?.begin()
        leavePlace()
        ask.watch?.opened()
    }

    private func deliver(_ media: PublishedMedia) {
        guard case .publisher(let publication) = part else { return }
        switch media {
        case .tracks(let tracks): publication.deliver([.tracks(tracks)])
        case .unit(let unit, let samples):
            service.ingestBytes.increment(by: unit.payload.readableBytes)
            let frame = samples.map { AudioFrameDuration(samples: Int64($0), rate: 48_000) }
            publication.deliver([.unit(unit, frame: frame)])
        case .layer(let unit):
            service.ingestBytes.increment(by: unit.payload.readableBytes)
            publication.deliver([.layer(unit)])
        }
    }

    private func over(_ end: PeerEnd) {
        guard session != nil else { return }
        service.directory.remove(self, secret: secret, fragments: fragments, paths: knownPaths)
        session = nil
        timer.cancel()
        leavePlace()
        for way in ways.values { way.close() }
        ways = [:]
        if !hasOpened { service.directory.settled(self, of: ask.client, isPlayer: part.role == .player) }
        let isClean = end == .closedByPeer || end == .closedByUs
        if !isClean {
            WebRTCMeters.refused(end.label)
            service.log(.notice, "session closed", reason: end.label, with: logger, [LogKeys.error: "\(end)"])
        }
        switch part {
        case .publisher(let publication): publication.end(isClean: isClean)
        case .player:
            follower?.end()
            follower = nil
        }
        service.connections.change(by: -1)
        ask.watch?.ended()
    }
}
