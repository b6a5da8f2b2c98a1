import ClusterModel
import Drivers
import EngineModel
import FanOut
import Foundation
import Logging
import MediaModel
import Metrics
import NIOCore
import Observability
import RTMP
import Streams
import Timebase

/// One RTMP connection: drives the engine on the channel's loop and joins it to the hub, as publisher or player.
final class RTMPConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    enum Role {
        case undecided
        case publisher(Publication)
        case player(LiveStream, Outlet<RTMPFormat>, Viewer)
        case over
    }

    let service: RTMPService
    let isPlain: Bool
    let pacedReads: PacedReads?
    var sender: PacedReads.Sender?
    let driver: EngineDriver<RTMPServerSession>
    var role = Role.undecided
    var adapter = RTMPToStream()
    var batch: [IngestItem] = []
    var batchBytes = 0
    /// The publisher is to be closed before its next keyframe.
    var leavesAtKeyframe = false
    var hasVideo = false
    var requestedAt = NIODeadline.now()
    var context: ChannelHandlerContext?
    /// The peer's, or whom a trusted proxy named.
    var clientAddress: String?
    var logger: Logger

    /// `pacedReads` are those of the channel's loop; nil with TLS.
    init(service: RTMPService, isPlain: Bool, pacedReads: PacedReads?, at now: MonotonicInstant) {
        self.service = service
        self.isPlain = isPlain
        self.pacedReads = pacedReads
        var random = SystemRandomNumberGenerator()
        driver = EngineDriver(RTMPServerSession(limits: service.limits, at: now, using: &random))
        logger = service.logger
    }

    // MARK: Channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        driver.attach(to: context) { [unowned self] event in handle(event) }
        // While the connection belongs to a viewer, what the engine says goes between the viewer's frames.
        driver.divert = { [unowned self] bytes in
            guard case .player(_, _, let viewer) = role else { return false }
            viewer.send(bytes)
            return true
        }
        clientAddress = context.channel.remoteAddress?.ipAddress
        logger[metadataKey: LogKeys.remote] = "\(context.channel.remoteAddress?.description ?? "?")"
    }

    func channelActive(context: ChannelHandlerContext) {
        service.connections.change(by: 1)
        driver.drain()
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        received(unwrapInboundIn(data))
    }

    func received(_ bytes: ByteBuffer) {
        guard let context else { return }
        driver.receive(bytes, at: context.eventLoop.instant)
    }

    /// Media of one read goes to the hub in one batch.
    func channelReadComplete(context: ChannelHandlerContext) {
        deliverBatch()
        context.fireChannelReadComplete()
    }

    /// What the engine answers is small, so a peer that lets it pile up does not read: it could ask on until we are full.
    /// Frames of a player go through the channel when its socket is full, and have their own limits.
    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if case .player = role {
        } else if !context.channel.isWritable {
            service.protocolErrors("peer_not_reading")
            logger.notice("connection closed", metadata: [LogKeys.reason: "peer_not_reading"])
            context.close(promise: nil)
        }
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        driver.change { $0.inputClosed(at: context.eventLoop.instant) }
        end()
        driver.detach()
        self.context = nil
        service.connections.change(by: -1)
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let client = event as? ClientAddress {
            clientAddress = client.address
            logger[metadataKey: LogKeys.remote] = "\(client.address)"
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if error.isTLSFault {
            service.protocolErrors("tls")
            logger.notice("connection closed", metadata: [LogKeys.reason: "tls", LogKeys.error: "\(error)"])
        } else {
            logger.debug("connection closed on an error", metadata: [LogKeys.error: "\(error)"])
        }
        context.close(promise: nil)
    }

    // MARK: Engine

    private func handle(_ event: RTMPServerSession.Event) {
        switch event {
        case .publishRequested(let id, let address, _): publishRequested(id, address)
        case .playRequested(let id, let address, _): playRequested(id, address)
        case .media(let message): take(message)
        case .publishEnded(let isClean):
            deliverBatch()
            if case .publisher(let publication) = role { publication.end(isClean: isClean) }
            stopPacedReads()
            // The peer may publish anew.
            (role, adapter) = (.undecided, RTMPToStream())
        case .playEnded: end()
        case .failed(let error):
            service.protocolErrors(error.label)
            logger.notice("connection closed", metadata: [LogKeys.reason: "\(error.label)", LogKeys.error: "\(error)"])
        }
    }

    func end() {
        deliverBatch()
        stopPacedReads()
        switch role {
        case .publisher(let publication): publication.end(isClean: false)
        case .player(let stream, let outlet, let viewer):
            viewer.onEnd = nil
            outlet.remove(viewer)
            stream.countViewers(-1, of: .rtmp)
        case .undecided, .over: break
        }
        role = .over
    }

    func stopPacedReads() {
        if let sender { pacedReads?.remove(sender) }
        sender = nil
    }

    func logRefusal(_ line: Logger.Message, _ refusal: Refusal, _ level: Logger.Level) {
        guard let suppressed = service.refused(refusal.reason, line: "\(line)") else { return }
        let metadata: Logger.Metadata = [
            LogKeys.reason: "\(refusal.reason)", LogKeys.error: "\(refusal)", LogKeys.suppressed: "\(suppressed)",
        ]
        logger.log(level: level, line, metadata: metadata)
    }
}

@available(*, unavailable)
extension RTMPConnection: Sendable {}

extension StreamAddress {
    /// The value of `token` in the query, with the meaning it has over HTTP.
    var token: String? {
        query.split(separator: "&").first { $0.hasPrefix("token=") }
            .flatMap { String($0.dropFirst(6)).removingPercentEncoding }
    }
}
