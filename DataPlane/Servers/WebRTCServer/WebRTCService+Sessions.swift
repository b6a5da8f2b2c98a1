import ClusterModel
import Drivers
import ICE
import Logging
import MediaModel
import Metrics
import NIOCore
import Observability
import RTP
import SDP
import SecureTransport
import Streams
import Timebase
import WebRTC

/// Who asks for a session, and what for.
struct SessionAsk: Sendable {
    var stream: StreamID
    var token: String?
    var remoteAddress: String?
    /// Told of the session's life, on its loop.
    var watch: SessionWatch?

    var client: HalfOpenSessions.Client { HalfOpenSessions.Client(remoteAddress) }
}

struct SessionWatch: Sendable {
    var opened: @Sendable () -> Void
    var ended: @Sendable () -> Void
}

/// A session that waits for the peer's first packets.
struct OpenedSession: Sendable {
    /// Who knows it may change and end the session.
    var secret: String
    var entityTag: String
    /// Our answer; empty where the offer was ours.
    var description: String
}

/// Begins sessions, however they were asked for.
extension WebRTCService {
    func publish(_ ask: SessionAsk, offer text: String) async throws(SignallingFault) -> OpenedSession {
        let offer = try Self.parse(text)
        let socket = try admit(ask)
        do throws(SignallingFault) {
            // What cannot be answered must not take a stream from anybody.
            let local = try makeTransport()
            let answer = try Self.answer(offer, PeerNegotiation.ingest, local)
            let publication = try await claim(ask, on: socket)
            do throws(SignallingFault) {
                let start = SessionStart(ask, answer.negotiation, local.credentials, .publisher(publication))
                return try await open(start, answer: answer.description.text, on: socket)
            } catch {
                publication.end(isClean: false)
                throw error
            }
        } catch {
            directory.settled(ask.client)
            throw error
        }
    }

    func play(_ ask: SessionAsk, offer text: String) async throws(SignallingFault) -> OpenedSession {
        let offer = try Self.parse(text)
        let socket = try admit(ask)
        do throws(SignallingFault) {
            let local = try makeTransport()
            let (playable, answer) = try await find(ask, answering: offer, local)
            let start = SessionStart(ask, answer.negotiation, local.credentials, player(of: playable))
            return try await open(start, answer: answer.description.text, on: socket)
        } catch {
            directory.settled(ask.client)
            throw error
        }
    }

    /// A session whose offer is ours. It holds a place among the half open ones until `accept` or `abandon`.
    func offerPlay(_ ask: SessionAsk) async throws(SignallingFault) -> OfferedSession {
        let socket = try admit(ask)
        do throws(SignallingFault) {
            let playable = try await find(ask)
            let local = try makeTransport()
            let offer = Offer(playable.capabilities, transport: local.transport, origin: Self.origin())
            return OfferedSession(
                ask: ask,
                offer: offer,
                credentials: local.credentials,
                playable: playable,
                socket: socket
            )
        } catch {
            directory.settled(ask.client)
            throw error
        }
    }

    func accept(_ offered: OfferedSession, answer text: String) async throws(SignallingFault) -> OpenedSession {
        do throws(SignallingFault) {
            let answer = try Self.parse(text)
            let negotiation: Negotiation
            do throws(NegotiationError) {
                negotiation = try offered.offer.negotiation(with: answer)
            } catch { throw .negotiation(error) }
            let start = SessionStart(offered.ask, negotiation, offered.credentials, player(of: offered.playable))
            return try await open(start, answer: "", on: offered.socket)
        } catch {
            directory.settled(offered.ask.client)
            throw error
        }
    }

    func abandon(_ offered: OfferedSession) { directory.settled(offered.ask.client) }

    /// Ends the session that `secret` names, if it is still there.
    func end(_ secret: String) {
        guard let peer = directory.peer(secret: secret) else { return }
        peer.loop.execute { peer.close() }
    }

    /// Leads the session's player to the rendition of so many lines; nil leaves it to what its path carries.
    func force(_ height: Int?, on secret: String) {
        guard let peer = directory.peer(secret: secret) else { return }
        peer.loop.execute { peer.force(height) }
    }

