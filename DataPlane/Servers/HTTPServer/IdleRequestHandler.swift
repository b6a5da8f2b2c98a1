import NIOCore

/// A request that did not come in whole in time.
struct RequestTimeout: Error {}

/// Nothing moved for too long. Nobody's fault: players leave their connections open.
struct IdleTimeout: Error {}

/// Closes a connection on which nothing moved in either direction for a while, or whose request does not come to its end.
final class IdleRequestHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private enum Request {
        case none
        case arriving(since: NIODeadline)
        /// What arrives now belongs to a request that waits for its turn.
        case answering
    }

    private let limits: HTTPLimits
    private var lastActivity = NIODeadline.now()
    private var request = Request.none
    private var check: Scheduled<Void>?
    private var isStopped = false

    init(limits: HTTPLimits) { self.limits = limits }

    func channelActive(context: ChannelHandlerContext) {
        schedule(context)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        lastActivity = .now()
        if case .none = request { request = .arriving(since: lastActivity) }
        context.fireChannelRead(data)
    }

    func requestReceived() { request = .answering }

    /// Some of the answer was sent, and more is to come.
    func answerGoesOn() { lastActivity = .now() }

    func requestAnswered() {
        request = .none
        lastActivity = .now()
    }

    /// A viewer took the connection over, and has its own way to notice a dead peer.
    func stop() {
        isStopped = true
        check?.cancel()
    }

    func handlerRemoved(context: ChannelHandlerContext) { stop() }

    func channelInactive(context: ChannelHandlerContext) {
        stop()
        context.fireChannelInactive()
    }

    /// Looks once in each `requestTimeout`, rather than arm a timer for every request.
    private func schedule(_ context: ChannelHandlerContext) {
        let next = min(lastActivity + limits.idleTimeout, .now() + limits.requestTimeout)
        check = context.eventLoop.assumeIsolated().scheduleTask(deadline: next) { self.look(context) }
    }

    private func look(_ context: ChannelHandlerContext) {
        if isStopped { return }
        let now = NIODeadline.now()
        if case .arriving(let since) = request, now >= since + limits.requestTimeout {
            context.fireErrorCaught(RequestTimeout())
        } else if now >= lastActivity + limits.idleTimeout {
            context.fireErrorCaught(IdleTimeout())
        } else {
            schedule(context)
        }
    }
}

@available(*, unavailable)
extension IdleRequestHandler: Sendable {}
