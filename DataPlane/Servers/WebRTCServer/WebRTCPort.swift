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
        guard let remote = TransportAddress(envelope.remoteAddress) else { return }
        let path = TransportPath(.udp, local: local, remote: remote)
        let arrival = Arrival(path: path, way: .udp(envelope.remoteAddress))
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
        /// As the socket names it: over IPv6 an IPv4 peer has a mapped address.
        case udp(SocketAddress)
        case tcp(any Channel)
    }

    var path: TransportPath
    var way: Way
}

/// A peer's TCP connection to the same port number: datagrams behind lengths (RFC 4571, RFC 6544).
final class FramedPeerHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Whoever connects without a check wants a place only.
    private static let firstCheckTimeout = TimeAmount.seconds(10)
    /// Frames a peer does not read: beyond it the newest are dropped, as a full socket drops datagrams.
    static let unsentBytesMax = 2 << 20

    private let directory: PeerDirectory
    private let limits: ICELimits
    private var reader: FramedDatagramReader
    private var path: TransportPath?
    private var peer: PeerConnection?
    private var giveUp: Scheduled<Void>?

    init(directory: PeerDirectory, limits: ICELimits) {
        self.directory = directory
        self.limits = limits
        reader = FramedDatagramReader(limits: limits)
    }

    func channelActive(context: ChannelHandlerContext) {
        guard let local = TransportAddress(context.channel.localAddress),
            let remote = TransportAddress(context.channel.remoteAddress)
        else { return context.close(promise: nil) }
        path = TransportPath(.tcp, local: local, remote: remote)
        giveUp = context.eventLoop.assumeIsolated().scheduleTask(in: Self.firstCheckTimeout) {
            context.close(promise: nil)
        }
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard let path else { return }
        reader.append(unwrapInboundIn(data))
        let arrival = Arrival(path: path, way: .tcp(context.channel))
        do throws(FramedDatagramReader.Failure) {
            while let datagram = try reader.next() { take(datagram, arrival, context) }
        } catch {
            WebRTCMeters.refused("malformed_frame")
            context.close(promise: nil)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        giveUp?.cancel()
        if let peer, let path { peer.loop.execute { peer.pathClosed(path) } }
        peer = nil
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func take(_ datagram: ByteBuffer, _ arrival: Arrival, _ context: ChannelHandlerContext) {
        if peer == nil {
            guard let message = try? ReceivedStunMessage(decoding: datagram, limits: limits),
                let fragment = message.message.recipientFragment, let found = directory.peer(fragment: fragment)
            else {
                WebRTCMeters.refused("unknown_user")
                return context.close(promise: nil)
            }
            peer = found
            giveUp?.cancel()
        }
        guard let peer else { return }
        if peer.loop === context.eventLoop {
            peer.receive(datagram, arrival)
        } else {
            peer.loop.execute { peer.receive(datagram, arrival) }
        }
    }
}

@available(*, unavailable)
extension WebRTCPort: Sendable {}

@available(*, unavailable)
extension FramedPeerHandler: Sendable {}

enum WebRTCMeters {
    static func refused(_ reason: String) { MetricNames.protocolErrors.counter("webrtc", reason).increment() }
}
