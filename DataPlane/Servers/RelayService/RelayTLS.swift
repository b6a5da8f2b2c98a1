import Logging
import NIOCore
package import NIOSSL
import Relay

/// Looks at the first byte that comes to a relay port with TLS.
///
/// A handshake begins TLS. What is plain goes on as it is: pings are answered to anybody, and a pull is refused by name.
final class RelayTLSGate: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let tls: NIOSSLContext
    private(set) var hasBegunTLS = false

    init(_ tls: NIOSSLContext) { self.tls = tls }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard let first = unwrapInboundIn(data).readableBytesView.first else { return }
        let pipeline = context.pipeline.syncOperations
        if first == RelayHello.tlsFirstByte {
            do {
                try pipeline.addHandler(NIOSSLServerHandler(context: tls), position: .after(self))
                hasBegunTLS = true
            } catch {
                context.fireErrorCaught(error)
                return context.close(promise: nil)
            }
        }
        context.fireChannelRead(data)
        pipeline.removeHandler(self, promise: nil)
    }
}

@available(*, unavailable)
extension RelayTLSGate: Sendable {}

/// How a node pulls over TLS.
package struct RelayTrust: Sendable {
    /// Nothing is pulled from a parent whose relay port is plain.
    package var requiresTLS: Bool
    /// What parents' certificates are checked against, as it is now.
    package var context: @Sendable () throws -> NIOSSLContext

    package init(
        requiresTLS: Bool = false,
        context: @escaping @Sendable () throws -> NIOSSLContext = {
            try NIOSSLContext(configuration: .makeClientConfiguration())
        }
    ) {
        self.requiresTLS = requiresTLS
        self.context = context
    }

    /// The handler that dials `host`: the certificate must be for its name, or for its address when that is all there is.
    func handler(for host: String) throws -> NIOSSLClientHandler {
        let isAddress = (try? SocketAddress(ipAddress: host, port: 0)) != nil
        return try NIOSSLClientHandler(context: context(), serverHostname: isAddress ? nil : host)
    }
}
