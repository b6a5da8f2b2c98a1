package import ClusterModel
package import Logging
import NIOCore
import NIOPosix
import Observability
import Settings
import Synchronization
import Timebase

/// Answers workers that look for a control plane on the local network (`--control discover`).
package final class DiscoveryListener: Sendable {
    private let channel: any Channel

    /// - Parameters:
    ///   - host: of the REST listener. On a wildcard the answer names the address that the asker's network is reached from.
    ///   - port: UDP.
    package init(
        host: String,
        port: Int,
        scheme: String,
        restPort: Int,
        key: Discovery.Key,
        logger: Logger
    ) async throws {
        channel = try await DatagramBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handler = DiscoveryHandler(
                        fixedHost: Self.isWildcard(host) ? nil : host,
                        scheme: scheme,
                        restPort: restPort,
                        key: key,
                        logger: logger
                    )
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
            .bind(host: Self.isLoopback(host) ? host : "0.0.0.0", port: port).get()
        // Without multicast, as in some containers, broadcasts and questions by unicast still come.
        if !Self.isLoopback(host), let group = try? SocketAddress(ipAddress: Discovery.multicastGroup, port: port),
            let multicast = channel as? any MulticastChannel
        {
            await Self.join(multicast, group)
        }
    }

    package var port: Int { channel.localAddress?.port ?? 0 }

    package func close() async { try? await channel.close().get() }

    private static func isWildcard(_ host: String) -> Bool { host == "0.0.0.0" || host == "::" }

    /// On any other address than a wildcard no broadcast would come; a listener on loopback alone wants none.
    private static func isLoopback(_ host: String) -> Bool { IPAddress(host).map { $0.octets.first == 127 } ?? false }

    /// On every interface: a control plane may stand in several networks.
    private static func join(_ channel: any MulticastChannel, _ group: SocketAddress) async {
        let devices = ((try? System.enumerateDevices()) ?? []).filter {
            $0.multicastSupported && $0.address?.protocol == .inet
        }
        for device in devices { try? await channel.joinGroup(group, device: device).get() }
    }
}

private final class DiscoveryHandler: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>
    typealias OutboundOut = AddressedEnvelope<ByteBuffer>

    private let fixedHost: String?
    private let scheme: String
    private let restPort: Int
    private let key: Discovery.Key
    private let logger: Logger
    private var responder: DiscoveryResponder

    init(fixedHost: String?, scheme: String, restPort: Int, key: Discovery.Key, logger: Logger) {
        self.fixedHost = fixedHost
        self.scheme = scheme
        self.restPort = restPort
        self.key = key
        self.logger = logger
        responder = DiscoveryResponder(key: key)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let question = unwrapInboundIn(data)
        let now = MonotonicInstant(nanoseconds: Int64(context.eventLoop.now.uptimeNanoseconds))
        guard let nonce = responder.receive(Array(question.data.readableBytesView), at: now),
            let host = fixedHost ?? LocalAddress.towards(question.remoteAddress)
        else { return }
        let authority = host.contains(":") ? "[\(host)]:\(restPort)" : "\(host):\(restPort)"
        let answer = Discovery.answer(to: nonce, ["\(scheme)://\(authority)"], key)
        let remote = question.remoteAddress
        logger.info(
            "Found by a worker",
            metadata: [LogKeys.remote: "\(remote)", LogKeys.url: "\(scheme)://\(authority)"]
        )
        context.writeAndFlush(
            wrapOutboundOut(.init(remoteAddress: remote, data: ByteBuffer(bytes: answer))),
            promise: nil
        )
    }
}

@available(*, unavailable)
extension DiscoveryHandler: Sendable {}
