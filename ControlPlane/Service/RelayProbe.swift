import ClusterModel
import NIOCore
import NIOPosix

/// Asks a relay port whether anybody is there: not only to be accepted, but to be answered.
enum RelayProbe {
    static func answers(_ host: String, _ port: Int, within timeout: Duration) async -> Bool {
        let timeout = TimeAmount(timeout)
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let answered = loop.makePromise(of: Bool.self)
        let timer = loop.scheduleTask(in: timeout) { answered.succeed(false) }
        let connected = ClientBootstrap(group: loop)
            .connectTimeout(timeout)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(PingHandler(answered: answered))
                }
            }
            .connect(host: host, port: port)
        connected.whenFailure { _ in answered.succeed(false) }
        let result = (try? await answered.futureResult.get()) ?? false
        timer.cancel()
        connected.whenSuccess { $0.close(promise: nil) }
        return result
    }
}

/// Sends the ping; the first bytes that come back, or the end of the connection, decide.
private final class PingHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let answered: EventLoopPromise<Bool>

    init(answered: EventLoopPromise<Bool>) { self.answered = answered }

    func channelActive(context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: RelayPing.frame)), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { answered.succeed(true) }
    func channelInactive(context: ChannelHandlerContext) { answered.succeed(false) }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { answered.succeed(false) }
}
