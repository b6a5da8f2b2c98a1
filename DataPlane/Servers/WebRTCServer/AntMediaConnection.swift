import AntMediaSignalling
import ClusterModel
import Codecs
import Drivers
package import HTTPServer
import Logging
import MediaModel
import NIOCore
import Observability
import Streams
import Timebase
import Transcoding
import WebRTC

/// One WebSocket connection of an Ant Media SDK: drives the signalling engine on the connection's loop and begins and ends
/// sessions for it, which live on loops of their own.
final class AntMediaConnection: WebSocketSession {
    /// What runs under a stream's name on this connection.
    private enum Running {
        case offered(OfferedSession)
        case session(secret: String)
    }

    private let service: WebRTCService
    private let request: WebSocketRequest
    private let connection: any WebSocketConnection
    private let loop: any EventLoop
    private var session: SignallingSession
    private var timer = EngineTimer()
    private var running: [String: Running] = [:]
    /// Each try under a name has its number, so that an answer for a former one is known as such.
    private var tries: [String: Int] = [:]
    private var tryCount = 0
    private var logger: Logger

    init(
        service: WebRTCService,
        request: WebSocketRequest,
        connection: any WebSocketConnection,
        limits: SignallingLimits = SignallingLimits()
    ) {
        self.service = service
        self.request = request
        self.connection = connection
        loop = connection.eventLoop
        session = SignallingSession(limits: limits)
        logger = service.parts.logger
        logger[metadataKey: LogKeys.remote] = "\(request.remoteAddress ?? "?")"
    }

    func received(_ text: String) {
        session.receive(text, at: loop.instant)
        drain()
    }

    func closed() {
        session.inputClosed()
        drain()
        timer.cancel()
    }

    // MARK: Engine

    private func drain() {
        while let output = session.nextOutput() {
            switch output {
            case .send(let message): connection.send(message.text)
            case .event(let event): handle(event)
            }
        }
        timer.arm(for: session.nextDeadline, on: loop) { [weak self] now in
            self?.session.timeoutReached(at: now)
            self?.drain()
        }
    }

    private func handle(_ event: SignallingSession.Event) {
        switch event {
        case .publishOffered(let name, let token, let sdp):
            begin(name, token) { service, ask throws(SignallingFault) in
                .session(try await service.publish(ask, offer: sdp))
            }
        case .playRequested(let name, let token):
            begin(name, token) { service, ask throws(SignallingFault) in .offered(try await service.offerPlay(ask)) }
        case .playAnswered(let name, let sdp): playAnswered(name, sdp)
        case .stopped(let name): stop(name)
        case .infoRequested(let name): tellInfo(of: name)
        case .qualityForced(let name, let height):
            if case .session(let secret)? = running[name] { service.force(height, on: secret) }
        case .iceServerRequested: session.iceServer(service.parts.iceServers.first.map { .init($0) })
        }
    }

    // MARK: Sessions

    private enum Begun: Sendable {
        case offered(OfferedSession)
        case session(OpenedSession)
    }

    private typealias Begin =
        @Sendable (_ service: WebRTCService, _ ask: SessionAsk) async throws(SignallingFault) -> Begun

    private func begin(_ name: String, _ token: String?, _ begin: @escaping Begin) {
        let ask: SessionAsk
        let attempt = nextTry(name)
        do throws(NameError) {
            ask = SessionAsk(
                stream: try StreamID(app: request.app, id: name),
                token: token ?? request.token,
                remoteAddress: request.remoteAddress,
                watch: watch(name, attempt)
            )
        } catch { return refuse(name, .refused(.badName(error))) }
        proceed(name, attempt) { service throws(SignallingFault) in try await begin(service, ask) }
    }

    private func playAnswered(_ name: String, _ sdp: String) {
        guard case .offered(let offered)? = running.removeValue(forKey: name), let attempt = tries[name] else { return }
        proceed(name, attempt) { service throws(SignallingFault) in
            .session(try await service.accept(offered, answer: sdp))
        }
    }

    /// Asks off the loop and comes back to it.
    private func proceed(
        _ name: String,
        _ attempt: Int,
        _ ask: @escaping @Sendable (WebRTCService) async throws(SignallingFault) -> Begun
    ) {
        let bound = NIOLoopBound(self, eventLoop: loop)
        let (service, loop) = (service, loop)
        Task {
            let result: Result<Begun, SignallingFault>
            do throws(SignallingFault) {
                result = .success(try await ask(service))
            } catch { result = .failure(error) }
            loop.execute { bound.value.decided(name, attempt, result) }
        }
    }

    private func decided(_ name: String, _ attempt: Int, _ result: Result<Begun, SignallingFault>) {
        switch result {
        case .failure(let fault):
            if tries[name] == attempt { refuse(name, fault) }
        case .success(.offered(let offered)):
            guard tries[name] == attempt else { return service.abandon(offered) }
            running[name] = .offered(offered)
            session.playOffered(name, sdp: offered.description, at: loop.instant)
        case .success(.session(let opened)):
            guard tries[name] == attempt else { return service.end(opened.secret) }
            running[name] = .session(secret: opened.secret)
            if !opened.description.isEmpty { session.publishAnswered(name, sdp: opened.description) }
        }
        drain()
    }

