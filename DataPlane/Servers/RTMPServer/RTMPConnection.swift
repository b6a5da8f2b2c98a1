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

    private enum Role {
        case undecided
        case publisher(Publication)
        case player(LiveStream, Outlet<RTMPFormat>, Viewer)
        case over
    }

    /// A peer that does not take our last words is closed without them.
    private static let goodbyeTimeout = TimeAmount.seconds(5)

    private let service: RTMPService
    private let isPlain: Bool
    private let pacedReads: PacedReads?
    private var sender: PacedReads.Sender?
    private var session: RTMPServerSession
    private var role = Role.undecided
    private var adapter = RTMPToStream()
    private var batch: [IngestItem] = []
    private var batchBytes = 0
    /// The publisher is to be closed before its next keyframe.
    private var leavesAtKeyframe = false
    private var hasVideo = false
    private var requestedAt = NIODeadline.now()
    private var timer = EngineTimer()
    private var context: ChannelHandlerContext?
    /// The peer's, or whom a trusted proxy named.
    private var clientAddress: String?
    private var logger: Logger

    /// `pacedReads` are those of the channel's loop; nil with TLS.
    init(service: RTMPService, isPlain: Bool, pacedReads: PacedReads?, at now: MonotonicInstant) {
        self.service = service
        self.isPlain = isPlain
        self.pacedReads = pacedReads
        var random = SystemRandomNumberGenerator()
        session = RTMPServerSession(limits: service.limits, at: now, using: &random)
        logger = service.logger
    }

    // MARK: Channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        clientAddress = context.channel.remoteAddress?.ipAddress
        logger[metadataKey: LogKeys.remote] = "\(context.channel.remoteAddress?.description ?? "?")"
    }

    func channelActive(context: ChannelHandlerContext) {
        service.connections.change(by: 1)
        drain()
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        received(unwrapInboundIn(data))
    }

    private func received(_ bytes: ByteBuffer) {
        guard let context else { return }
        session.receive(bytes, at: context.eventLoop.instant)
        drain()
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
        session.inputClosed(at: context.eventLoop.instant)
        drain()
        end()
        timer.cancel()
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

    private func drain() {
        var closes = false
        var hasWritten = false
        while let output = session.nextOutput() {
            switch output {
            case .transmit(let bytes):
                transmit(bytes)
                hasWritten = true
            case .event(let event): handle(event)
            case .close: closes = true
            }
        }
        if hasWritten { context?.flush() }
        if closes { closeBehindWrites() } else { schedule() }
    }

    /// While the connection belongs to a viewer, what the engine says goes between the viewer's frames.
    private func transmit(_ bytes: ByteBuffer) {
        if case .player(_, _, let viewer) = role {
            viewer.send(bytes)
        } else {
            context?.write(wrapOutboundOut(bytes), promise: nil)
        }
    }

    private func closeBehindWrites() {
        deliverBatch()
        guard let context else { return }
        timer.cancel()
        let giveUp = context.eventLoop.assumeIsolated().scheduleTask(in: Self.goodbyeTimeout) {
            context.close(promise: nil)
        }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer())).assumeIsolated().whenComplete { _ in
            giveUp.cancel()
            context.close(promise: nil)
        }
    }

    private func schedule() {
        guard let context else { return }
        timer.arm(for: session.nextDeadline, on: context.eventLoop) { now in
            self.session.timeoutReached(at: now)
            self.drain()
        }
    }

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

    private func end() {
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

    private func stopPacedReads() {
        if let sender { pacedReads?.remove(sender) }
        sender = nil
    }

    // MARK: Publish

    private func publishRequested(_ id: RequestID, _ address: StreamAddress) {
        guard let context else { return }
        let loop = context.eventLoop
        let bound = NIOLoopBound(self, eventLoop: loop)
        let request: PublishRequest
        do throws(NameError) {
            request = PublishRequest(
                stream: try StreamID(app: address.app, id: address.name),
                protocol: .rtmp,
                remoteAddress: clientAddress,
                token: address.token
            )
        } catch { return refusePublish(id, .badName(error)) }
        let gate = service.gate
        Task {
            let result: Result<Publication, Refusal>
            do throws(Refusal) {
                result = .success(try await gate.publish(request, on: loop))
            } catch { result = .failure(error) }
            loop.execute { bound.value.publishDecided(id, result) }
        }
    }

    private func publishDecided(_ id: RequestID, _ result: Result<Publication, Refusal>) {
        switch result {
        case .failure(let refusal): refusePublish(id, refusal)
        case .success(let publication):
            // The publisher may have left while the control plane decided.
            guard let context, case .undecided = role else { return publication.end(isClean: false) }
            logger[metadataKey: LogKeys.stream] = "\(publication.stream.id)"
            role = .publisher(publication)
            sender = pacedReads?.add(context.channel) { [unowned self] bytes in
                received(bytes)
                deliverBatch()
            }
            let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
            publication.whenRevoked { reason in
                bound.eventLoop.execute { bound.value.revoked(reason) }
            }
            publication.whenAsked { request in
                bound.eventLoop.execute { bound.value.asked(request) }
            }
            session.acceptPublish(id)
            drain()
            deliverBatch()
        }
    }

    private func refusePublish(_ id: RequestID, _ refusal: Refusal) {
        logRefusal("publish refused", refusal, .notice)
        session.refusePublish(id, refusal.publishCode, refusal.description)
        drain()
    }

    private func logRefusal(_ line: Logger.Message, _ refusal: Refusal, _ level: Logger.Level) {
        guard let suppressed = service.refused(refusal.reason, line: "\(line)") else { return }
        let metadata: Logger.Metadata = [
            LogKeys.reason: "\(refusal.reason)", LogKeys.error: "\(refusal)", LogKeys.suppressed: "\(suppressed)",
        ]
        logger.log(level: level, line, metadata: metadata)
    }

    private func revoked(_ reason: EndReason) {
        guard case .publisher = role else { return }
        logger.notice("publisher closed", metadata: [LogKeys.reason: "\(reason)"])
        switch reason {
        case .draining: session.close(.failed, Refusal.draining.description)
        default: session.close(.publishBadName, "the stream has moved to another publisher")
        }
        drain()
    }

    private func asked(_ request: Publication.Request) {
        guard case .publisher(let publication) = role else { return }
        switch request {
        case .move:
            guard session.requestReconnect("this node drains: connect anew") else { return }
            publication.toldToMove()
            logger.notice("publisher asked to reconnect elsewhere")
            drain()
        case .leaveAtKeyframe: leavesAtKeyframe = true
        }
    }

    private func leaveForDrain() {
        logger.notice("publisher closed", metadata: [LogKeys.reason: "draining"])
        deliverBatch()
        session.close(.failed, Refusal.draining.description)
    }

    private func take(_ message: MediaMessage) {
        guard case .publisher = role else { return }
        if message.kind == .video { hasVideo = true }
        if leavesAtKeyframe, message.isKeyframe || !hasVideo { return leaveForDrain() }
        batchBytes += message.payload.readableBytes
        do throws(RTMPToStream.Fault) {
            try adapter.take(message, into: &batch)
        } catch {
            service.protocolErrors(error.reason)
            logger.notice("publisher closed", metadata: [LogKeys.reason: "\(error.reason)", LogKeys.error: "\(error)"])
            session.close(.failed, error.description)
        }
    }

    private func deliverBatch() {
        guard !batch.isEmpty, case .publisher(let publication) = role else { return batch.removeAll() }
        service.ingestBytes.increment(by: batchBytes)
        batchBytes = 0
        publication.deliver(batch)
        batch.removeAll(keepingCapacity: true)
    }

    // MARK: Play

    private func playRequested(_ id: RequestID, _ address: StreamAddress) {
        requestedAt = .now()
        guard let context else { return }
        let loop = context.eventLoop
        let bound = NIOLoopBound(self, eventLoop: loop)
        let request: PlayRequest
        do throws(NameError) {
            request = PlayRequest(
                stream: try StreamID(playable: address.app, id: address.name),
                protocol: .rtmp,
                remoteAddress: clientAddress,
                token: address.token
            )
        } catch { return refusePlay(id, .badName(error)) }
        let gate = service.gate
        Task {
            let result: Result<LiveStream, Refusal>
            do throws(Refusal) {
                result = .success(try await gate.play(request))
            } catch { result = .failure(error) }
            loop.execute { bound.value.playDecided(id, result) }
        }
    }

    private func playDecided(_ id: RequestID, _ result: Result<LiveStream, Refusal>) {
        switch result {
        case .failure(let refusal): refusePlay(id, refusal)
        case .success(let stream):
            guard let context, case .undecided = role else { return }
            session.acceptPlay(id)
            drain()
            startPlaying(stream, on: context)
        }
    }

    private func refusePlay(_ id: RequestID, _ refusal: Refusal) {
        logRefusal("play refused", refusal, .info)
        session.refusePlay(id, refusal.playCode, refusal.description)
        drain()
    }

    private func startPlaying(_ stream: LiveStream, on context: ChannelHandlerContext) {
        let viewer = Viewer(context: context, isPlain: isPlain)
        let outlet = service.outlets.outlet(for: stream)
        viewer.onEnd = { [weak self] end in self?.playerEnded(end) }
        viewer.onFirstFrame = { [requestedAt, firstFrame = service.firstFrame] in
            firstFrame.recordNanoseconds((NIODeadline.now() - requestedAt).nanoseconds)
        }
        role = .player(stream, outlet, viewer)
        stream.countViewers(1, of: .rtmp)
        outlet.add(viewer)
    }

    private func playerEnded(_ reason: Viewer.End) {
        guard case .player(let stream, let outlet, let viewer) = role else { return }
        role = .over
        outlet.remove(viewer)
        stream.countViewers(-1, of: .rtmp)
        switch reason {
        case .streamEnded:
            session.endPlay()
            drain()
            context?.close(promise: nil)
        case .tooSlow, .connectionLost: context?.close(promise: nil)
        }
    }
}

@available(*, unavailable)
extension RTMPConnection: Sendable {}

extension StreamAddress {
    /// The value of `token` in the query, with the meaning it has over HTTP.
    fileprivate var token: String? {
        query.split(separator: "&").first { $0.hasPrefix("token=") }
            .flatMap { String($0.dropFirst(6)).removingPercentEncoding }
    }
}