    /// Counts and logs a refusal.
    func note(_ fault: SignallingFault, stream: String, _ remoteAddress: String?) {
        MetricNames.connectionsRefused.counter("webrtc", fault.reason).increment()
        let metadata: Logger.Metadata = [
            LogKeys.stream: "\(stream)", LogKeys.remote: "\(remoteAddress ?? "?")", LogKeys.error: "\(fault)",
        ]
        log(.info, "session refused", reason: fault.reason, with: parts.logger, metadata)
    }

    // MARK: Steps

    private static func parse(_ text: String) throws(SignallingFault) -> SessionDescription {
        do throws(SDPError) {
            return try SessionDescription(parsing: text)
        } catch { throw .offer(error) }
    }

    /// A place among the half open sessions, which whoever has it gives back (`settled`) unless a session takes it over.
    private func admit(_ ask: SessionAsk) throws(SignallingFault) -> PortSocket {
        guard let socket = takeSocket() else { throw .refused(.unavailable("the WebRTC port is not open")) }
        let (refusal, ousted) = directory.admit(ask.client, limits: parts.limits)
        if let ousted { ousted.loop.execute { ousted.oust() } }
        if let refusal { throw .refused(.overloaded(refusal)) }
        return socket
    }

    private func claim(_ ask: SessionAsk, on socket: PortSocket) async throws(SignallingFault) -> Publication {
        let request = PublishRequest(
            stream: ask.stream,
            protocol: .webrtc,
            remoteAddress: ask.remoteAddress,
            token: ask.token
        )
        do throws(Refusal) {
            return try await parts.gate.publish(request, on: socket.eventLoop)
        } catch { throw .refused(error) }
    }

    /// A player that takes no fragments gets pictures made for it.
    private func find(
        _ ask: SessionAsk,
        answering offer: SessionDescription,
        _ local: OwnSide
    ) async throws(SignallingFault) -> (PlayableStream, Answer) {
        let playable = try await find(ask)
        do throws(SignallingFault) {
            return (playable, try Self.answer(offer, playable.capabilities, local))
        } catch {
            guard case .negotiation(let reason) = error, reason.isForWantOfFragments else { throw error }
            let sliced = try await find(ask, needsSlices: true)
            return (sliced, try Self.answer(offer, sliced.capabilities, local))
        }
    }

    private func find(_ ask: SessionAsk, needsSlices: Bool = false) async throws(SignallingFault) -> PlayableStream {
        var request = PlayRequest(
            stream: ask.stream,
            protocol: .webrtc,
            remoteAddress: ask.remoteAddress,
            token: ask.token
        )
        // It was let in before.
        (request.needsSlices, request.isOfPresentPlayer) = (needsSlices, needsSlices)
        let stream: LiveStream
        do throws(Refusal) {
            stream = try await parts.gate.play(request)
        } catch { throw .refused(error) }
        let looked = stream.loop.submit { (stream.tracks, stream.hasReorderedPictures, stream.settings) }
        // The loop outlives its streams, so there is nothing to fail.
        let (tracks, isReordered, settings) = (try? await looked.get()) ?? ([], false, AppSettings())
        guard !isReordered else { throw .unplayable(.reorderedPictures) }
        do throws(UnplayableStream) {
            var random = SystemRandomNumberGenerator()
            return PlayableStream(
                stream: stream,
                capabilities: try PeerNegotiation.egress(
                    tracks,
                    packetizationMode: stream.id.isSliced ? .singleNALUnit : .nonInterleaved,
                    using: &random
                ),
                playoutDelay: PlayoutDelay(settings)
            )
        } catch { throw .unplayable(error) }
    }

    private func player(of playable: PlayableStream) -> PeerConnection.Part {
        let outlet = parts.outlets.outlet(for: playable.stream, limits: parts.limits, logger: parts.logger)
        return .player(outlet, playable.playoutDelay)
    }

    private struct OwnSide {
        var credentials: ICECredentials
        var transport: LocalTransport
    }

    private func makeTransport() throws(SignallingFault) -> OwnSide {
        var random = SystemRandomNumberGenerator()
        let credentials = ICECredentials(using: &random)
        guard let transport = LocalTransport(credentials, candidates, parts.dtls.fingerprint) else {
            throw .refused(.unavailable("the certificate of this node has no usable fingerprint"))
        }
        return OwnSide(credentials: credentials, transport: transport)
    }

    private static func origin() -> SessionDescription.Origin {
        // 62 bits, so that every reader takes it for a positive number (RFC 9429 §5.2.1).
        SessionDescription.Origin(sessionID: UInt64.random(in: 0...UInt64.max) >> 2, sessionVersion: 1)
    }

