import ClusterModel
import NIOCore
import NIOHTTP1
import NIOWebSocket
import Streams

/// WebRTC is agreed on here: by WHIP and WHEP, and on WebSockets.
extension MediaHTTPHandler {
    // MARK: WHIP and WHEP

    func signal(
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

    func tooLarge(_ head: HTTPRequestHead, _ limit: Int) -> MediaResponse {
        switch MediaRoute(path: head.uri.prefix { $0 != "?" }) {
        case .webRTC(let stream, _), .webRTCSession(let stream, _, _):
            if let endpoint = service.signalling {
                return endpoint.answer(tooLongFor: stream, limit: limit, remoteAddress: remoteAddress)
            }
        default: break
        }
        let detail = "the body is over \(limit) bytes: media requests need none"
        return .problem(Problem(.tooLarge, status: 413, title: "Too large", detail: detail))
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

    func upgradeRequired() -> MediaResponse {
        let detail = "this is a WebSocket (RFC 6455): open it with ws:// or wss://, on a node with --webrtc-port"
        var response = MediaResponse.problem(
            Problem(.badRequest, status: 426, title: "Upgrade required", detail: detail)
        )
        response.headers.add(name: "upgrade", value: "websocket")
        return response
    }
}
