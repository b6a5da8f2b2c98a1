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
        let egress = SocketEgress()
        try pipeline.addHandler(egress)
        let idle = IdleRequestHandler(limits: limits)
        try pipeline.addHandler(idle)
        let handler = MediaHTTPHandler(
            service: service,
            egress: egress,
            isPlain: tls == nil,
            idle: idle,
            remoteAddress: channel.remoteAddress?.ipAddress
        )
        try pipeline.configureHTTPServerPipeline(
            // The handler does it itself.
            withPipeliningAssistance: false,
            withServerUpgrade: handler.webSocketUpgrade(limits.webSocket, on: channel),
            // The handler answers what is no request itself: NIO's answer has no words.
            withErrorHandling: false,
            withOutboundHeaderValidation: true,
            withEncoderConfiguration: .init(),
            withDecoderLimitConfiguration: limits.decoder
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
    /// From a request's first byte to its last. Who trickles bytes would otherwise never be idle.
    package var requestTimeout = TimeAmount.seconds(10)
    /// The request line, and each header: room for a long token.
    package var headerFieldBytesMax = 16 << 10
    /// All headers of a request.
    package var headerBytesMax = 64 << 10
    package var headerCountMax = 100
    package var webSocket = WebSocketLimits()

    package init() {}

    var decoder: NIOHTTPDecoderLimitConfiguration {
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = headerFieldBytesMax
        limits.maxHeaderListSize = headerBytesMax
        limits.maxHeaderFieldCount = headerCountMax
        return limits
    }
}
