import ClusterModel
import Drivers
package import HTTPServer
import ICE
import Logging
import MediaModel
import Metrics
import NIOCore
import NIOHTTP1
import Observability
import SDP
import SecureTransport
import Streams
import Timebase
import WebRTC

/// WHIP (RFC 9725) and WHEP, which has the same shape.
extension WebRTCService: SignallingEndpoint {
    package func answer(_ request: Signalling.Request) async -> MediaResponse {
        do throws(SignallingFault) {
            guard let session = request.session else { return try await begin(request) }
            if let elsewhere = await redirect(request, session) { return elsewhere }
            return try await change(request, session)
        } catch {
            MetricNames.connectionsRefused.counter("webrtc", error.reason).increment()
            parts.logger.info(
                "session refused",
                metadata: [
                    LogKeys.reason: "\(error.reason)", LogKeys.stream: "\(request.stream)",
                    LogKeys.remote: "\(request.remoteAddress ?? "?")", LogKeys.error: "\(error)",
                ]
            )
            return error.response
        }
    }

    // MARK: A new session

    private func begin(_ request: Signalling.Request) async throws(SignallingFault) -> MediaResponse {
        guard request.method == .POST else { throw .method(request.method, allowed: "POST, OPTIONS") }
        guard request.contentType?.isMediaType("application/sdp") == true else {
            throw .mediaType(request.contentType, expected: "application/sdp")
        }
        let offer: SessionDescription
        do throws(SDPError) {
            offer = try SessionDescription(parsing: String(buffer: request.body))
        } catch { throw .offer(error) }
        guard let socket = takeSocket() else { throw .refused(.unavailable("the WebRTC port is not open")) }
        guard directory.admit(limit: parts.limits.halfOpenSessionsMax) else {
            throw .refused(.overloaded("\(parts.limits.halfOpenSessionsMax) WebRTC sessions wait for their clients"))
        }
        do throws(SignallingFault) {
            return switch request.kind {
            case .whip: try await publish(request, offer, on: socket)
            case .whep: try await play(request, offer, on: socket)
            }
        } catch {
            directory.settled()
            throw error
        }
    }

    private func publish(
        _ request: Signalling.Request,
        _ offer: SessionDescription,
        on socket: any Channel
    ) async throws(SignallingFault) -> MediaResponse {
        // What cannot be answered must not take a stream from anybody.
        let prepared = try prepare(offer, PeerNegotiation.ingest)
        let ask = PublishRequest(
            stream: request.stream,
            protocol: .webrtc,
            remoteAddress: request.remoteAddress,
            token: request.token
        )
        let publication: Publication
        do throws(Refusal) {
            publication = try await parts.gate.publish(ask, on: socket.eventLoop)
        } catch { throw .refused(error) }
        do throws(SignallingFault) {
            return try await open(prepared, .publisher, .publisher(publication), request, on: socket)
        } catch {
            publication.end(isClean: false)
            throw error
        }
    }

    private func play(
        _ request: Signalling.Request,
        _ offer: SessionDescription,
        on socket: any Channel
    ) async throws(SignallingFault) -> MediaResponse {
        let ask = PlayRequest(
            stream: request.stream,
            protocol: .webrtc,
            remoteAddress: request.remoteAddress,
            token: request.token
        )
        let stream: LiveStream
        do throws(Refusal) {
            stream = try await parts.gate.play(ask)
        } catch { throw .refused(error) }
        let (tracks, isReordered) = await Self.look(at: stream)
        guard !isReordered else { throw .unplayable(.reorderedPictures) }
        let capabilities: [MediaCapabilities]
        do throws(UnplayableStream) {
            var random = SystemRandomNumberGenerator()
            capabilities = try PeerNegotiation.egress(tracks, using: &random)
        } catch { throw .unplayable(error) }
        let prepared = try prepare(offer, capabilities)
        let outlet = parts.outlets.outlet(for: stream, limits: parts.limits, logger: parts.logger)
        return try await open(prepared, .player, .player(stream, outlet), request, on: socket)
    }

    private static func look(at stream: LiveStream) async -> (tracks: [Track], isReordered: Bool) {
        let looked = stream.loop.submit {
            let isReordered = stream.cachedItems.contains { item in
                if case .unit(let unit) = item { unit.compositionOffset != .zero } else { false }
            }
            return (stream.tracks, isReordered)
        }
        // The loop outlives its streams, so there is nothing to fail.
        return (try? await looked.get()) ?? ([], false)
    }

    private struct Prepared: Sendable {
        var answer: Answer
        var credentials: ICECredentials
    }

    private func prepare(
        _ offer: SessionDescription,
        _ capabilities: [MediaCapabilities]
    ) throws(SignallingFault) -> Prepared {
        var random = SystemRandomNumberGenerator()
        let credentials = ICECredentials(using: &random)
        guard let transport = LocalTransport(credentials, candidates, parts.dtls.fingerprint) else {
            throw .refused(.unavailable("the certificate of this node has no usable fingerprint"))
        }
        let origin = SessionDescription.Origin(sessionID: random.next() >> 2, sessionVersion: 1)
        do throws(NegotiationError) {
            let answer = try Answer(to: offer, with: capabilities, transport: transport, origin: origin)
            return Prepared(answer: answer, credentials: credentials)
        } catch { throw .negotiation(error) }
    }

