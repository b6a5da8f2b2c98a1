package import ClusterModel
import Drivers
import EngineModel
import Glibc
import NIOCore
import NIOPosix
import Relay
import Timebase

/// Tries another node's relay port as a pull would: connects, greets, and reads the answer.
///
/// The greeting shows a ticket that ran out long ago. Its signature is checked before its date, so a parent with our node
/// token answers that it has expired, one with another token that it is not its own; no stream is looked for.
package struct RelayProber: Sendable {
    package static let timeout = Duration.seconds(3)

    private let hello: RelayHello
    private let trust: RelayTrust

    package init(nodeID: String, key: RelayKey, trust: RelayTrust = RelayTrust()) {
        self.trust = trust
        let stream = StreamID.relayProbe
        let ticket = RelayTicket(stream: stream, child: nodeID, expiresAt: WallTime(milliseconds: 0))
        hello = RelayHello(
            app: stream.app,
            id: stream.id,
            child: nodeID,
            ticket: ticket.signed(with: key),
            haveEpoch: nil
        )
    }

    package func probe(_ target: ProbeTarget, within timeout: Duration = Self.timeout) async -> ProbedLink {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let startedAt = loop.instant
        let promise = loop.makePromise(of: Found.self)
        let timer = loop.scheduleTask(in: TimeAmount(timeout)) {
            promise.succeed(Found(.timedOut, "no answer within \(timeout)"))
        }
        let connected = ClientBootstrap(group: loop)
            .connectTimeout(TimeAmount(timeout))
            .channelInitializer { [hello, trust] channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if target.relayTLS == true { try pipeline.addHandler(trust.handler(for: target.host)) }
                    let handler = ProbeHandler(hello, found: promise, at: channel.eventLoop.instant)
                    try pipeline.addHandler(handler)
                }
            }
            .connect(host: target.host, port: target.relay)
        connected.whenFailure { promise.succeed(Found($0)) }
        let found = (try? await promise.futureResult.get()) ?? Found(.failed, "the event loop is closing")
        timer.cancel()
        connected.whenSuccess { $0.close(promise: nil) }
        return ProbedLink(
            target: target,
            outcome: found.outcome,
            milliseconds: Int((loop.instant - startedAt).milliseconds),
            detail: found.detail
        )
    }
}

private struct Found: Sendable {
    var outcome: ProbedLink.Outcome
    var detail: String?

    init(_ outcome: ProbedLink.Outcome, _ detail: String? = nil) {
        self.outcome = outcome
        self.detail = detail
    }

    /// Why no connection was made.
    init(_ error: any Error) {
        let failures = (error as? NIOConnectionError)?.connectionErrors.map(\.error) ?? [error]
        if failures.contains(where: { ($0 as? IOError)?.errnoCode == ECONNREFUSED }) {
            self.init(.refused, "connection refused")
        } else if case .connectTimeout? = failures.first as? ChannelError {
            self.init(.timedOut, "no connection in time")
        } else {
            self.init(.failed, failures.first.map { "\($0)" } ?? "the host name is not known")
        }
    }

    init(_ refusal: RelayRefusal) {
        switch refusal.code {
        case .badTicket: self.init(.wrongToken, refusal.detail)
        case .unsupportedVersion, .tlsRequired: self.init(.failed, refusal.detail)
        case .expiredTicket, .unknownStream, .loop, .overloaded, .draining, .olderEpoch, .unavailable,
            .notMade:
            self.init(.reachable)
        }
    }
}

private final class ProbeHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let driver: EngineDriver<RelayChildSession>
    private let found: EventLoopPromise<Found>

    init(_ hello: RelayHello, found: EventLoopPromise<Found>, at now: MonotonicInstant) {
        driver = EngineDriver(RelayChildSession(hello, at: now))
        self.found = found
    }

    func handlerAdded(context: ChannelHandlerContext) {
        driver.attach(to: context) { [found] event in
            switch event {
            case .refused(let refusal): found.succeed(Found(refusal))
            case .failed(let error): found.succeed(Found(.failed, error.description))
            default: break
            }
        }
    }

    func channelActive(context: ChannelHandlerContext) { driver.drain() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        driver.receive(unwrapInboundIn(data), at: context.eventLoop.instant)
    }

    func channelInactive(context: ChannelHandlerContext) {
        driver.detach()
        found.succeed(Found(.failed, "it closed the connection without an answer"))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        found.succeed(Found(.failed, "\(error)"))
        context.close(promise: nil)
    }
}

@available(*, unavailable)
extension ProbeHandler: Sendable {}
