import Drivers
package import FanOut
package import Logging
import Metrics
package import NIOCore
import NIOPosix
package import NIOSSL
import Observability
import ProxyProtocol
package import RTMP
package import Streams
import Synchronization
import Timebase

/// What the RTMP connections of a worker share.
package struct RTMPService: Sendable {
    package let gate: any StreamGate
    package let outlets: OutletTable<RTMPFormat>
    package let logger: Logger
    package let limits: RTMPLimits
    /// Whether an address is a proxy of ours, whose PROXY protocol is believed.
    package let isTrustedProxy: @Sendable (String) -> Bool
    let connections = ConnectionCount(MetricNames.connections.gauge("rtmp"))
    let ingestBytes = MetricNames.ingestBytes.counter("rtmp")
    let firstFrame = MetricNames.firstFrame.timer("rtmp")
    private let refusalLines = RefusalLines()

    package init(
        gate: any StreamGate,
        outlets: OutletTable<RTMPFormat>,
        logger: Logger,
        limits: RTMPLimits = RTMPLimits(),
        isTrustedProxy: @escaping @Sendable (String) -> Bool = { _ in false }
    ) {
        self.gate = gate
        self.outlets = outlets
        self.logger = logger
        self.limits = limits
        self.isTrustedProxy = isTrustedProxy
    }

    /// Counts a refusal. How many of its kind went without a log line since the last, nil when this one is to as well.
    func refused(_ reason: String, line: String) -> Int? {
        MetricNames.connectionsRefused.counter("rtmp", reason).increment()
        return refusalLines.admit("\(line) \(reason)")
    }

    func proxyFailed(_ error: ProxyProtocolError, _ channel: any Channel) {
        protocolErrors(error.label)
        let remote = "\(channel.remoteAddress?.description ?? "?")"
        logger.notice("proxy closed", metadata: [LogKeys.error: "\(error)", LogKeys.remote: "\(remote)"])
    }

    func protocolErrors(_ reason: String) { MetricNames.protocolErrors.counter("rtmp", reason).increment() }
}

/// Connections open now, as a gauge.
final class ConnectionCount: Sendable {
    private let count = Atomic<Int>(0)
    private let gauge: Gauge

    init(_ gauge: Gauge) { self.gauge = gauge }

    func change(by step: Int) { gauge.record(count.add(step, ordering: .relaxed).newValue) }
}

/// Listens for RTMP on a worker's media loops.
package struct RTMPServer: Sendable {
    private let service: RTMPService

    package init(service: RTMPService) { self.service = service }

    /// Binds and serves until the returned channel is closed. With `tls`: RTMPS.
    package func listen(
        host: String,
        port: Int,
        on group: any EventLoopGroup,
        tls: NIOSSLContext? = nil
    ) async throws -> any Channel {
        let pacedReads = PacedReadsByLoop(on: group)
        return try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 4096)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.socketOption(.so_keepalive), value: 1)
            // One read an event: a second one would mostly find nothing, and costs as much.
            .childChannelOption(.maxMessagesPerRead, value: 1)
            // Media comes in hundreds of kilobytes; small reads would split batches.
            .childChannelOption(
                .recvAllocator,
                value: AdaptiveRecvByteBufferAllocator(minimum: 1024, initial: 4096, maximum: 128 << 10)
            )
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let tls { try pipeline.addHandler(NIOSSLServerHandler(context: tls)) }
                    let now = MonotonicInstant(nanoseconds: Int64(channel.eventLoop.now.uptimeNanoseconds))
                    try pipeline.addHandler(
                        RTMPConnection(
                            service: service,
                            isPlain: tls == nil,
                            pacedReads: tls == nil ? pacedReads[channel.eventLoop] : nil,
                            at: now
                        )
                    )
                    try ProxyProtocolHandler.add(to: channel, isTrusted: service.isTrustedProxy) {
                        service.proxyFailed($0, channel)
                    }
                }
            }
            .bind(host: host, port: port).get()
    }
}
