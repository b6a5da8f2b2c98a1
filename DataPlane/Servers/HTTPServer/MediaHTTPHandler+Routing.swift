import ClusterModel
import MediaModel
import NIOCore
import NIOHTTP1
import Streams

/// What each request is answered with.
extension MediaHTTPHandler {
    // MARK: Routing

    func answer(_ head: HTTPRequestHead) {
        let target = head.uri.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let query = MediaQuery(target.count > 1 ? target[1] : "")
        let route = MediaRoute(path: target.first ?? "")
        self.route = HTTPMeters.Route(route)
        egressMeter = service.meters.egress(of: route)
        if head.method != .OPTIONS {
            if case .webRTC(let stream, let kind) = route { return signal(stream, kind, session: nil, query, head) }
            if case .webRTCSession(let stream, let kind, let name) = route {
                return signal(stream, kind, session: name, query, head)
            }
        }
        switch head.method {
        case .OPTIONS:
            var response = CrossOrigin.preflight
            // RFC 9725 §4.2
            if case .webRTC = route { response.headers.add(name: "accept-post", value: "application/sdp") }
            return respond(response)
        case .GET, .HEAD: break
        default:
            if head.method == .POST, route == .nodeSettings { return changeSettings(head) }
            if route == .controlPlane || route == .nodeSettings { break }
            // No other method would help.
            if case .badName = route { break }
            let detail = "\(head.method) is not allowed on \(target.first ?? ""): use GET"
            var response = MediaResponse.problem(
                Problem(.methodNotAllowed, status: 405, title: "Method not allowed", detail: detail)
            )
            response.headers.add(name: "allow", value: "GET, HEAD, OPTIONS")
            return respond(response)
        }
        switch route {
        case .live: respond(.text("ok\n"))
        case .ready: respond(readiness())
        case .metrics: respond(metrics())
        case .controlPlane, .nodeSettings: respond(.redirect(to: service.controlPlaneURL() + head.uri))
        case .badName(let error): respond(.refusal(.badName(error)))
        case .webSocket: respond(upgradeRequired())
        case .playerPage: respond(PlayerPage.response)
        case .webRTC, .webRTCSession, .unknown: respond(unknownPath(target.first ?? ""))
        case .preview(let stream): respond(preview(of: stream, head))
        case .recording(let app, let name): startFile(app, name, head)
        case .httpFLV(let stream): startFLV(playRequest(stream, .httpFlv, query, head))
        case .mediaPlaylist(let stream):
            serveHLS(.mediaPlaylist(query), playRequest(stream, .hls, query, head))
        case .multivariantPlaylist(let stream):
            serveHLS(.multivariantPlaylist(query), playRequest(stream, .hls, query, head))
        case .mediaPresentation(let stream):
            serveDASH(playRequest(stream, .dash, query, head), token: query.token)
        case .adaptivePresentation(let stream):
            serveDASH(playRequest(stream, .dash, query, head), isAdaptive: true, token: query.token)
        case .object(let stream, let name):
            serveHLS(.object(name), playRequest(stream, .hls, query, head))
        case .segment(let stream, let name):
            serveHLS(.segment(name), playRequest(stream, .hls, query, head))
        }
    }

    func playRequest(
        _ stream: StreamID,
        _ kind: ClientProtocol,
        _ query: MediaQuery,
        _ head: HTTPRequestHead
    ) -> PlayRequest {
        let bearer = head.headers.first(name: "authorization").flatMap { value in
            value.lowercased().hasPrefix("bearer ") ? String(value.dropFirst(7)) : nil
        }
        return PlayRequest(
            stream: stream,
            protocol: kind,
            remoteAddress: client(of: head),
            token: query.token ?? bearer
        )
    }

    func client(of head: HTTPRequestHead) -> String? {
        ForwardedFor.client(
            peer: remoteAddress,
            header: head.headers.first(name: "x-forwarded-for"),
            isTrusted: service.isTrustedProxy
        )
    }

    private func readiness() -> MediaResponse {
        switch service.readiness() {
        case .ready: .text("ready\n")
        case .readyBut(let reason): .text("ready, but \(reason)\n")
        case .notReady(let reason): .text("not ready: \(reason)\n", status: .serviceUnavailable)
        }
    }

