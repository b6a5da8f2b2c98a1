import NIOCore

/// Lets answers leave below the HTTP codec.
///
/// Stands next to the socket (above TLS, if any) and passes everything through; its context is where answers and viewers
/// write.
final class SocketEgress: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private(set) var context: ChannelHandlerContext?

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }
}

@available(*, unavailable)
extension SocketEgress: Sendable {}
