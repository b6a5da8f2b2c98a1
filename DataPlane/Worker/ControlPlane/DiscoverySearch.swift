import ClusterModel
package import Logging
import NIOCore
import NIOPosix
import Observability

/// Looks for a control plane on the local network until one answers that has the same node token.
package struct DiscoverySearch: Sendable {
    package struct Limits: Sendable {
        /// Between two questions. A control plane that has just been started is found at the next.
        package var askEvery = Duration.seconds(2)
        /// Between two log lines that nobody has answered.
        package var sayEvery = 5

        package init() {}
    }

    /// Stands for the local network in `--control`.
    package static let word = "discover"

    private let key: Discovery.Key
    private let port: Int
    private let logger: Logger
    private let limits: Limits
    /// Asked beside multicast and broadcast.
    private let hosts: [String]

    package init(
        nodeToken: String,
        port: Int = Discovery.port,
        hosts: [String] = [],
        logger: Logger,
        limits: Limits = Limits()
    ) {
        key = Discovery.Key(nodeToken: nodeToken)
        self.port = port
        self.hosts = hosts
        self.logger = logger
        self.limits = limits
    }

    /// The URLs of the first that answers; nil when the task was cancelled, or after `rounds` without an answer.
    package func run(rounds: Int = .max) async -> [String]? {
        for round in 0..<rounds {
            if Task.isCancelled { return nil }
            if round % limits.sayEvery == 0 {
                logger.notice(
                    round == 0
                        ? "Looking for a control plane on the local network"
                        : "No control plane with this node token answers yet on the local network: is one running?",
                    metadata: [LogKeys.port: "\(port)/udp"]
                )
            }
            if let urls = await ask() {
                logger.notice("Found a control plane", metadata: [LogKeys.url: "\(urls.joined(separator: ","))"])
                return urls
            }
        }
        return nil
    }

    /// One question on every interface; waits for the first good answer.
    private func ask() async -> [String]? {
        var random = SystemRandomNumberGenerator()
        let nonce = Discovery.Nonce(using: &random)
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let found = loop.makePromise(of: [String]?.self)
        let timer = loop.scheduleTask(in: TimeAmount(limits.askEvery)) { found.succeed(nil) }
        let channel: any Channel
        do {
            channel = try await DatagramBootstrap(group: loop)
                .channelOption(.socketOption(.so_broadcast), value: 1)
                .channelInitializer { [key] channel in
                    channel.eventLoop.makeCompletedFuture {
                        let handler = AnswerHandler(nonce: nonce, key: key, found: found)
                        try channel.pipeline.syncOperations.addHandler(handler)
                    }
                }
                .bind(host: "0.0.0.0", port: 0).get()
        } catch {
            logger.warning("No UDP socket for the search", metadata: [LogKeys.error: "\(error)"])
            return try? await found.futureResult.get()
        }
        let question = ByteBuffer(bytes: Discovery.question(nonce, key))
        for address in targets() {
            // A network without a route to it is not asked; the others are.
            try? await channel.writeAndFlush(AddressedEnvelope(remoteAddress: address, data: question)).get()
        }
        let urls = await withTaskCancellationHandler {
            (try? await found.futureResult.get()) ?? nil
        } onCancel: {
            found.succeed(nil)
        }
        timer.cancel()
        try? await channel.close().get()
        return urls
    }

    private func targets() -> [SocketAddress] {
        let devices = (try? System.enumerateDevices()) ?? []
        let broadcasts = devices.compactMap { device -> SocketAddress? in
            guard device.address?.protocol == .inet, var address = device.broadcastAddress else { return nil }
            address.port = port
            return address
        }
        let named = ([Discovery.multicastGroup, "255.255.255.255"] + hosts).compactMap {
            try? SocketAddress(ipAddress: $0, port: port)
        }
        return named + broadcasts
    }
}

private final class AnswerHandler: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>

    private let nonce: Discovery.Nonce
    private let key: Discovery.Key
    private let found: EventLoopPromise<[String]?>

    init(nonce: Discovery.Nonce, key: Discovery.Key, found: EventLoopPromise<[String]?>) {
        self.nonce = nonce
        self.key = key
        self.found = found
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let datagram = Array(unwrapInboundIn(data).data.readableBytesView)
        if let urls = Discovery.urls(inAnswer: datagram, to: nonce, key) { found.succeed(urls) }
    }

    /// A port without listener is told by ICMP; another one may answer yet.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {}
}

@available(*, unavailable)
extension AnswerHandler: Sendable {}
