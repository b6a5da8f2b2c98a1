package import NIOCore
package import ProxyProtocol

/// Fired down the pipeline when a trusted proxy said whom it speaks for.
package struct ClientAddress: Hashable, Sendable {
    package var address: String

    package init(address: String) { self.address = address }
}

/// Stands first on a connection from a trusted proxy until its PROXY header is read; then it is gone.
package final class ProxyProtocolHandler: ChannelInboundHandler, RemovableChannelHandler {
    package typealias InboundIn = ByteBuffer
    package typealias InboundOut = ByteBuffer

    private var reader = ProxyHeaderReader()
    private var isDone = false
    private let onFault: (ProxyProtocolError) -> Void

    private init(onFault: @escaping (ProxyProtocolError) -> Void) { self.onFault = onFault }

    /// Before any other handler, and on the channel's loop. From anybody else than a trusted proxy the bytes of a header are
    /// the protocol's own, and as such refused.
    package static func add(
        to channel: any Channel,
        isTrusted: (String) -> Bool,
        onFault: @escaping (ProxyProtocolError) -> Void
    ) throws {
        guard let peer = channel.remoteAddress?.ipAddress, isTrusted(peer) else { return }
        try channel.pipeline.syncOperations.addHandler(ProxyProtocolHandler(onFault: onFault), position: .first)
    }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isDone else { return context.fireChannelRead(data) }
        do throws(ProxyProtocolError) {
            guard case .done(let client, let rest) = try reader.receive(unwrapInboundIn(data)) else { return }
            isDone = true
            if let client { context.fireUserInboundEventTriggered(ClientAddress(address: client)) }
            if rest.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(rest)) }
            context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
        } catch {
            isDone = true
            onFault(error)
            context.close(promise: nil)
        }
    }
}

@available(*, unavailable)
extension ProxyProtocolHandler: Sendable {}
