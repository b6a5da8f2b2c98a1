import ClusterModel
import FanOut
import Logging
import MPEGTS
import MediaModel
import Metrics
import NIOCore
import Observability
import SRT
import Streams

/// One SRT caller: finds out what it wants, asks whether it may, and joins it to the hub.
///
/// `@unchecked Sendable`: touched on the poller's thread only.
final class SRTSession: @unchecked Sendable {
    private enum Role {
        /// It has not said what it wants, and has sent nothing.
        case silent
        /// The answer to question `number` is awaited.
        case asking(SRTStreamID.Mode, number: Int)
        case publishing(SRTIngest)
        case playing(LiveStream, SRTOutlet, SRTViewer)
        case over
    }

    /// How often what is left to read or to send is looked at, once a connection is ending.
    private static let endingStep = TimeAmount.milliseconds(10)
    private static let statisticsPeriod = TimeAmount.seconds(1)

    private let socket: SRTSocket
    private let service: SRTService
    private let poller: SRTPoller
    private let threads: SRTSendThreads
    private let acceptedAt = NIODeadline.now()
    private var role = Role.silent
    private var request: (stream: StreamID, mode: SRTStreamID.Mode, token: String?)?
    private var questions = 0
    private var lastReadAt = NIODeadline.now()
    private var silentLooks = 0
    private var statistics = SRTStatistics()
    private var isOpen = true
    private var onClosed: (() -> Void)?
    private var logger: Logger

    init(socket: SRTSocket, service: SRTService, poller: SRTPoller, threads: SRTSendThreads) {
        self.socket = socket
        self.service = service
        self.poller = poller
        self.threads = threads
        logger = service.logger
    }

    /// `onClosed` is called once, when the socket has been closed.
    func start(onClosed: @escaping () -> Void) {
        self.onClosed = onClosed
        service.connections.change(by: 1)
        logger[metadataKey: LogKeys.remote] = "\(socket.remoteAddress?.description ?? "?")"
        // Screened already; only a stream ID that changed on the way could fail here.
        guard let parsed = try? SRTStreamID(parsing: socket.streamID),
            let (stream, wished) = try? parsed.wish
        else { return close() }
        let mode = wished == .undecided && !service.takesPublishers ? .request : wished
        request = (stream, mode, parsed.token)
        logger[metadataKey: LogKeys.stream] = "\(stream)"
        poller.add(socket, wantsInput: mode != .publish) { self.ready($0) }
        switch mode {
        case .publish: ask(.publish)
        case .request: ask(.request)
        case .undecided: poller.schedule(in: TimeAmount(service.limits.silenceMax)) { self.wasSilent() }
        }
        keepStatistics()
    }

    // MARK: Socket

    private func ready(_ readiness: SRTPoller.Readiness) {
        switch (readiness, role) {
        case (.broken, _): broken()
        case (.readable, .publishing(let ingest)): read(ingest)
        // Whoever sends without having said more is a publisher, also when it was taken for a player that waits.
        case (.readable, .silent), (.readable, .asking(.request, _)):
            guard request?.mode == .undecided else { return refuseInput() }
            askToPublish()
        case (.readable, .playing): refuseInput()
        case (.readable, .asking), (.readable, .over): poller.setInput(false, of: socket)
        }
    }

    private func wasSilent() {
        guard case .silent = role else { return }
        if socket.hasReceivedPackets { askToPublish() } else { ask(.request) }
    }

    private func askToPublish() {
        poller.setInput(false, of: socket)
        ask(.publish)
    }

    private func refuseInput() {
        service.meters.protocolError("player_sends")
        logger.notice("player closed", metadata: [LogKeys.reason: "player_sends"])
        end()
    }

    private func broken() {
        switch role {
        case .publishing(let ingest):
            role = .over
            // A goodbye comes at once, a loss is noticed after this much silence. Packets are read a latency after they came.
            let silence = NIODeadline.now() - lastReadAt + TimeAmount(socket.receiveLatency)
            let isClean = silence < TimeAmount(SRTListener.peerIdleTimeout) - .milliseconds(500)
            let latency = TimeAmount(socket.receiveLatency)
            readRest(ingest, isClean: isClean, until: .now() + latency + Self.endingStep)
        case .silent, .asking, .playing, .over: end()
        }
    }

