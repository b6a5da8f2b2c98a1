import ClusterModel
package import Logging
import NIOCore
import NIOPosix
import Observability
import Synchronization

/// Looks for a control plane on the local network until one answers that has the same node token.
package struct DiscoverySearch: Sendable {
    package struct Limits: Sendable {
        /// Between two questions. A control plane that has just been started is found at the next.
        package var askEvery = Duration.seconds(2)
        /// After the first answer, so that all control planes of a cluster are known.
        package var gatherFor = Duration.milliseconds(300)
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

    /// The URLs of all that answer the same question; nil when the task was cancelled, or after `rounds` without an answer.
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

    /// One question on every interface; waits for the first good answer, and a moment for others.
    private func ask() async -> [String]? {
        var random = SystemRandomNumberGenerator()
        let nonce = Discovery.Nonce(using: &random)
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let found = loop.makePromise(of: [String]?.self)
        let timer = loop.scheduleTask(in: TimeAmount(limits.askEvery)) { found.succeed(nil) }
        let answers = Answers(found: found, gatherFor: TimeAmount(limits.gatherFor))
        var channels: [any Channel] = []
        for way in ways() {
            if let channel = await send(Discovery.question(nonce, key), way, nonce, answers) {
                channels.append(channel)
            }
        }
        let urls = await withTaskCancellationHandler {
            (try? await found.futureResult.get()) ?? nil
        } onCancel: {
            found.succeed(nil)
        }
        timer.cancel()
        for channel in channels { try? await channel.close().get() }
        return urls
    }

    /// From one address of this machine to those who may be reached from it. Each way has a socket of its own: one that
    /// cannot be used spoils no other.
    private struct Way {
        var from: SocketAddress
        var targets: [SocketAddress]
    }

    private func send(
        _ question: [UInt8],
        _ way: Way,
        _ nonce: Discovery.Nonce,
        _ answers: Answers
    ) async -> (any Channel)? {
        do {
            let channel = try await DatagramBootstrap(group: answers.loop)
                .channelOption(.socketOption(.so_broadcast), value: 1)
                .channelInitializer { [key] channel in
                    channel.eventLoop.makeCompletedFuture {
                        let handler = AnswerHandler(nonce: nonce, key: key, answers: answers)
                        try channel.pipeline.syncOperations.addHandler(handler)
                    }
                }
                .bind(to: way.from).get()
            // Without it multicast needs a route, which a network without a gateway does not have.
            if case .v4(let address) = way.from, let options = channel as? any SocketOptionProvider {
                try? await options.setIPMulticastIF(address.address.sin_addr).get()
            }
            for target in way.targets {
                let envelope = AddressedEnvelope(remoteAddress: target, data: ByteBuffer(bytes: question))
                try? await channel.writeAndFlush(envelope).get()
            }
            return channel
        } catch {
            logger.debug("An interface is not asked", metadata: [LogKeys.error: "\(error)"])
            return nil
        }
    }

    private func ways() -> [Way] {
        let devices = ((try? System.enumerateDevices()) ?? []).filter { $0.address?.protocol == .inet }
        var ways = devices.compactMap { device -> Way? in
            guard var from = device.address else { return nil }
            from.port = 0
            // The machine itself, or the network: its broadcast address, then the group.
            var first = from.isLoopback ? from : device.broadcastAddress
            first?.port = port
            let group = from.isLoopback ? nil : try? SocketAddress(ipAddress: Discovery.multicastGroup, port: port)
            return Way(from: from, targets: [first, group].compactMap(\.self))
        }
        let named = hosts.compactMap { try? SocketAddress(ipAddress: $0, port: port) }
        if !named.isEmpty, let any = try? SocketAddress(ipAddress: "0.0.0.0", port: 0) {
            ways.append(Way(from: any, targets: named))
        }
        return ways
    }
}

extension SocketAddress {
    fileprivate var isLoopback: Bool { ipAddress?.hasPrefix("127.") == true }
}

/// What was found, each URL once.
private final class Answers: Sendable {
    private let urls = Mutex<[String]>([])
    private let found: EventLoopPromise<[String]?>
    private let gatherFor: TimeAmount

    init(found: EventLoopPromise<[String]?>, gatherFor: TimeAmount) {
        self.found = found
        self.gatherFor = gatherFor
    }

    var loop: any EventLoop { found.futureResult.eventLoop }

    func take(_ new: [String]) {
        let isFirst = urls.withLock { urls in
            defer { urls += new.filter { !urls.contains($0) } }
            return urls.isEmpty
        }
        guard isFirst else { return }
        loop.scheduleTask(in: gatherFor) { self.found.succeed(self.urls.withLock { $0 }) }
    }
}

private final class AnswerHandler: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>

    private let nonce: Discovery.Nonce
    private let key: Discovery.Key
    private let answers: Answers

    init(nonce: Discovery.Nonce, key: Discovery.Key, answers: Answers) {
        self.nonce = nonce
        self.key = key
        self.answers = answers
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let datagram = Array(unwrapInboundIn(data).data.readableBytesView)
        if let urls = Discovery.urls(inAnswer: datagram, to: nonce, key) { answers.take(urls) }
    }

    /// A port without listener is told by ICMP; another one may answer yet.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {}
}

@available(*, unavailable)
extension AnswerHandler: Sendable {}
