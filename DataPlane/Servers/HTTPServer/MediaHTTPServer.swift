import Drivers
package import NIOCore
import NIOHTTP1
import NIOPosix
package import NIOSSL

/// Listens for HTTP on a worker's media loops.
package struct MediaHTTPServer: Sendable {
    private let service: MediaHTTPService
    private let limits: HTTPLimits

    package init(service: MediaHTTPService, limits: HTTPLimits = HTTPLimits()) {
        self.service = service
        self.limits = limits
    }

    /// Binds and serves until the returned channel is closed. With `tls`: HTTPS.
    package func listen(
        host: String,
        port: Int,
        on group: any EventLoopGroup,
        tls: NIOSSLContext? = nil
    ) async throws -> any Channel {
        try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 4096)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.socketOption(.so_keepalive), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: false)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try self.configure(channel, tls: tls) }
            }
            .bind(host: host, port: port).get()
    }

    private func configure(_ channel: any Channel, tls: NIOSSLContext?) throws {
        let pipeline = channel.pipeline.syncOperations
        if let tls { try pipeline.addHandler(NIOSSLServerHandler(context: tls)) }
        let egress = FLVEgress()
        try pipeline.addHandler(egress)
        let idle = IdleRequestHandler(timeout: limits.idleTimeout)
        try pipeline.addHandler(idle)
        try pipeline.configureHTTPServerPipeline(withPipeliningAssistance: true, withErrorHandling: true)
        let handler = MediaHTTPHandler(
            service: service,
            egress: egress,
            isPlain: tls == nil,
            idle: idle,
            remoteAddress: channel.remoteAddress?.ipAddress
        )
        try pipeline.addHandler(handler)
        try ProxyProtocolHandler.add(to: channel, isTrusted: service.isTrustedProxy) { [service] error in
            service.proxyFailed(error, from: channel.remoteAddress)
        }
    }
}

package struct HTTPLimits: Sendable {
    /// A connection that neither receives nor sends for this long is half open or idle: either way it is closed.
    package var idleTimeout = TimeAmount.seconds(60)

    package init() {}
}

/// Closes a connection on which nothing moved in either direction for a while.
final class IdleRequestHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let timeout: TimeAmount
    private var lastActivity = NIODeadline.now()
    private var check: Scheduled<Void>?
    private var isStopped = false

    init(timeout: TimeAmount) { self.timeout = timeout }

    func channelActive(context: ChannelHandlerContext) {
        schedule(context)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        lastActivity = .now()
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        lastActivity = .now()
        context.write(data, promise: promise)
    }

    /// A viewer took the connection over: its writes pass by here, and it has its own way to notice a dead peer.
    func stop() {
        isStopped = true
        check?.cancel()
    }

    func handlerRemoved(context: ChannelHandlerContext) { stop() }

    func channelInactive(context: ChannelHandlerContext) {
        stop()
        context.fireChannelInactive()
    }

    private func schedule(_ context: ChannelHandlerContext) {
        check = context.eventLoop.assumeIsolated().scheduleTask(deadline: lastActivity + timeout) {
            if self.isStopped { return }
            if NIODeadline.now() >= self.lastActivity + self.timeout {
                context.close(promise: nil)
            } else {
                self.schedule(context)
            }
        }
    }
}

@available(*, unavailable)
extension IdleRequestHandler: Sendable {}