    /// Packets that came before the end are still held back for their time.
    private func readRest(_ ingest: SRTIngest, isClean: Bool, until deadline: NIODeadline) {
        _ = readPackets(ingest)
        guard NIODeadline.now() >= deadline else {
            return poller.schedule(in: Self.endingStep) { self.readRest(ingest, isClean: isClean, until: deadline) }
        }
        ingest.end(isClean: isClean)
        close()
    }

    func end() {
        switch role {
        case .publishing(let ingest): ingest.end(isClean: false)
        case .playing(let stream, let outlet, let viewer):
            outlet.remove(viewer)
            stream.countViewers(-1, of: .srt)
        case .silent, .asking, .over: break
        }
        role = .over
        close()
    }

    private func close() {
        guard isOpen else { return }
        takeStatistics()
        isOpen = false
        role = .over
        poller.remove(socket)
        socket.close()
        onClosed?()
        onClosed = nil
        service.connections.change(by: -1)
        logger.info(
            "SRT connection closed",
            metadata: [
                LogKeys.durationSeconds: "\((NIODeadline.now() - acceptedAt).nanoseconds / 1_000_000_000)",
                "received": "\(statistics.received.summary)", "sent": "\(statistics.sent.summary)",
                "undecrypted": "\(statistics.undecrypted)",
                "roundTripMilliseconds": "\(Int(statistics.roundTripMilliseconds))",
            ]
        )
    }

    private func keepStatistics() {
        poller.schedule(in: Self.statisticsPeriod) {
            guard self.isOpen else { return }
            self.takeStatistics()
            self.lookForSilence()
            self.keepStatistics()
        }
    }

    /// libsrt keeps a connection that says nothing. Looks are counted, not time: a process that was stopped heard nobody.
    private func lookForSilence() {
        guard case .publishing = role else { return }
        silentLooks = NIODeadline.now() - lastReadAt >= Self.statisticsPeriod ? silentLooks + 1 : 0
        guard Self.statisticsPeriod * silentLooks >= TimeAmount(service.limits.publisherSilenceMax) else { return }
        service.meters.protocolError("publisher_silent")
        logger.notice("publisher closed", metadata: [LogKeys.reason: "publisher_silent"])
        end()
    }

    private func takeStatistics() {
        guard let more = socket.takeStatistics() else { return }
        statistics.add(more)
        service.meters.add(more)
    }

    // MARK: Asking

    private func ask(_ mode: SRTStreamID.Mode) {
        guard let request else { return }
        questions += 1
        let number = questions
        role = .asking(mode, number: number)
        let remote = socket.remoteAddress?.ipAddress
        if mode == .publish {
            let wanted = PublishRequest(
                stream: request.stream,
                protocol: .srt,
                remoteAddress: remote,
                token: request.token
            )
            service.gate.publish(wanted, on: service.group.next()) { result in
                self.poller.execute { self.publishDecided(number, result) }
            }
        } else {
            let wanted = PlayRequest(
                stream: request.stream,
                protocol: .srt,
                remoteAddress: remote,
                token: request.token
            )
            service.gate.play(wanted) { result in
                self.poller.execute { self.playDecided(number, result) }
            }
        }
    }

    private func isAwaited(_ number: Int) -> Bool {
        if case .asking(_, number) = role { true } else { false }
    }

    private func refuse(_ what: String, _ refusal: Refusal) {
        service.meters.refused(refusal.reason)
        logger.notice("\(what) refused", metadata: [LogKeys.reason: "\(refusal.reason)", LogKeys.error: "\(refusal)"])
        end()
    }

    // MARK: Publish

    private func publishDecided(_ number: Int, _ result: Result<Publication, Refusal>) {
        switch result {
        case .failure(let refusal):
            if isAwaited(number) { refuse("publish", refusal) }
        case .success(let publication):
            // The publisher may have left while the control plane decided.
            guard isAwaited(number) else { return publication.end(isClean: false) }
            let ingest = SRTIngest(
                publication: publication,
                meters: service.meters,
                logger: logger,
                onFault: { error in self.poller.execute { self.cannotRead(error) } },
                onLeave: { self.poller.execute { self.revoked(.draining) } }
            )
            role = .publishing(ingest)
            lastReadAt = .now()
            publication.whenRevoked { reason in self.poller.execute { self.revoked(reason) } }
            publication.whenAsked { request in
                switch request {
                // SRT has no word for it: whoever drains asks again at the deadline.
                case .move: break
                case .leaveAtKeyframe: ingest.leaveAtKeyframe()
                }
            }
            poller.setInput(true, of: socket)
        }
    }

