import ClusterModel
import Drivers
import FanOut
import Logging
import MediaModel
import NIOCore
import NIOHTTP1
import Observability
import Streams

/// One HTTP connection of a worker: reads requests, asks the right room, writes answers in order.
///
/// Requests come one at a time: the pipelining handler below holds back the next until the answer to this one is complete.
final class MediaHTTPHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private enum State {
        case idle
        case receiving(HTTPRequestHead, bodyBytes: Int)
        case answering(HTTPRequestHead)
        /// The connection belongs to a viewer now.
        case streaming(FLVSession)
        case closed
    }

    /// A media request has no body; this is room for a client that sends one by habit.
    private static let bodyBytesMax = 64 << 10

    /// An offer of WHIP or WHEP, with every codec a browser knows.
    private static let offerBytesMax = 256 << 10

    private static func bodyBytesMax(of head: HTTPRequestHead) -> Int {
        head.method == .POST && (head.uri.contains("/whip/") || head.uri.contains("/whep/"))
            ? offerBytesMax : bodyBytesMax
    }

    private let service: MediaHTTPService
    private let egress: FLVEgress
    private let isPlain: Bool
    private let idle: IdleRequestHandler
    /// The peer's, or whom a trusted proxy named.
    private var remoteAddress: String?
    private var state = State.idle
    /// What came of the request's body, where somebody reads it.
    private var body = ByteBuffer()
    private var waitsForRoom = false
    private var requestedAt = NIODeadline.now()
    private var route = HTTPMeters.Route.other
    private var context: ChannelHandlerContext?

    init(service: MediaHTTPService, egress: FLVEgress, isPlain: Bool, idle: IdleRequestHandler, remoteAddress: String?)
    {
        self.service = service
        self.egress = egress
        self.isPlain = isPlain
        self.idle = idle
        self.remoteAddress = remoteAddress
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch (unwrapInboundIn(data), state) {
        case (.head(let head), .idle):
            body = ByteBuffer()
            state = .receiving(head, bodyBytes: 0)
        case (.body(var piece), .receiving(let head, let count)):
            let total = count + piece.readableBytes
            let limit = Self.bodyBytesMax(of: head)
            if head.method == .POST || head.method == .PATCH, total <= limit { body.writeBuffer(&piece) }
            if total > limit {
                state = .answering(head)
                body = ByteBuffer()
                let detail = "the body is over \(limit) bytes: media requests need none, and offers are shorter"
                respond(.problem(Problem(.tooLarge, status: 413, title: "Too large", detail: detail)), isLast: true)
            } else {
                state = .receiving(head, bodyBytes: total)
            }
        case (.end, .receiving(let head, _)):
            state = .answering(head)
            idle.requestReceived()
            requestedAt = .now()
            if context.channel.isWritable { answer(head) } else { waitsForRoom = true }
        default: break
        }
    }

    /// Who asks without reading gets no further answer: they would pile up here.
    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if waitsForRoom, context.channel.isWritable, case .answering(let head) = state {
            waitsForRoom = false
            answer(head)
        }
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        if case .streaming(let session) = state { session.connectionLost() }
        state = .closed
        self.context = nil
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let reason = Self.reason(of: error) {
            service.meters.badRequest(reason)
            let remote = remoteAddress ?? "?"
            service.logger.notice(
                "connection closed",
                metadata: [LogKeys.reason: "\(reason)", LogKeys.error: "\(error)", LogKeys.remote: "\(remote)"]
            )
        } else {
            service.logger.debug("connection closed on an error", metadata: [LogKeys.error: "\(error)"])
        }
        guard let error = error as? HTTPParserError else { return context.close(promise: nil) }
        refuse(error, context)
    }

    /// What came is no request that can be read, and neither is what follows it on this connection.
    private func refuse(_ error: HTTPParserError, _ context: ChannelHandlerContext) {
        switch state {
        case .idle, .receiving: break
        // An answer of ours is under way, and a second one would be taken for a part of it.
        case .answering, .streaming, .closed: return context.close(promise: nil)
        }
        let detail =
            error == .headerOverflow
            ? "the request line or the headers are too large: a media request needs a few hundred bytes"
            : "this is not HTTP/1.1 as RFC 9112 has it (\(error)): check that the client speaks plain HTTP to this port"
        state = .answering(HTTPRequestHead(version: .http1_1, method: .GET, uri: "*"))
        respond(.problem(Problem(.badRequest, status: 400, title: "Bad request", detail: detail)), isLast: true)
    }

    /// A stable word for what the peer did wrong; nil when the network failed.
    private static func reason(of error: any Error) -> String? {
        switch error {
        case HTTPParserError.headerOverflow: "headers_too_large"
        case is HTTPParserError: "malformed_request"
        case is RequestTimeout: "request_timeout"
        default: error.isTLSFault ? "tls" : nil
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let client = event as? ClientAddress { remoteAddress = client.address }
        // A client that closes its half of the connection is done; keeping the other half open serves nobody.
        if let event = event as? ChannelEvent, event == .inputClosed { context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }

    // MARK: Routing

    private func answer(_ head: HTTPRequestHead) {
        let target = head.uri.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let query = MediaQuery(target.count > 1 ? target[1] : "")
        let route = MediaRoute(path: target.first ?? "")
        self.route = HTTPMeters.Route(route)
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
        case .httpFLV(let stream): startFLV(playRequest(stream, .httpFlv, query, head))
        case .mediaPlaylist(let stream):
            serveHLS(.mediaPlaylist(query), playRequest(stream, .hls, query, head))
        case .multivariantPlaylist(let stream):
            serveHLS(.multivariantPlaylist(query), playRequest(stream, .hls, query, head))
        case .mediaPresentation(let stream):
            serveHLS(.mediaPresentation(query), playRequest(stream, .dash, query, head))
        case .object(let stream, let name):
            serveHLS(.object(name), playRequest(stream, .hls, query, head))
        }
    }

    private func playRequest(
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

    private func client(of head: HTTPRequestHead) -> String? {
        ForwardedFor.client(
            peer: remoteAddress,
            header: head.headers.first(name: "x-forwarded-for"),
            isTrusted: service.isTrustedProxy
        )
    }

    // MARK: WebSocket

    /// For the upgrade handler, which stands before this one in the pipeline until the first request is read.
    func webSocketUpgrade(_ limits: WebSocketLimits, on channel: any Channel) -> NIOHTTPServerUpgradeConfiguration? {
        let bound = NIOLoopBound(self, eventLoop: channel.eventLoop)
        return WebSocketUpgrade(service: service, limits: limits).configuration(
            client: { bound.value.client(of: $0) },
            handOver: { bound.value.handOver() }
        )
    }

    /// The connection belongs to a WebSocket now, which has its own limits.
    private func handOver() {
        service.meters.answered(.signalling, status: 101)
        state = .closed
        idle.stop()
        context?.pipeline.syncOperations.removeHandler(self, promise: nil)
        context = nil
    }

    private func upgradeRequired() -> MediaResponse {
        let detail = "this is a WebSocket (RFC 6455): open it with ws:// or wss://, on a node with --webrtc-port"
        var response = MediaResponse.problem(
            Problem(.badRequest, status: 426, title: "Upgrade required", detail: detail)
        )
        response.headers.add(name: "upgrade", value: "websocket")
        return response
    }

    // MARK: WHIP and WHEP

    private func signal(
        _ stream: StreamID,
        _ kind: Signalling.Kind,
        session name: String?,
        _ query: MediaQuery,
        _ head: HTTPRequestHead
    ) {
        guard let loop = context?.eventLoop else { return }
        guard let endpoint = service.signalling else {
            let detail = "WebRTC is off on this node: start it with --webrtc-port, or ask another node"
            return respond(.problem(Problem(.unavailable, status: 503, title: "WebRTC is off", detail: detail)))
        }
        let ask = playRequest(stream, .webrtc, query, head)
        let request = Signalling.Request(
            stream: stream,
            kind: kind,
            session: name,
            method: head.method,
            uri: head.uri,
            contentType: head.headers.first(name: "content-type"),
            ifMatch: head.headers.first(name: "if-match"),
            body: body,
            token: ask.token,
            remoteAddress: ask.remoteAddress
        )
        body = ByteBuffer()
        let bound = NIOLoopBound(self, eventLoop: loop)
        Task {
            let response = await endpoint.answer(request)
            loop.execute { bound.value.respond(response) }
        }
    }

    private func readiness() -> MediaResponse {
        switch service.readiness() {
        case .ready: .text("ready\n")
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
        guard let loop = context?.eventLoop else { return }
        let bound = NIOLoopBound(self, eventLoop: loop)
        let gate = service.gate
        service.hls.serve(ask, request, connection: ObjectIdentifier(self)) { response in
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

    private func startFLV(_ request: PlayRequest) {
        guard let loop = context?.eventLoop else { return }
        let bound = NIOLoopBound(self, eventLoop: loop)
        let gate = service.gate
        Task {
            let result: Result<LiveStream, Refusal>
            do throws(Refusal) {
                result = .success(try await gate.play(request))
            } catch { result = .failure(error) }
            loop.execute { bound.value.flvDecided(result) }
        }
    }

    private func flvDecided(_ result: Result<LiveStream, Refusal>) {
        guard case .answering(let head) = state, let context = egress.context else { return }
        switch result {
        case .failure(let refusal): respond(.refusal(refusal))
        case .success(let stream):
            guard head.method == .GET else { return answerHeadOfFLV(on: context) }
            let outlet = service.flv.outlet(for: stream)
            let session = FLVSession(stream: stream, outlet: outlet, requestedAt: requestedAt)
            service.meters.answered(.httpFLV, status: 200)
            state = .streaming(session)
            idle.stop()
            session.start(on: context, isPlain: isPlain)
        }
    }

    /// The head a GET would get, without a length: the body has none. Below the HTTP codec, as that would make one up.
    private func answerHeadOfFLV(on context: ChannelHandlerContext) {
        service.meters.answered(.httpFLV, status: 200)
        state = .closed
        context.writeAndFlush(NIOAny(FLVEgress.responseHead)).assumeIsolated().whenComplete { _ in
            context.close(promise: nil)
        }
    }

    // MARK: Answering

    /// The path goes to the log without the query, which may hold a token.
    private func note(_ refusal: Refusal, of request: HTTPRequestHead) {
        let path = request.uri.prefix { $0 != "?" }.prefix(300)
        guard let suppressed = service.meters.refused(refusal.reason) else { return }
        service.logger.info(
            "play refused",
            metadata: [
                LogKeys.reason: "\(refusal.reason)", LogKeys.path: "\(path)", LogKeys.error: "\(refusal)",
                LogKeys.remote: "\(remoteAddress ?? "?")", LogKeys.suppressed: "\(suppressed)",
            ]
        )
    }

    private func respond(_ response: MediaResponse, isLast: Bool = false) {
        guard case .answering(let request) = state, let context else { return }
        state = .idle
        idle.requestAnswered()
        service.meters.answered(route, status: response.status.code)
        if let refusal = response.refusal { note(refusal, of: request) }
        let keepsAlive = request.isKeepAlive && !isLast
        var head = HTTPResponseHead(version: .http1_1, status: response.status, headers: response.headers)
        head.headers.add(contentsOf: CrossOrigin.headers)
        if response.status != .noContent {
            let length = response.body.reduce(0) { $0 + $1.readableBytes }
            head.headers.replaceOrAdd(name: "content-length", value: String(length))
        }
        if !keepsAlive { head.headers.replaceOrAdd(name: "connection", value: "close") }
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if request.method != .HEAD {
            for piece in response.body where piece.readableBytes > 0 {
                context.write(wrapOutboundOut(.body(.byteBuffer(piece))), promise: nil)
            }
        }
        let done = keepsAlive ? nil : context.eventLoop.makePromise(of: Void.self)
        done?.futureResult.assumeIsolated().whenComplete { _ in context.close(promise: nil) }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: done)
    }
}

@available(*, unavailable)
extension MediaHTTPHandler: Sendable {}