    private func open(
        _ prepared: Prepared,
        _ role: PeerSession.Role,
        _ part: PeerConnection.Part,
        _ request: Signalling.Request,
        on socket: any Channel
    ) async throws(SignallingFault) -> MediaResponse {
        let opened = socket.eventLoop.submit { [self] () -> Result<String, SignallingFault> in
            makePeer(prepared, role, part, request, on: socket)
        }
        guard let result = try? await opened.get() else { throw .refused(.draining) }
        let secret = try result.get()
        let tag = "\"\(prepared.credentials.userFragment)\""
        var response = MediaResponse(
            status: .created,
            headers: [
                "content-type": "application/sdp",
                "location": "/\(request.stream.app)/\(request.kind.rawValue)/\(request.stream.id)/"
                    + "\(parts.nodeID).\(secret)",
                "etag": tag,
                "accept-patch": Self.trickleType,
                "cache-control": "no-store",
            ],
            body: [ByteBuffer(string: prepared.answer.description.text)]
        )
        for link in parts.iceServerLinks { response.headers.add(name: "link", value: link) }
        return response
    }

    private func makePeer(
        _ prepared: Prepared,
        _ role: PeerSession.Role,
        _ part: PeerConnection.Part,
        _ request: Signalling.Request,
        on socket: any Channel
    ) -> Result<String, SignallingFault> {
        let now = socket.eventLoop.instant
        let negotiation = prepared.answer.negotiation
        var random = SystemRandomNumberGenerator()
        let ice = ICELiteAgent(
            credentials: prepared.credentials,
            localCandidates: candidates,
            limits: parts.limits.peer.ice,
            at: now
        )
        let dtls: any DTLSTransport
        do throws(DTLSError) {
            dtls = try parts.dtls.makeTransport(
                role: negotiation.isDTLSClient ? .client : .server,
                peerFingerprints: negotiation.certificates,
                at: now
            )
        } catch { return .failure(.refused(.unavailable("\(error)"))) }
        let session = PeerSession(
            role,
            negotiation,
            link: SecureLink(ice: ice, dtls: dtls, srtp: parts.srtp),
            limits: parts.limits.peer,
            wall: parts.wallClock(),
            at: now,
            using: &random
        )
        let secret = Self.secret(using: &random)
        var logger = parts.logger
        logger[metadataKey: LogKeys.stream] = "\(request.stream)"
        logger[metadataKey: LogKeys.remote] = "\(request.remoteAddress ?? "?")"
        let peer = PeerConnection(
            session,
            part: part,
            secret: secret,
            service: self,
            socket: socket,
            fragment: prepared.credentials.userFragment,
            logger: logger
        )
        directory.add(peer, secret: secret, fragment: prepared.credentials.userFragment)
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

    // MARK: A session that is there

    static let trickleType = "application/trickle-ice-sdpfrag"

    /// The node's id may have dots; the secret has none.
    private func parse(_ session: String) -> (nodeID: Substring, secret: Substring)? {
        session.lastIndex(of: ".").map { (session[..<$0], session[session.index(after: $0)...]) }
    }

    private func redirect(_ request: Signalling.Request, _ session: String) async -> MediaResponse? {
        guard let (nodeID, _) = parse(session), nodeID != parts.nodeID,
            let origin = await parts.originOfNode(String(nodeID))
        else { return nil }
        return .redirect(to: origin + request.uri)
    }

    private func change(_ request: Signalling.Request, _ session: String) async throws(SignallingFault) -> MediaResponse
    {
        guard let (nodeID, secret) = parse(session), nodeID == parts.nodeID,
            let peer = directory.peer(secret: String(secret))
        else { throw .unknownSession }
        switch request.method {
        case .DELETE:
            peer.loop.execute { peer.close() }
            return MediaResponse(status: .ok, headers: ["cache-control": "no-store"])
        case .PATCH: return try await patch(request, peer)
        default: throw .method(request.method, allowed: "PATCH, DELETE, OPTIONS")
        }
    }

    /// Candidates that come later, which an ICE-lite agent needs not, or new credentials (RFC 9725 §4.3).
    private func patch(_ request: Signalling.Request, _ peer: PeerConnection) async throws(SignallingFault)
        -> MediaResponse
    {
        guard request.contentType?.isMediaType(Self.trickleType) == true else {
            throw .mediaType(request.contentType, expected: Self.trickleType)
        }
        let fragment: TrickleFragment
        do throws(SDPError) {
            fragment = try TrickleFragment(parsing: String(buffer: request.body))
        } catch { throw .offer(error) }
        guard let ifMatch = request.ifMatch else { throw .withoutPrecondition }
        if ifMatch == "*" { return try await restart(peer, fragment) }
        let tag = try? await peer.loop.submit { peer.entityTag }.get()
        guard tag == ifMatch else { throw .stale }
        return MediaResponse(status: .noContent, headers: ["etag": ifMatch, "cache-control": "no-store"])
    }

    private func restart(_ peer: PeerConnection, _ fragment: TrickleFragment) async throws(SignallingFault)
        -> MediaResponse
    {
        guard fragment.userFragment != nil, fragment.password != nil else { throw .restartWithoutCredentials }
        var random = SystemRandomNumberGenerator()
        let credentials = ICECredentials(using: &random)
        let restarted = try? await peer.loop.submit { peer.restart(credentials) }.get()
        guard let tag = restarted else { throw .unknownSession }
        var answer = TrickleFragment()
        answer.isICELite = true
        answer.userFragment = credentials.userFragment
        answer.password = credentials.password
        let mid = fragment.media.first?.mid ?? "0"
        answer.media = [
            TrickleFragment.Media(mid: mid, candidates: candidates.map(CandidateAttribute.init), endOfCandidates: true)
        ]
        return MediaResponse(
            status: .ok,
            headers: ["content-type": Self.trickleType, "etag": tag, "cache-control": "no-store"],
            body: [ByteBuffer(string: answer.text)]
        )
    }
}

extension String {
    /// Without parameters, as `; charset=utf-8`.
    fileprivate func isMediaType(_ type: String) -> Bool {
        prefix { $0 != ";" }.filter { $0 != " " }.lowercased() == type
    }
}
