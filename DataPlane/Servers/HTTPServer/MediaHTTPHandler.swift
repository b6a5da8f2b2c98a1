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
/// Requests are answered one at a time and in their order (RFC 9112 §9.3.2): what comes meanwhile waits, and while something
/// waits nothing is read.
final class MediaHTTPHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
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
    let egress: SocketEgress
    let isPlain: Bool
    let idle: IdleRequestHandler
    /// The peer's, or whom a trusted proxy named.
    var remoteAddress: String?
    var state = State.idle
    /// What came of the request's body, where somebody reads it.
    var body = ByteBuffer()
    private var waitsForRoom = false
    /// Of requests behind the one at hand. No more than one read brings.
    private var waiting: CircularBuffer<HTTPServerRequestPart> = []
    private var isTakingWaiting = false
    private var owesRead = false
    var requestedAt = NIODeadline.now()
    var route = HTTPMeters.Route.other
    /// Counts the answer to the request at hand.
    var egressMeter: EgressMeter?
    var context: ChannelHandlerContext?

    init(
        service: MediaHTTPService,
        egress: SocketEgress,
        isPlain: Bool,
        idle: IdleRequestHandler,
        remoteAddress: String?
    ) {
        self.service = service
        self.egress = egress
        self.isPlain = isPlain
        self.idle = idle
        self.remoteAddress = remoteAddress
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    // MARK: Requests

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = unwrapInboundIn(data)
        if case .answering = state { return waiting.append(part) }
        guard waiting.isEmpty else { return waiting.append(part) }
        take(part, context)
    }

    func read(context: ChannelHandlerContext) {
        if waiting.isEmpty { context.read() } else { owesRead = true }
    }

    /// The request at hand is answered: what waited is next.
    func takeWaiting() {
        // An answer may be there at once, and a thousand requests would be a thousand calls deep.
        guard !isTakingWaiting, !waiting.isEmpty else { return }
        isTakingWaiting = true
        defer { isTakingWaiting = false }
        while let context, !isAnswering, let part = waiting.popFirst() { take(part, context) }
        guard waiting.isEmpty, owesRead else { return }
        owesRead = false
        context?.read()
    }

    private var isAnswering: Bool { if case .answering = state { true } else { false } }

    private func take(_ part: HTTPServerRequestPart, _ context: ChannelHandlerContext) {
        switch (part, state) {
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
                respond(tooLarge(head, limit), isLast: true)
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
}

@available(*, unavailable)
extension MediaHTTPHandler: Sendable {}
