package import NIOCore
import NIOPosix

/// Answers HAProxy's agent check: one line, then the end of the connection. What the other side says is not read.
package struct AgentServer: Sendable {
    private let word: @Sendable () -> String

    package init(word: @escaping @Sendable () -> String) { self.word = word }

    package func listen(host: String, port: Int, on group: any EventLoopGroup) async throws -> any Channel {
        try await ServerBootstrap(group: group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { [word] channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AgentHandler(word: word))
                }
            }
            .bind(host: host, port: port).get()
    }
}

private final class AgentHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let word: @Sendable () -> String

    init(word: @escaping @Sendable () -> String) { self.word = word }

    func channelActive(context: ChannelHandlerContext) {
        let line = ByteBuffer(string: word() + "\n")
        let channel = context.channel
        context.writeAndFlush(NIOAny(line)).whenComplete { _ in channel.close(promise: nil) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
