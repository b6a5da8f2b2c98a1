import Drivers
import Glibc
package import ICE
package import NIOCore
import NIOPosix
import WebRTC

/// Listens for WebRTC on a worker's media loops: UDP, and TCP on the same number.
package struct WebRTCServer: Sendable {
    private let service: WebRTCService

    package init(service: WebRTCService) { self.service = service }

    /// Binds and serves until the returned channel is closed.
    ///
    /// `addresses` are those that clients reach this node by, best first.
    package func listen(
        host: String,
        port: Int,
        addresses: [IPAddress],
        on group: any EventLoopGroup
    ) async throws -> any Channel {
        // Several sockets share the number below, and would share it with another process as well.
        let probe = try await DatagramBootstrap(group: group).bind(host: host, port: port).get()
        try await probe.close().get()
        let sockets = group.makeIterator().map { loop in
            PortSocket(on: loop) { self.socket(host, port, on: loop) }
        }
        do {
            for socket in sockets { try await socket.open().get() }
            let acceptor = try await accept(host, port, on: group)
            let number = UInt16(clamping: port)
            let candidates = Candidate.forServer(addresses: addresses, udpPort: number, tcpPort: number)
            service.listens(WebRTCService.Listening(sockets: sockets, candidates: candidates))
            acceptor.closeFuture.whenComplete { _ in for socket in sockets { socket.close() } }
            return acceptor
        } catch {
            for socket in sockets { socket.close() }
            throw error
        }
    }

    private func socket(_ host: String, _ port: Int, on loop: any EventLoop) -> EventLoopFuture<any Channel> {
        let service = service
        let local = TransportAddress(IPAddress(host) ?? .v4(0), UInt16(clamping: port))
        return DatagramBootstrap(group: loop)
            .channelOption(.socketOption(NIOBSDSocket.Option(rawValue: SO_REUSEPORT)), value: 1)
            .channelOption(.socketOption(.so_rcvbuf), value: 4 << 20)
            .channelOption(.socketOption(.so_sndbuf), value: 4 << 20)
            // Reads and writes of many datagrams with one system call each.
            .channelOption(.datagramVectorReadMessageCount, value: 32)
            .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 32 * 2048))
            .channelOption(.maxMessagesPerRead, value: 4)
            .channelOption(
                .writeBufferWaterMark,
                value: ChannelOptions.Types.WriteBufferWaterMark(low: 4 << 20, high: 16 << 20)
            )
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        WebRTCPort(directory: service.directory, limits: service.parts.limits.peer.ice, local: local)
                    )
                }
            }
            .bind(host: host, port: port)
            .flatMap { socket in
                guard local.ip.isUnspecified else { return socket.eventLoop.makeSucceededFuture(socket) }
                // Clients are answered from the address that they asked.
                return socket.setOption(.receivePacketInfo, value: true).map { socket }
            }
    }

    private func accept(_ host: String, _ port: Int, on group: any EventLoopGroup) async throws -> any Channel {
        let service = service
        return try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(
                .writeBufferWaterMark,
                value: ChannelOptions.Types.WriteBufferWaterMark(
                    low: FramedPeerHandler.unsentBytesMax / 2,
                    high: FramedPeerHandler.unsentBytesMax
                )
            )
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        FramedPeerHandler(directory: service.directory, limits: service.parts.limits)
                    )
                }
            }
            .bind(host: host, port: port).get()
    }
}
