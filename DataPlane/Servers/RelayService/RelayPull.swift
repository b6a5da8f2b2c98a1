import Drivers
import EngineModel
import Logging
import MediaModel
import Metrics
import NIOCore
import Observability
import Relay
import Streams
import Timebase

/// One pull under way: drives the child engine on the stream's own loop and feeds the stream.
///
/// `@unchecked Sendable`: touched on the stream's loop only.
final class RelayPull: ChannelInboundHandler, StreamUpstream, @unchecked Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// How the pull ended, for `RelayPuller`.
    enum End: Sendable {
        case lost(String)
        case refused(RelayRefusal)
        case ended(EndReason)
        case stopped
    }

    private static let receivedBytes = MetricNames.ingestBytes.counter("relay")

    private let stream: LiveStream
    private let child: String
    private let onEnd: @Sendable (End) -> Void
    private let driver: EngineDriver<RelayChildSession>
    private var batch: [StreamItem] = []
    /// As the parent told last.
    private var tracks: [Track] = []
    private var hasHeard = false
    private var fetches: [UInt32: @Sendable (ObjectAnswer) -> Void] = [:]
    private var hasEnded = false

    let chosenTracks: [TrackID]
    private(set) var hops: [String] = []

    init(
        stream: LiveStream,
        hello: RelayHello,
        limits: RelayLimits,
        at now: MonotonicInstant,
        onEnd: @escaping @Sendable (End) -> Void
    ) {
        self.stream = stream
        child = hello.child
        chosenTracks = hello.tracks
        self.onEnd = onEnd
        driver = EngineDriver(RelayChildSession(hello, limits: limits, at: now))
    }

    // MARK: Channel

    func handlerAdded(context: ChannelHandlerContext) {
        driver.attach(to: context) { [unowned self] event in handle(event) }
    }

    func channelActive(context: ChannelHandlerContext) {
        driver.drain()
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        hasHeard = true
        driver.receive(unwrapInboundIn(data), at: context.eventLoop.instant)
    }

    /// What one read brought goes to the hub in one batch.
    func channelReadComplete(context: ChannelHandlerContext) {
        deliverBatch()
        context.fireChannelReadComplete()
    }

    func channelInactive(context: ChannelHandlerContext) {
        driver.change { $0.inputClosed(at: context.eventLoop.instant) }
        end(.lost(hasHeard ? "the connection broke" : "the parent closed without an answer"))
        driver.detach()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if error.isOfTLS, !hasHeard {
            end(.lost("no TLS with the parent (\(error)): check --relay-ca here, --relay-tls and --tls-cert there"))
        }
        context.close(promise: nil)
    }

    /// This node wants no more. From the stream's loop.
    func stop() {
        end(.stopped)
        driver.change { $0.leave() }
    }

    // MARK: Engine

    private func handle(_ event: RelayChildSession.Event) {
        switch event {
        case .accepted(let accept): accepted(accept)
        case .refused(let refusal): end(.refused(refusal))
        case .item(let item): take(item)
        case .gap:
            deliverBatch()
            if !hasEnded { stream.itemsMissing() }
        case .state(.interrupted):
            deliverBatch()
            if !hasEnded { stream.interrupt() }
        // Media brings the stream back by itself.
        case .state(.broadcasting): break
        case .pathChanged(let hops): pathChanged(hops)
        case .rungsGivenUp(let rungs): if !hasEnded { stream.learn(rungsGivenUp: rungs) }
        case .object(let id, let bytes): fetches.removeValue(forKey: id)?(.bytes(bytes))
        case .objectMissing(let id): fetches.removeValue(forKey: id)?(.missing)
        case .ended(let reason):
            deliverBatch()
            end(.ended(reason))
        case .failed(let error):
            MetricNames.protocolErrors.counter("relay", error.label).increment()
            end(.lost(error.description))
        }
    }

    private func accepted(_ accept: RelayAccept) {
        guard !hasEnded else { return }
        guard !accept.hops.contains(child) else {
            end(.lost("the parent has the stream from here (\(accept.hops.joined(separator: " → ")))"))
            return driver.change { $0.leave() }
        }
        hops = accept.hops
        tracks = accept.tracks
        stream.beginPull(from: self, epoch: accept.epoch, tracks: accept.tracks)
        if accept.state == .interrupted { stream.interrupt() }
    }

    /// A parent that was between two parents itself may have found one below this node.
    private func pathChanged(_ above: [String]) {
        guard !hasEnded, let parent = hops.last else { return }
        hops = above + [parent]
        guard !hops.contains(child) else {
            deliverBatch()
            end(.lost("the parent has the stream from here now (\(hops.joined(separator: " → ")))"))
            return driver.change { $0.leave() }
        }
        stream.pathChanged(of: self)
    }

    /// Each segment comes with its tracks, so that a child can start there; only what is new to it counts.
    private func take(_ item: StreamItem) {
        if case .tracks(let told) = item {
            guard told != tracks else { return }
            tracks = told
        }
        batch.append(item)
    }

    private func deliverBatch() {
        guard !batch.isEmpty else { return }
        if !hasEnded {
            Self.receivedBytes.increment(by: batch.reduce(0) { $0 + $1.payloadBytes })
            stream.receive(batch)
        }
        batch.removeAll(keepingCapacity: true)
    }

    private func end(_ reason: End) {
        guard !hasEnded else { return }
        hasEnded = true
        stream.endPull(from: self)
        let open = fetches
        fetches = [:]
        for answer in open.values { answer(.missing) }
        onEnd(reason)
    }

    // MARK: StreamUpstream

    func wantObjects(_ isWanted: Bool) {
        driver.change { $0.setObjectInterest(isWanted) }
    }

    func wantKeyframe() {
        driver.change { $0.requestKeyframe() }
    }

    func fetch(object name: String, _ answer: @escaping @Sendable (ObjectAnswer) -> Void) {
        guard !hasEnded, let id = driver.change({ $0.request(object: name) }) else { return answer(.missing) }
        fetches[id] = answer
    }
}

extension StreamItem {
    fileprivate var payloadBytes: Int {
        if case .unit(let unit) = self { unit.payload.readableBytes } else { 0 }
    }
}
