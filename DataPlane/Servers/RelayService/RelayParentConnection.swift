import ClusterModel
import Drivers
import EngineModel
import FanOut
import Logging
import MediaModel
import NIOCore
import Observability
import Relay
import Streams
import Timebase

/// One child's pull, served: drives the parent engine on the channel's loop and joins it to the hub.
final class RelayParentConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private struct Serving {
        let stream: LiveStream
        let outlet: Outlet<RelayFormat>
        let viewer: Viewer
        var wantsObjects = false
    }

    private let service: RelayService
    /// Nil on a port without TLS.
    private let gate: RelayTLSGate?
    private let driver: EngineDriver<RelayParentSession>
    private var serving: Serving?
    private var hasAsked = false
    private var lastTransmitAt: MonotonicInstant?
    private var context: ChannelHandlerContext?
    private var logger: Logger

    init(service: RelayService, gate: RelayTLSGate?, at now: MonotonicInstant) {
        self.service = service
        self.gate = gate
        driver = EngineDriver(RelayParentSession(limits: service.limits, at: now))
        logger = service.logger
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        driver.attach(to: context) { [unowned self] event in handle(event) }
        driver.divert = { [unowned self] bytes in
            lastTransmitAt = self.context?.eventLoop.instant
            guard let serving else { return false }
            serving.viewer.send(bytes)
            return true
        }
        driver.beforeTimeout = { [unowned self] session in
            if let lastSentAt { session.sent(at: lastSentAt) }
        }
        logger[metadataKey: LogKeys.remote] = "\(context.channel.remoteAddress?.description ?? "?")"
    }

    func channelActive(context: ChannelHandlerContext) {
        driver.drain()
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        driver.receive(unwrapInboundIn(data), at: context.eventLoop.instant)
    }

    /// Pings are answered to anybody before a hello; who lets the answers pile up does not want them. What follows a hello is
    /// bounded by itself.
    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if !hasAsked, !context.channel.isWritable {
            service.protocolError("peer_not_reading")
            logger.notice("relay child closed", metadata: [LogKeys.reason: "peer_not_reading"])
            context.close(promise: nil)
        }
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        driver.change { $0.inputClosed(at: context.eventLoop.instant) }
        stopServing()
        driver.detach()
        self.context = nil
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if error.isTLSFault {
            service.protocolError("tls")
            logger.notice("relay child closed", metadata: [LogKeys.reason: "tls", LogKeys.error: "\(error)"])
        } else {
            logger.debug("relay connection closed on an error", metadata: [LogKeys.error: "\(error)"])
        }
        context.close(promise: nil)
    }

    // MARK: Engine

    /// Live media goes past the engine; the viewer knows when.
    private var lastSentAt: MonotonicInstant? {
        let media = (serving?.viewer.lastSentAt).map {
            MonotonicInstant(nanoseconds: Int64($0.uptimeNanoseconds))
        }
        return [media, lastTransmitAt].compactMap(\.self).max()
    }

    private func handle(_ event: RelayParentSession.Event) {
        switch event {
        case .pullRequested(let hello): pullRequested(hello)
        case .objectInterest(let isOn): setObjectInterest(isOn)
        case .objectRequested(let id, let name): objectRequested(id, name)
        case .keyframeRequested:
            if let stream = serving?.stream { stream.loop.execute { stream.wantKeyframe() } }
        case .childLeft: stopServing()
        case .failed(let error):
            service.protocolError(error.label)
            logger.notice(
                "relay child closed",
                metadata: [LogKeys.reason: "\(error.label)", LogKeys.error: "\(error)"]
            )
        }
    }

    // MARK: Pull

    private func pullRequested(_ hello: RelayHello) {
        hasAsked = true
        guard let context else { return }
        if let gate, !gate.hasBegunTLS {
            let detail = "this relay port takes TLS only: ask for a new route, and set --relay-tls on both nodes"
            return pullDecided(.failure(RelayRefusalError(.tlsRequired, detail)), hello)
        }
        let loop = context.eventLoop
        let bound = NIOLoopBound(self, eventLoop: loop)
        let service = service
        Task {
            let result: Result<(LiveStream, RelayAccept), RelayRefusalError>
            do throws(RelayRefusalError) {
                result = .success(try await service.open(hello))
            } catch { result = .failure(error) }
            loop.execute { bound.value.pullDecided(result, hello) }
        }
    }

    private func pullDecided(_ result: Result<(LiveStream, RelayAccept), RelayRefusalError>, _ hello: RelayHello) {
        switch result {
        case .failure(let error):
            if let suppressed = service.refused("\(error.refusal.code)") {
                // A relay port that is only tried is refused by design.
                let isProbe = (hello.app, hello.id) == (StreamID.relayProbe.app, StreamID.relayProbe.id)
                logger.log(
                    level: isProbe ? .debug : .notice,
                    "pull refused",
                    metadata: [
                        LogKeys.nodeId: "\(hello.child)", LogKeys.reason: "\(error.refusal.detail)",
                        LogKeys.suppressed: "\(suppressed)",
                    ]
                )
            }
            driver.change { $0.refuse(error.refusal) }
        case .success((let stream, let accept)):
            guard let context else { return }
            logger[metadataKey: LogKeys.stream] = "\(stream.id)"
            driver.change { $0.accept(accept) }
            let viewer = Viewer(context: context, isPlain: gate == nil)
            let outlet = service.outlets.outlet(for: stream, TrackChoice(hello.tracks))
            viewer.onEnd = { [weak self] end in self?.viewerEnded(end) }
            viewer.backlog = { [weak self] in self?.driver.change { $0.nextObjectSlice() } }
            serving = Serving(stream: stream, outlet: outlet, viewer: viewer)
            service.served.change(by: 1)
            outlet.add(viewer, epoch: accept.epoch)
            logger.info(
                "pull served",
                metadata: [LogKeys.nodeId: "\(hello.child)", LogKeys.epoch: "\(accept.epoch.value)"]
            )
        }
    }

    private func viewerEnded(_ end: Viewer.End) {
        stopServing()
        switch end {
        case .streamEnded(let reason):
            driver.change { $0.end(reason) }
        case .tooSlow:
            logger.warning("relay child dropped: it reads too slowly to have everything")
            context?.close(promise: nil)
        case .connectionLost: context?.close(promise: nil)
        }
    }

    private func stopServing() {
        guard let serving else { return }
        setObjectInterest(false)
        self.serving = nil
        serving.viewer.onEnd = nil
        serving.viewer.backlog = nil
        serving.outlet.remove(serving.viewer)
        service.served.change(by: -1)
    }

    // MARK: Objects

    private func setObjectInterest(_ isOn: Bool) {
        guard let stream = serving?.stream, serving?.wantsObjects != isOn else { return }
        serving?.wantsObjects = isOn
        stream.loop.execute { stream.wantObjects(isOn) }
    }

    private func objectRequested(_ id: UInt32, _ name: String) {
        guard let context, let stream = serving?.stream else {
            return driver.change { $0.objectMissing(id: id) }
        }
        let loop = context.eventLoop
        let bound = NIOLoopBound(self, eventLoop: loop)
        let answer: @Sendable (ObjectAnswer) -> Void = { answer in
            loop.execute { bound.value.objectAnswered(id, answer) }
        }
        stream.loop.execute {
            if let objects = stream.objects {
                objects.object(named: name, answer)
            } else if let upstream = stream.upstream {
                upstream.fetch(object: name, answer)
            } else {
                answer(.missing)
            }
        }
    }

    private func objectAnswered(_ id: UInt32, _ answer: ObjectAnswer) {
        switch answer {
        case .bytes(let pieces): driver.change { $0.send(object: pieces, id: id) }
        case .missing: driver.change { $0.objectMissing(id: id) }
        }
        serving?.viewer.backlogAdded()
    }
}

@available(*, unavailable)
extension RelayParentConnection: Sendable {}
