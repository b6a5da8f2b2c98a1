import Drivers
import ICE
import NIOCore
import WebRTC

/// A session has taken the connection for a way to its peer.
struct PathAccepted: Sendable {}

/// A peer's TCP connection to the same port number: datagrams behind lengths (RFC 4571, RFC 6544).
///
///     unproven ──a signed check──► proven ──its session, or its consent, is over──► closed
///         └── time ──► closed
///
/// A user fragment alone is known to everybody on the path; only the session can tell that a check was signed.
final class FramedPeerHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Frames a peer does not read: beyond it the newest are dropped, as a full socket drops datagrams.
    static let unsentBytesMax = 2 << 20

    private let directory: PeerDirectory
    private let limits: WebRTCLimits
    private var reader: FramedDatagramReader
    private var path: TransportPath?
    private var peer: PeerConnection?
    /// While it is unproven, and has a place among those that are.
    private var giveUp: Scheduled<Void>?

    init(directory: PeerDirectory, limits: WebRTCLimits) {
        self.directory = directory
        self.limits = limits
        reader = FramedDatagramReader(limits: limits.peer.ice)
    }

    func channelActive(context: ChannelHandlerContext) {
        guard let local = TransportAddress(context.channel.localAddress),
            let remote = TransportAddress(context.channel.remoteAddress)
        else { return context.close(promise: nil) }
        guard directory.admitConnection(limit: limits.unprovenConnectionsMax) else {
            WebRTCMeters.refused("too_many_connections")
            return context.close(promise: nil)
        }
        path = TransportPath(.tcp, local: local, remote: remote)
        giveUp = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(limits.firstCheckTimeout)) {
            WebRTCMeters.refused("unproven_connection")
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

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is PathAccepted { settle() }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        settle()
        if let peer, let path { peer.loop.execute { peer.pathClosed(path) } }
        peer = nil
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func settle() {
        guard let giveUp else { return }
        giveUp.cancel()
        directory.connectionSettled()
        self.giveUp = nil
    }

    private func take(_ datagram: ByteBuffer, _ arrival: Arrival, _ context: ChannelHandlerContext) {
        guard DatagramKind(of: datagram) == .stun else {
            guard let peer else { return refuse("unknown_source", context) }
            return peer.onLoop(context.eventLoop) { $0.receive(datagram, arrival) }
        }
        guard let check = try? ReceivedStunMessage(decoding: datagram, limits: limits.peer.ice) else {
            return refuse("malformed_stun", context)
        }
        let found = peer ?? check.message.recipientFragment.flatMap { directory.peer(fragment: $0) }
        guard let found else { return refuse("unknown_user", context) }
        peer = found
        found.onLoop(context.eventLoop) { $0.receive(check, arrival) }
    }

    private func refuse(_ reason: String, _ context: ChannelHandlerContext) {
        WebRTCMeters.refused(reason)
        context.close(promise: nil)
    }
}

@available(*, unavailable)
extension FramedPeerHandler: Sendable {}
