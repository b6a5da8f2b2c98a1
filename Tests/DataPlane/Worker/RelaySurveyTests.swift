import ClusterModel
import NIOCore
import NIOPosix
import Relay
import RelayService
import Synchronization
import Testing
import Timebase
import Worker

@Suite struct RelaySurveyTests {
    private static let target = ProbeTarget(nodeId: "b", host: "127.0.0.1", relay: 1)

    private func surveyor(_ tried: Tried, at seconds: Tried) -> RelaySurveyor {
        let clock = WorkerClock(
            now: { MonotonicInstant(nanoseconds: Int64(seconds.count) * 1_000_000_000) },
            wall: { WallTime(milliseconds: 0) },
            sleep: { _ in true }
        )
        return RelaySurveyor(clock: clock) { target in
            tried.add(1)
            return ProbedLink(target: target, outcome: .reachable, milliseconds: target.relay)
        }
    }

    @Test func `a survey is answered once, in the order asked, and told for a minute`() async {
        let (tried, seconds) = (Tried(), Tried())
        let surveyor = surveyor(tried, at: seconds)
        let targets = (1...20).map { ProbeTarget(nodeId: "n\($0)", host: "h", relay: $0) }
        let directive = Directive(type: .probeRelays, surveyId: 7, targets: targets)
        #expect(await surveyor.take(directive))
        #expect(await !surveyor.take(directive))
        #expect(tried.count == 20)
        #expect(await surveyor.report?.links.map(\.milliseconds) == Array(1...20))
        seconds.add(61)
        #expect(await surveyor.report == nil)
    }

    @Test func `more targets than the limit are not tried`() async {
        let tried = Tried()
        let targets = (1...500).map { ProbeTarget(nodeId: "n\($0)", host: "h", relay: $0) }
        _ = await surveyor(tried, at: Tried()).take(Directive(type: .probeRelays, surveyId: 1, targets: targets))
        #expect(tried.count == ProbeTarget.countMax)
    }

    /// Answers on a real port as a parent of another token, of the same, and as something else.
    @Test(arguments: [
        ("the same token", RelayRefusal.Code.expiredTicket, ProbedLink.Outcome.reachable),
        ("another token", .badTicket, .wrongToken),
        ("another version", .unsupportedVersion, .failed),
    ])
    func `the parent's answer to a ticket of the past tells whose token it has`(
        name: String,
        code: RelayRefusal.Code,
        outcome: ProbedLink.Outcome
    ) async throws {
        let found = try await probe { RelayFrame.refuse(RelayRefusal(code, "…")).encoded }
        #expect(found.outcome == outcome, "\(name): \(found)")
    }

    @Test func `a stranger's answer is a failure, silence a timeout, a closed port a refusal`() async throws {
        #expect(try await probe { ByteBuffer(string: "HTTP/1.1 400 Bad Request\r\n\r\n") }.outcome == .failed)
        #expect(try await probe(within: .milliseconds(200)) { ByteBuffer() }.outcome == .timedOut)
        #expect(await prober.probe(Self.target).outcome == .refused)
    }

    private var prober: RelayProber { RelayProber(nodeID: "a", key: RelayKey(nodeToken: "t")) }

    private func probe(
        within timeout: Duration = .seconds(30),
        answer: @escaping @Sendable () -> ByteBuffer
    ) async throws -> ProbedLink {
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(OneAnswer(answer()))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let target = ProbeTarget(nodeId: "b", host: "127.0.0.1", relay: server.localAddress?.port ?? 0)
        let found = await prober.probe(target, within: timeout)
        try await server.close().get()
        return found
    }
}

private final class Tried: Sendable {
    private let value = Mutex(0)

    var count: Int { value.withLock { $0 } }
    func add(_ number: Int) { value.withLock { $0 += number } }
}

/// Says one thing to whatever comes first.
private final class OneAnswer: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let answer: ByteBuffer

    init(_ answer: ByteBuffer) { self.answer = answer }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        context.writeAndFlush(wrapOutboundOut(answer), promise: nil)
    }
}

@available(*, unavailable)
extension OneAnswer: Sendable {}