    private static func answer(
        _ offer: SessionDescription,
        _ capabilities: [MediaCapabilities],
        _ local: OwnSide
    ) throws(SignallingFault) -> Answer {
        do throws(NegotiationError) {
            return try Answer(to: offer, with: capabilities, transport: local.transport, origin: origin())
        } catch { throw .negotiation(error) }
    }

    // MARK: The session

    private struct SessionStart: Sendable {
        var ask: SessionAsk
        var negotiation: Negotiation
        var credentials: ICECredentials
        var part: PeerConnection.Part

        init(
            _ ask: SessionAsk,
            _ negotiation: Negotiation,
            _ credentials: ICECredentials,
            _ part: PeerConnection.Part
        ) {
            self.ask = ask
            self.negotiation = negotiation
            self.credentials = credentials
            self.part = part
        }
    }

    private func open(
        _ start: SessionStart,
        answer: String,
        on socket: PortSocket
    ) async throws(SignallingFault) -> OpenedSession {
        let opened = socket.eventLoop.submit { [self] in makePeer(start, on: socket) }
        guard let result = try? await opened.get() else { throw .refused(.draining) }
        let peer = try result.get()
        let tag = "\"\(start.credentials.userFragment)\""
        return OpenedSession(secret: peer, entityTag: tag, description: answer)
    }

    private func makePeer(_ start: SessionStart, on socket: PortSocket) -> Result<String, SignallingFault> {
        let now = socket.eventLoop.instant
        var random = SystemRandomNumberGenerator()
        let ice = ICELiteAgent(
            credentials: start.credentials,
            localCandidates: candidates,
            limits: parts.limits.ice(of: start.part.role),
            at: now
        )
        let dtls: any DTLSTransport
        do throws(DTLSError) {
            dtls = try parts.dtls.makeTransport(
                role: start.negotiation.isDTLSClient ? .client : .server,
                peerFingerprints: start.negotiation.certificates
            )
        } catch { return .failure(.refused(.unavailable("\(error)"))) }
        let srtp: any SRTPFactory =
            switch start.part.role {
            case .publisher: parts.ingestSRTP
            case .player: parts.srtp
            }
        let session = PeerSession(
            start.part.role,
            start.negotiation,
            link: SecureLink(ice: ice, dtls: dtls, srtp: srtp),
            limits: parts.limits.peer,
            wall: parts.wallClock(),
            playoutDelay: start.part.playoutDelay,
            at: now,
            using: &random
        )
        let secret = Self.secret(using: &random)
        var logger = parts.logger
        logger[metadataKey: LogKeys.stream] = "\(start.ask.stream)"
        logger[metadataKey: LogKeys.remote] = "\(start.ask.remoteAddress ?? "?")"
        let peer = PeerConnection(
            session,
            part: start.part,
            ask: start.ask,
            secret: secret,
            service: self,
            socket: socket,
            fragment: start.credentials.userFragment,
            logger: logger
        )
        directory.add(peer, secret: secret, fragment: start.credentials.userFragment)
        if start.part.role == .player { directory.awaits(peer, of: start.ask.client) }
        connections.change(by: 1)
        peer.begin()
        return .success(secret)
    }

    /// 128 bits: who knows it may change and end the session.
    private static func secret(using random: inout some RandomNumberGenerator) -> String {
        [random.next(), random.next()].map { (word: UInt64) in
            let digits = String(word, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }
}

/// What a player can have of a stream.
struct PlayableStream: Sendable {
    let stream: LiveStream
    let capabilities: [MediaCapabilities]
    let playoutDelay: PlayoutDelay
}

extension PlayoutDelay {
    fileprivate init(_ settings: AppSettings) {
        self.init(
            minimum: UInt16(clamping: settings.playoutDelayMinMilliseconds / 10),
            maximum: UInt16(clamping: settings.playoutDelayMaxMilliseconds / 10)
        )
    }
}

/// What a player was offered, while its answer is awaited.
struct OfferedSession: Sendable {
    let ask: SessionAsk
    let offer: Offer
    let credentials: ICECredentials
    let playable: PlayableStream
    let socket: PortSocket

    var stream: LiveStream { playable.stream }
    var description: String { offer.description.text }
}
