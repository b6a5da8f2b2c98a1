import Drivers
import EngineModel
import Logging
import NIOCore
import NIOPosix
import NIOSSL
import RTMP
import Timebase

/// One RTMP connection to a server outside of the cluster: drives the client's engine on the channel's loop.
///
/// What it is for decides `user`, which is told what happens and may send.
final class RTMPLink: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// All calls come on the channel's loop.
    protocol User: AnyObject {
        func linkStarted(_ link: RTMPLink)
        func link(_ link: RTMPLink, received message: MediaMessage)
        /// All that came with one read has been told.
        func linkRead(_ link: RTMPLink)
        func linkCanWrite(_ link: RTMPLink)
        /// Once, and nothing after it.
        func link(_ link: RTMPLink, ended end: LinkEnd)
    }

    /// Several seconds of a large stream: a slower server is skipped ahead.
    private static let writeBuffer = ChannelOptions.Types.WriteBufferWaterMark(low: 512 << 10, high: 8 << 20)
    private static let connectTimeout = TimeAmount.seconds(10)
    private static let goodbyeTimeout = TimeAmount.seconds(2)

    private var session: RTMPClientSession
    private let user: any User
    private var timer = EngineTimer()
    private var context: ChannelHandlerContext?
    private var isOver = false

    private init(_ session: consuming RTMPClientSession, _ user: any User) {
        self.session = session
        self.user = user
    }

    /// Connects on `loop`, which must be the user's.
    static func open(
        _ address: LinkAddress.RTMP,
        for purpose: RTMPClientSession.Purpose,
        user: any User & Sendable,
        on loop: any EventLoop
    ) async throws {
        let tls = try address.isTLS ? NIOSSLContext(configuration: .makeClientConfiguration()) : nil
        _ = try await ClientBootstrap(group: loop)
            .connectTimeout(connectTimeout)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.writeBufferWaterMark, value: writeBuffer)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let tls {
                        let name = (try? SocketAddress(ipAddress: address.host, port: 0)) == nil ? address.host : nil
                        try pipeline.addHandler(NIOSSLClientHandler(context: tls, serverHostname: name))
                    }
                    var random = SystemRandomNumberGenerator()
                    let session = RTMPClientSession(
                        purpose,
                        address.stream,
                        host: address.authority,
                        at: channel.eventLoop.instant,
                        using: &random
                    )
                    try pipeline.addHandler(RTMPLink(session, user))
                }
            }
            .connect(host: address.host, port: address.port).get()
    }

    // MARK: For the user, on the loop

    var isWritable: Bool { context?.channel.isWritable ?? false }

    /// Whole messages, as all clients of one stream get them.
    func write(_ pieces: [ByteBuffer]) {
        for piece in pieces { context?.write(wrapOutboundOut(piece), promise: nil) }
    }

    func flush() { context?.flush() }

    /// Says goodbye.
    func finish() {
        session.finish()
        drain()
    }

    // MARK: Channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { drain() }
    }

    func channelActive(context: ChannelHandlerContext) {
        drain()
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        session.receive(unwrapInboundIn(data), at: context.eventLoop.instant)
        drain()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if !isOver { user.linkRead(self) }
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable, !isOver { user.linkCanWrite(self) }
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(.failed("the server closed the connection"))
        self.context = nil
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        end(.failed(ConnectionWords.of(error)))
        context.close(promise: nil)
    }

    // MARK: Engine

    private func drain() {
        var closes = false
        while let output = session.nextOutput() {
            switch output {
            case .transmit(let bytes): context?.write(wrapOutboundOut(bytes), promise: nil)
            case .event(let event): handle(event)
            case .close: closes = true
            }
        }
        context?.flush()
        if closes { closeBehindWrites() } else { schedule() }
    }

    private func handle(_ event: RTMPClientSession.Event) {
        guard !isOver else { return }
        switch event {
        case .publishStarted, .playStarted: user.linkStarted(self)
        case .media(let message): user.link(self, received: message)
        // This one goes on until the server ends it; then a new one is made.
        case .reconnectRequested: break
        case .ended: end(.sourceEnded)
        case .failed(let error): end(.failed(error.description))
        }
    }

    private func end(_ end: LinkEnd) {
        guard !isOver else { return }
        isOver = true
        user.link(self, ended: end)
    }

    private func closeBehindWrites() {
        end(.finished)
        guard let context else { return }
        timer.cancel()
        let giveUp = context.eventLoop.assumeIsolated().scheduleTask(in: Self.goodbyeTimeout) {
            context.close(promise: nil)
        }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer())).assumeIsolated().whenComplete { _ in
            giveUp.cancel()
            context.close(promise: nil)
        }
    }

    private func schedule() {
        guard let context else { return }
        timer.arm(for: session.nextDeadline, on: context.eventLoop) { now in
            self.session.timeoutReached(at: now)
            self.drain()
        }
    }
}

@available(*, unavailable)
extension RTMPLink: Sendable {}
