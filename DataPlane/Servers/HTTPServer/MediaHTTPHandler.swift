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

    enum State {
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

    let service: MediaHTTPService
    let egress: FLVEgress
    let isPlain: Bool
    let idle: IdleRequestHandler
    /// The peer's, or whom a trusted proxy named.
    var remoteAddress: String?
    var state = State.idle
    /// What came of the request's body, where somebody reads it.
    var body = ByteBuffer()
    private var waitsForRoom = false
    var requestedAt = NIODeadline.now()
    var route = HTTPMeters.Route.other
    /// Counts the answer to the request at hand.
    var egressMeter: EgressMeter?
    var isOfDASHPlayer = false
    var context: ChannelHandlerContext?

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

    /// Answers the request at hand, if there is one.
    func respond(_ response: MediaResponse, isLast: Bool = false) {
        guard case .answering(let request) = state, let context else { return }
        service.meters.answered(route, status: response.status.code)
        if let refusal = response.refusal { note(refusal, of: request) }
        let length = response.byteCount
        // Without a length HTTP/1.0 tells the end by closing.
        let keepsAlive = request.isKeepAlive && !isLast && (length != nil || request.version == .http1_1)
        var head = HTTPResponseHead(version: .http1_1, status: response.status, headers: response.headers)
        head.headers.add(contentsOf: CrossOrigin.headers)
        if let length, response.status != .noContent {
            head.headers.replaceOrAdd(name: "content-length", value: String(length))
        }
        if !keepsAlive { head.headers.replaceOrAdd(name: "connection", value: "close") }
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        guard request.method != .HEAD else { return finish(keepsAlive: keepsAlive, context) }
        write(response.body, context)
        guard let rest = response.rest else { return finish(keepsAlive: keepsAlive, context) }
        context.flush()
        sendNextPiece(of: rest, keepsAlive: keepsAlive)
    }

    /// Counted once the kernel has it: who asks for much and leaves has not got it.
    private func write(_ body: [ByteBuffer], _ context: ChannelHandlerContext) {
        let pieces = body.filter { $0.readableBytes > 0 }
        guard let last = pieces.last else { return }
        for piece in pieces.dropLast() { context.write(wrapOutboundOut(.body(.byteBuffer(piece))), promise: nil) }
        let written = egressMeter.map { meter in
            let promise = context.eventLoop.makePromise(of: Void.self)
            let bytes = pieces.reduce(0) { $0 + $1.readableBytes }
            promise.futureResult.whenSuccess { meter.sent(bytes) }
            return promise
        }
        context.write(wrapOutboundOut(.body(.byteBuffer(last))), promise: written)
    }

    private func sendNextPiece(of rest: any BodySource, keepsAlive: Bool) {
        guard case .answering = state, let context else { return }
        rest.nextPiece(on: context.eventLoop).assumeIsolated().whenComplete { result in
            guard case .answering = self.state, let context = self.context else { return }
            switch result {
            case .success(nil): self.finish(keepsAlive: keepsAlive, context)
            case .success(let piece?): self.send(piece, before: rest, keepsAlive: keepsAlive, context)
            // The head has promised more: only closing can take that back.
            case .failure: context.close(promise: nil)
            }
        }
    }

    private func send(
        _ piece: ByteBuffer,
        before rest: any BodySource,
        keepsAlive: Bool,
        _ context: ChannelHandlerContext
    ) {
        guard piece.readableBytes > 0 else { return sendNextPiece(of: rest, keepsAlive: keepsAlive) }
        context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(piece)))).assumeIsolated().whenSuccess {
            self.egressMeter?.sent(piece.readableBytes)
            self.sendNextPiece(of: rest, keepsAlive: keepsAlive)
        }
    }

    private func finish(keepsAlive: Bool, _ context: ChannelHandlerContext) {
        state = .idle
        egressMeter = nil
        idle.requestAnswered()
        let done = keepsAlive ? nil : context.eventLoop.makePromise(of: Void.self)
        done?.futureResult.assumeIsolated().whenComplete { _ in context.close(promise: nil) }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: done)
    }
}

@available(*, unavailable)
extension MediaHTTPHandler: Sendable {}
