import NIOCore
import NIOWebSocket

/// Joins one WebSocket connection (RFC 6455) to its session: whole text messages in and out, pings, and the close.
final class WebSocketHandler: ChannelInboundHandler, WebSocketConnection {
    typealias InboundIn = WebSocketFrame
    typealias OutboundOut = WebSocketFrame

    private let endpoint: any WebSocketEndpoint
    private let request: WebSocketRequest
    private let limits: WebSocketLimits
    private let refused: (String) -> Void
    private var session: (any WebSocketSession)?
    private var context: ChannelHandlerContext?
    private var lastInput = NIODeadline.now()
    private var nextCheck: Scheduled<Void>?

    /// `refused` counts a connection that broke a rule, by a stable word.
    init(
        endpoint: any WebSocketEndpoint,
        request: WebSocketRequest,
        limits: WebSocketLimits,
        refused: @escaping (String) -> Void
    ) {
        self.endpoint = endpoint
        self.request = request
        self.limits = limits
        self.refused = refused
    }

    // MARK: WebSocketConnection

    var eventLoop: any EventLoop {
        // The session lives between `handlerAdded` and `channelInactive`, and so does the context.
        guard let context else { preconditionFailure("a session asks for the loop of a connection that is gone") }
        return context.eventLoop
    }

    func send(_ text: String) {
        guard let context else { return }
        send(.text, context.channel.allocator.buffer(string: text))
    }

    func close() { close(.goingAway) }

    // MARK: Channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        session = endpoint.open(request, self)
        scheduleCheck(context)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        lastInput = .now()
        let frame = unwrapInboundIn(data)
        switch frame.opcode {
        case .text: session?.received(String(buffer: frame.unmaskedData))
        case .ping: send(.pong, frame.unmaskedData)
        case .connectionClose: close(.normalClosure)
        case .binary:
            refused("binary_message")
            close(.unacceptableData)
        default: break
        }
    }

    /// Whoever asks without reading the answers gets no more of them.
    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if !context.channel.isWritable {
            refused("peer_not_reading")
            context.close(promise: nil)
        }
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        nextCheck?.cancel()
        session?.closed()
        session = nil
        self.context = nil
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case NIOWebSocketError.invalidFrameLength, is NIOWebSocketFrameAggregator.Error:
            refused("message_too_large")
            close(.messageTooLarge)
        case is NIOWebSocketError:
            refused("malformed_frame")
            close(.protocolError)
        default: context.close(promise: nil)
        }
    }

    private func send(_ opcode: WebSocketOpcode, _ data: ByteBuffer) {
        guard let context else { return }
        context.writeAndFlush(wrapOutboundOut(WebSocketFrame(fin: true, opcode: opcode, data: data)), promise: nil)
    }

    /// Says why, and closes behind it (RFC 6455 §7.1.1): the server may be the first to close the connection below.
    private func close(_ code: WebSocketErrorCode) {
        guard let context else { return }
        var data = context.channel.allocator.buffer(capacity: 2)
        data.write(webSocketErrorCode: code)
        let frame = WebSocketFrame(fin: true, opcode: .connectionClose, data: data)
        context.writeAndFlush(wrapOutboundOut(frame)).assumeIsolated().whenComplete { _ in context.close(promise: nil) }
    }

    private func scheduleCheck(_ context: ChannelHandlerContext) {
        let pause = TimeAmount.nanoseconds(limits.idleTimeout.nanoseconds / 2)
        nextCheck = context.eventLoop.assumeIsolated().scheduleTask(in: pause) {
            if .now() - self.lastInput >= self.limits.idleTimeout { return context.close(promise: nil) }
            self.send(.ping, ByteBuffer())
            self.scheduleCheck(context)
        }
    }
}

@available(*, unavailable)
extension WebSocketHandler: Sendable {}
