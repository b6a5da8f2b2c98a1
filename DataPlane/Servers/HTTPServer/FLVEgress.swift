import FanOut
import MediaModel
import NIOCore

/// Lets an HTTP-FLV response leave below the HTTP codec: the body is close-delimited and written straight to the socket.
///
/// Stands next to the socket (above TLS, if any) and passes everything through; its context is where a viewer writes.
final class FLVEgress: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private(set) var context: ChannelHandlerContext?

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    static let responseHead = ByteBuffer(
        string: "HTTP/1.1 200 OK\r\nContent-Type: video/x-flv\r\nCache-Control: no-store\r\nConnection: close\r\n"
            + "Access-Control-Allow-Origin: *\r\nAccess-Control-Expose-Headers: Location, ETag, Link, Retry-After\r\n\r\n"
    )
}

@available(*, unavailable)
extension FLVEgress: Sendable {}