    private func refuse(_ name: String, _ fault: SignallingFault) {
        tries[name] = nil
        service.note(fault, stream: "\(request.app)/\(name.prefix(128))", request.remoteAddress)
        session.refused(name, fault)
        drain()
    }

    private func stop(_ name: String) {
        tries[name] = nil
        switch running.removeValue(forKey: name) {
        case .offered(let offered): service.abandon(offered)
        case .session(let secret): service.end(secret)
        case nil: break
        }
    }

    private func nextTry(_ name: String) -> Int {
        tryCount += 1
        tries[name] = tryCount
        return tryCount
    }

    private func watch(_ name: String, _ attempt: Int) -> SessionWatch {
        let bound = NIOLoopBound(self, eventLoop: loop)
        let loop = loop
        return SessionWatch(
            opened: { loop.execute { bound.value.opened(name, attempt) } },
            ended: { loop.execute { bound.value.ended(name, attempt) } }
        )
    }

    private func opened(_ name: String, _ attempt: Int) {
        guard tries[name] == attempt else { return }
        session.opened(name)
        drain()
    }

    private func ended(_ name: String, _ attempt: Int) {
        guard tries[name] == attempt else { return }
        tries[name] = nil
        running[name] = nil
        session.ended(name)
        drain()
    }

    // MARK: What a stream is

    private func tellInfo(of name: String) {
        guard let stream = try? StreamID(app: request.app, id: name) else {
            session.streamInfo(name, [])
            return
        }
        let play = PlayRequest(
            stream: stream,
            protocol: .webrtc,
            remoteAddress: request.remoteAddress,
            token: request.token
        )
        let bound = NIOLoopBound(self, eventLoop: loop)
        let (gate, loop) = (service.parts.gate, loop)
        Task {
            let live = try? await gate.play(play)
            let infos = try? await live?.loop.submit { live.map { SignallingMessage.StreamInfo.all(of: $0) } ?? [] }
                .get()
            loop.execute { bound.value.toldInfo(name, infos ?? []) }
        }
    }

    private func toldInfo(_ name: String, _ infos: [SignallingMessage.StreamInfo]) {
        session.streamInfo(name, infos)
        drain()
    }
}

@available(*, unavailable)
extension AntMediaConnection: Sendable {}

extension WebRTCService: WebSocketEndpoint {
    package func open(_ request: WebSocketRequest, _ connection: any WebSocketConnection) -> any WebSocketSession {
        AntMediaConnection(service: self, request: request, connection: connection)
    }
}

extension SignallingMessage.StreamInfo {
    /// The stream itself, then its rungs: those that a player may force. On the stream's loop.
    static func all(of stream: LiveStream) -> [Self] {
        guard let track = stream.tracks.first(where: { $0.kind == .video }) else { return [] }
        let sound = stream.tracks.first { $0.kind == .audio }.flatMap { stream.bitsPerSecond(of: $0.id) } ?? 0
        let size = track.codec.pictureSize
        let source = Self(
            streamWidth: size?.width ?? 0,
            streamHeight: size?.height ?? 0,
            videoBitrate: stream.bitsPerSecond(of: track.id) ?? 0,
            audioBitrate: sound,
            videoCodec: track.codec.name
        )
        let plan = RenditionPlan(of: stream.tracks, settings: stream.settings)
        // A player keeps the codec it has agreed on.
        let playable = plan.renditions.filter { $0.layer != nil || track.codec.name == "h264" }
        let rungs = playable.map { rendition in
            Self(
                streamWidth: rendition.size.width,
                streamHeight: rendition.size.height,
                videoBitrate: rendition.videoBitsPerSecond,
                audioBitrate: rendition.audioBitsPerSecond > 0 ? rendition.audioBitsPerSecond : sound,
                videoCodec: track.codec.name
            )
        }
        return [source] + rungs
    }
}

extension SignallingMessage.IceServer {
    init(_ server: ICEServer) { self.init(uri: server.uri, username: server.username, credential: server.credential) }
}

extension SignallingSession {
    /// In the words of the SDK, with ours beside them.
    fileprivate mutating func refused(_ name: String, _ fault: SignallingFault) {
        if case .refused(.unknownStream) = fault {
            return refused(
                name,
                definition: "no_stream_exist",
                code: "404",
                information: "stream_not_exist_or_not_streaming"
            )
        }
        refused(name, definition: fault.antMediaDefinition, information: fault.description)
    }
}

extension SignallingFault {
    fileprivate var antMediaDefinition: String {
        switch self {
        case .refused(let refusal): refusal.antMediaDefinition
        case .offer: "notSetRemoteDescription"
        case .negotiation, .unplayable: "no_codec_enabled_in_the_server"
        case .method, .mediaType, .unknownSession, .withoutPrecondition, .stale, .restartWithoutCredentials:
            "server_error_check_logs"
        }
    }
}

extension Refusal {
    fileprivate var antMediaDefinition: String {
        switch self {
        case .unknownStream: "no_stream_exist"
        case .badName: "invalidStreamName"
        case .inUse: "streamIdInUse"
        case .unauthorized, .forbidden: "unauthorized_access"
        case .viewersFull: "viewerLimitReached"
        case .overloaded, .draining: "highResourceUsage"
        case .unsupportedCodec: "no_codec_enabled_in_the_server"
        case .notAnOrigin, .notAnEdge, .unavailable, .notMade: "not_initialized_yet"
        }
    }
}
