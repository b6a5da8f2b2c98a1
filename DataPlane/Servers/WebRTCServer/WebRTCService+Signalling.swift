package import ClusterModel
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
            note(error, stream: "\(request.stream)", request.remoteAddress)
            return error.response
        }
    }

    package func answer(tooLongFor stream: StreamID, limit: Int, remoteAddress: String?) -> MediaResponse {
        let fault = SignallingFault.offer(.tooLong(bytes: limit + 1, limit: limit))
        note(fault, stream: "\(stream)", remoteAddress)
        return fault.response
    }

    // MARK: A new session

    private func begin(_ request: Signalling.Request) async throws(SignallingFault) -> MediaResponse {
        guard request.method == .POST else { throw .method(request.method, allowed: "POST, OPTIONS") }
        guard request.contentType?.isMediaType("application/sdp") == true else {
            throw .mediaType(request.contentType, expected: "application/sdp")
        }
        let ask = SessionAsk(stream: request.stream, token: request.token, remoteAddress: request.remoteAddress)
        let offer = String(buffer: request.body)
        let opened =
            switch request.kind {
            case .whip: try await publish(ask, offer: offer)
            case .whep: try await play(ask, offer: offer)
            }
        var response = MediaResponse(
            status: .created,
            headers: [
                "content-type": "application/sdp",
                "location": "/\(request.stream.app)/\(request.kind.rawValue)/\(request.stream.id)/"
                    + "\(parts.nodeID).\(opened.secret)",
                "etag": opened.entityTag,
                "accept-patch": Self.trickleType,
                "cache-control": "no-store",
            ],
            body: [ByteBuffer(string: opened.description)]
        )
        for server in parts.iceServers { response.headers.add(name: "link", value: server.link) }
        return response
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
            let peer = directory.peer(secret: String(secret)), peer.isSession(of: request.stream, as: request.kind.role)
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
        let now = try? await peer.loop.submit { peer.entityTag }.get()
        // A list, one of which it may be (RFC 9110 §13.1.1). Tags of ours have no commas.
        let tags = ifMatch.split(separator: ",").map { $0.trimmingPrefix { $0 == " " } }
        guard let tag = now, tags.contains(where: { $0 == tag }) else { throw .stale }
        return MediaResponse(status: .noContent, headers: ["etag": tag, "cache-control": "no-store"])
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

extension Signalling.Kind {
    fileprivate var role: PeerSession.Role {
        switch self {
        case .whip: .publisher
        case .whep: .player
        }
    }
}

extension String {
    /// Without parameters, as `; charset=utf-8`.
    fileprivate func isMediaType(_ type: String) -> Bool {
        prefix { $0 != ";" }.filter { $0 != " " }.lowercased() == type
    }
}
