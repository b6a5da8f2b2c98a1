import ICE
import Metrics
import NIOCore
import Observability
import WebRTC

/// One of the UDP sockets of the WebRTC port: there is one on each loop, all bound to the same number, and the kernel
/// deals flows among them. A session stays on its loop: a datagram that arrives elsewhere is handed over.
final class WebRTCPort: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>
    typealias OutboundOut = AddressedEnvelope<ByteBuffer>

    private let directory: PeerDirectory
    private let limits: ICELimits
    /// Of all this host's addresses when unspecified.
    private let local: TransportAddress
    /// The sessions of this loop that have sent here, so that media takes no lock.
    private var near: [TransportPath: PeerConnection] = [:]
    /// Beyond it the table is begun anew; the directory knows all.
    private static let nearMax = 16_384

    init(directory: PeerDirectory, limits: ICELimits, local: TransportAddress) {
        self.directory = directory
        self.limits = limits
        self.local = local
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let envelope = unwrapInboundIn(data)
        // Nobody can be answered at port 0: the kernel refuses to, and NIO then closes everybody's socket.
        guard let remote = TransportAddress(envelope.remoteAddress), remote.port != 0 else { return }
        let asked = envelope.metadata?.packetInfo.flatMap { IPAddress($0.destinationAddress) }
        let path = TransportPath(.udp, local: TransportAddress(asked ?? local.ip, local.port), remote: remote)
        let arrival = Arrival(path: path, way: .udp(envelope.remoteAddress, from: asked))
        if DatagramKind(of: envelope.data) == .stun {
            receive(check: envelope.data, arrival, on: context.eventLoop)
        } else if let peer = near[path], !peer.isGone {
            peer.receive(envelope.data, arrival)
        } else if let peer = directory.peer(path: path) {
            handOver(envelope.data, arrival, to: peer, on: context.eventLoop)
        } else {
            WebRTCMeters.refused("unknown_source")
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // One peer's unreachable address must not close everybody's socket.
        WebRTCMeters.refused("socket_error")
    }

    private func receive(check datagram: ByteBuffer, _ arrival: Arrival, on loop: any EventLoop) {
        guard let message = try? ReceivedStunMessage(decoding: datagram, limits: limits) else {
            return WebRTCMeters.refused("malformed_stun")
        }
        guard let peer = message.message.recipientFragment.flatMap({ directory.peer(fragment: $0) }) else {
            return WebRTCMeters.refused("unknown_user")
        }
        if peer.loop === loop {
            peer.receive(message, arrival)
        } else {
            peer.loop.execute { peer.receive(message, arrival) }
        }
    }

    private func handOver(_ datagram: ByteBuffer, _ arrival: Arrival, to peer: PeerConnection, on loop: any EventLoop) {
        guard peer.loop === loop else { return peer.loop.execute { peer.receive(datagram, arrival) } }
        if near.count >= Self.nearMax { near = [:] }
        near[arrival.path] = peer
        peer.receive(datagram, arrival)
    }
}

/// Where a datagram came from, and how to answer.
struct Arrival: Sendable {
    enum Way: Sendable {
        /// As the socket names it: over IPv6 an IPv4 peer has a mapped address. `from` is the source that has to be said.
        case udp(SocketAddress, from: IPAddress?)
        case tcp(any Channel)

        /// For a peer that is gone: a connection is not left to it.
        func close() {
            switch self {
            case .udp: break
            case .tcp(let channel): channel.close(promise: nil)
            }
        }
    }

    var path: TransportPath
    var way: Way
}

@available(*, unavailable)
extension WebRTCPort: Sendable {}

enum WebRTCMeters {
    static func refused(_ reason: String) { MetricNames.protocolErrors.counter("webrtc", reason).increment() }
}