    private func metrics() -> MediaResponse {
        MediaResponse(
            status: .ok,
            headers: ["content-type": "text/plain; version=0.0.4; charset=utf-8", "cache-control": "no-store"],
            body: [ByteBuffer(string: service.renderMetrics())]
        )
    }

    private func changeSettings(_ head: HTTPRequestHead) {
        guard let loop = context?.eventLoop else { return }
        let bound = NIOLoopBound(self, eventLoop: loop)
        let (change, body) = (service.changeSettings, body)
        self.body = ByteBuffer()
        Task {
            let response = await change(body, head.headers.first(name: "authorization"))
            loop.execute { bound.value.respond(response) }
        }
    }

    private func unknownPath(_ path: Substring) -> MediaResponse {
        let detail =
            "nothing is served at '\(path.prefix(200))': see /{app}/streams/{id}.m3u8, {id}.flv and {id}/{id}.mpd"
        return .problem(Problem(.notFound, status: 404, title: "Not found", detail: detail))
    }

    private func serveHLS(_ ask: HLSAsk, _ request: PlayRequest) {
        guard let respond = respondOrRedirect else { return }
        service.hls.serve(ask, request, connection: ObjectIdentifier(self), respond)
    }

    private func serveDASH(_ request: PlayRequest, isAdaptive: Bool = false, token: String?) {
        guard let respond = respondOrRedirect else { return }
        service.dash.serve(request, isAdaptive: isAdaptive, token: token, respond)
    }

    /// Answers from any thread; who asks for a stream that is unknown here is sent to its last owner.
    private var respondOrRedirect: (@Sendable (MediaResponse) -> Void)? {
        guard let loop = context?.eventLoop else { return nil }
        let bound = NIOLoopBound(self, eventLoop: loop)
        let gate = service.gate
        return { response in
            guard case .unknownStream(let stream)? = response.refusal else {
                return loop.execute { bound.value.respond(response) }
            }
            Task {
                let owner = await gate.lastOwner(of: stream)
                loop.execute { bound.value.respond(owner, else: response) }
            }
        }
    }

    /// A stream that finished before anybody watched it here is read where it was published.
    private func respond(_ owner: NodeAddresses?, else response: MediaResponse) {
        guard case .answering(let head) = state, let origin = owner?.httpOrigin(isTLS: !isPlain) else {
            return respond(response)
        }
        respond(.redirect(to: origin + head.uri))
    }

    // MARK: Previews and recordings

    private func preview(of stream: StreamID, _ head: HTTPRequestHead) -> MediaResponse {
        // The control plane knows the owner, who alone makes them.
        guard let picture = service.preview(stream) else { return elsewhere("no preview of '\(stream)'", head) }
        return MediaResponse(
            status: .ok,
            headers: ["content-type": "image/jpeg", "cache-control": "max-age=1"],
            body: [picture]
        )
    }

    /// By way of the control plane, unless the client comes from there.
    private func elsewhere(_ missing: String, _ head: HTTPRequestHead) -> MediaResponse {
        let parts = head.uri.split(separator: "?", maxSplits: 1)
        if parts.count > 1, parts[1].split(separator: "&").contains(where: { $0 == ClientRedirect.mark }) {
            let detail = "there is \(missing) on this node, which was to have it"
            return .problem(Problem(.notFound, status: 404, title: "Not found", detail: detail))
        }
        return .redirect(to: service.controlPlaneURL() + head.uri)
    }

    private func startFile(_ app: String, _ name: String, _ head: HTTPRequestHead) {
        guard let loop = context?.eventLoop else { return }
        service.recordings.open(app: app, name: name, on: loop).assumeIsolated().whenComplete { result in
            guard let file = (try? result.get()).flatMap(\.self) else {
                // The control plane knows which node has it.
                return self.respond(self.elsewhere("no recording '\(app)/\(name)'", head))
            }
            self.respond(self.service.recordings.response(file, range: head.headers.first(name: "range")))
        }
    }
}
