import NIOCore
import NIOPosix
import Synchronization

/// A socket without a protocol: sends what it is given and keeps what comes.
final class RawClient: Sendable {
    private let channel: any Channel
    private let box: Box

    fileprivate final class Box: Sendable {
        struct State {
            var bytes = ByteBuffer()
            var isClosed = false
        }

        let state = Mutex(State())
    }

    /// `address`: another one of this machine than the usual.
    init(port: Int, on group: any EventLoopGroup, from address: String = "127.0.0.1") async throws {
        let box = Box()
        self.box = box
        channel = try await ClientBootstrap(group: group)
            .bind(to: SocketAddress(ipAddress: address, port: 0))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Collector(box))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
    }

    func send(_ bytes: some Sequence<UInt8>) { channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil) }
    func send(_ text: String) { send(text.utf8) }
    func stopReading() async { _ = try? await channel.setOption(.autoRead, value: false).get() }
    func close() { channel.close(promise: nil) }

    var received: ByteBuffer { box.state.withLock { $0.bytes } }
    var text: String { String(buffer: received) }
    var isClosed: Bool { box.state.withLock { $0.isClosed } }

    /// All that came until the server closed.
    func textUntilClosed() async throws -> String { String(buffer: try await bytesUntilClosed()) }

    func bytesUntilClosed() async throws -> ByteBuffer {
        try await eventually("the server closes; it said \(text.prefix(300))") { isClosed }
        return received
    }
}

private final class Collector: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let box: RawClient.Box

    init(_ box: RawClient.Box) { self.box = box }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        _ = box.state.withLock { $0.bytes.writeImmutableBuffer(bytes) }
    }

    func channelInactive(context: ChannelHandlerContext) { box.state.withLock { $0.isClosed = true } }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

@available(*, unavailable)
extension Collector: Sendable {}