    private func read(_ ingest: SRTIngest) {
        guard readPackets(ingest) > service.limits.unhandledBytesMax else { return }
        // Its stream does not keep up: libsrt holds the rest, up to its buffer.
        poller.setInput(false, of: socket)
        ingest.whenHandled {
            self.poller.execute {
                if case .publishing = self.role { self.poller.setInput(true, of: self.socket) }
            }
        }
    }

    /// Returns how many bytes the stream has not taken yet.
    private func readPackets(_ ingest: SRTIngest) -> Int {
        var bytes = ByteBuffer()
        var packets = 0
        while packets < service.limits.packetsPerTurn, socket.receive(into: &bytes) == .done { packets += 1 }
        guard bytes.readableBytes > 0 else { return 0 }
        lastReadAt = .now()
        return ingest.take(bytes)
    }

    private func cannotRead(_ error: TSError) {
        guard case .publishing = role else { return }
        service.meters.protocolError(error.reason)
        logger.notice("publisher closed", metadata: [LogKeys.reason: "\(error.reason)", LogKeys.error: "\(error)"])
        end()
    }

    private func revoked(_ reason: EndReason) {
        guard case .publishing = role else { return }
        logger.notice("publisher closed", metadata: [LogKeys.reason: "\(reason)"])
        end()
    }

    // MARK: Play

    private func playDecided(_ number: Int, _ result: Result<LiveStream, Refusal>) {
        guard isAwaited(number) else { return }
        switch result {
        case .failure(.unknownStream(let id)) where request?.mode == .undecided:
            // A publisher whose encoder is slow to start looks like this: it has until the refusal is due.
            role = .silent
            let due = max(acceptedAt + TimeAmount(service.limits.refusalMax) - .now(), .nanoseconds(0))
            poller.schedule(in: due) {
                guard case .silent = self.role else { return }
                if self.socket.hasReceivedPackets {
                    self.askToPublish()
                } else {
                    self.refuse("play", .unknownStream(id))
                }
            }
        case .failure(let refusal): refuse("play", refusal)
        case .success(let stream): startPlaying(stream)
        }
    }

    private func startPlaying(_ stream: LiveStream) {
        let outlet = service.outlets.outlet(for: stream)
        let meters = service.meters
        let viewer = SRTViewer(
            socket: socket,
            onFirstFrame: { [acceptedAt] in
                meters.firstFrame.recordNanoseconds((NIODeadline.now() - acceptedAt).nanoseconds)
            },
            onEnd: { end in self.poller.execute { self.playerEnded(end) } }
        )
        role = .playing(stream, outlet, viewer)
        stream.countViewers(1, of: .srt)
        warmUp(SRTWarmUp(until: .now() + service.limits.warmUpMax), for: viewer, of: outlet)
    }

    /// A player's first packets are the newest group of pictures, all at once.
    private func warmUp(_ warmUp: SRTWarmUp, for viewer: SRTViewer, of outlet: SRTOutlet) {
        guard case .playing = role else { return }
        var warmUp = warmUp
        guard warmUp.goesOn(socket, at: .now()) else { return outlet.add(viewer, on: threads.next) }
        poller.schedule(in: SRTWarmUp.step) { [warmUp] in self.warmUp(warmUp, for: viewer, of: outlet) }
    }

    private func playerEnded(_ reason: Viewer.End) {
        guard case .playing(let stream, let outlet, let viewer) = role else { return }
        role = .over
        outlet.remove(viewer)
        stream.countViewers(-1, of: .srt)
        switch reason {
        case .streamEnded: sayGoodbye(until: .now() + TimeAmount(service.limits.goodbyeMax))
        case .tooSlow, .connectionLost: close()
        }
    }

    /// A goodbye makes the player drop what it holds back: it goes out once all has come and its time has passed.
    private func sayGoodbye(until deadline: NIODeadline) {
        guard isOpen else { return }
        if socket.unacknowledgedBytes > 0, NIODeadline.now() < deadline {
            return poller.schedule(in: Self.endingStep) { self.sayGoodbye(until: deadline) }
        }
        poller.schedule(in: TimeAmount(socket.peerLatency) + Self.endingStep) { self.close() }
    }
}

extension SRTStatistics.Direction {
    fileprivate var summary: String {
        "\(packets) packets, \(lost) lost, \(retransmitted) sent again, \(dropped) too late"
    }
}
