import ClusterModel
import Logging
import MediaModel
import Metrics
import NIOCore
import Observability
import Streams
import Synchronization

/// The publisher of a stream that is fetched from outside: asks for the right to publish when the first media is there, keeps
/// what comes meanwhile, and hands the rest to the stream.
///
/// It outlives the connections to the source, so that a new one goes on with the same hold within the publisher's grace.
/// `@unchecked Sendable`: touched on `loop` only.
final class SourceIntake: @unchecked Sendable {
    private enum State {
        case idle
        case asking(waiting: [IngestItem], bytes: Int)
        case publishing(Publication)
    }

    /// What may come while the control plane decides: 5 s, the longest a claim is held, of 20 Mbit/s.
    private static let waitingBytesMax = 12 << 20

    let loop: any EventLoop
    private let stream: StreamID
    private let kind: ClientProtocol
    private let gate: any StreamGate
    private let logger: Logger
    private let onMedia: @Sendable () -> Void
    /// The connection must end: the right was refused or taken away, with why; nil when the node drains.
    private let onRefused: @Sendable (String?) -> Void
    private var state = State.idle
    private var fault: String?
    private let ingestBytes: Counter

    init(
        stream: StreamID,
        kind: ClientProtocol,
        gate: any StreamGate,
        loop: any EventLoop,
        logger: Logger,
        onMedia: @escaping @Sendable () -> Void,
        onRefused: @escaping @Sendable (String?) -> Void
    ) {
        self.stream = stream
        self.kind = kind
        self.gate = gate
        self.loop = loop
        self.logger = logger
        self.onMedia = onMedia
        self.onRefused = onRefused
        ingestBytes = MetricNames.ingestBytes.counter(kind.rawValue)
    }

    func take(_ items: [IngestItem]) {
        loop.preconditionInEventLoop()
        let bytes = items.reduce(0) { $0 + $1.byteCount }
        ingestBytes.increment(by: bytes)
        switch state {
        case .idle:
            state = .asking(waiting: items, bytes: bytes)
            ask()
        case .asking(let waiting, let before):
            guard before + bytes <= Self.waitingBytesMax else {
                return refuse("too much came before it could be published")
            }
            state = .asking(waiting: waiting + items, bytes: before + bytes)
        case .publishing(let publication): publication.deliver(items)
        }
    }

    func failed(_ reason: String) {
        loop.preconditionInEventLoop()
        fault = reason
    }

    /// Why the media could not be read, told once.
    func takeFault() -> String? {
        loop.preconditionInEventLoop()
        defer { fault = nil }
        return fault
    }

    /// The connection is over. From any thread.
    func end(isClean: Bool) {
        loop.execute {
            if case .publishing(let publication) = self.state { publication.end(isClean: isClean) }
            self.state = .idle
        }
    }

    private func ask() {
        let request = PublishRequest(stream: stream, protocol: kind, remoteAddress: nil, token: nil)
        gate.publish(request, on: loop) { [loop] result in loop.execute { self.decided(result) } }
    }

    private func decided(_ result: Result<Publication, Refusal>) {
        switch (result, state) {
        case (.failure(let refusal), _): refuse(refusal.description)
        // The source went away while the control plane decided.
        case (.success(let publication), .idle), (.success(let publication), .publishing):
            publication.end(isClean: false)
        case (.success(let publication), .asking(let waiting, _)):
            state = .publishing(publication)
            let loop = loop
            publication.whenRevoked { [weak self] reason in loop.execute { [weak self] in self?.revoked(reason) } }
            publication.whenAsked { [weak self] _ in loop.execute { [weak self] in self?.leave() } }
            publication.deliver(waiting)
            onMedia()
        }
    }

    private func revoked(_ reason: EndReason) {
        state = .idle
        onRefused(reason == .draining ? nil : "the stream has another owner")
    }

    /// The node drains: another one fetches the stream from now on.
    private func leave() {
        guard case .publishing(let publication) = state else { return }
        publication.toldToMove()
        publication.end(isClean: false)
        state = .idle
        onRefused(nil)
    }

    private func refuse(_ reason: String) {
        state = .idle
        onRefused(reason)
    }
}

extension IngestItem {
    fileprivate var byteCount: Int { if case .unit(let unit, _) = self { unit.payload.readableBytes } else { 0 } }
}
