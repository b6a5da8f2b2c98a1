import Drivers
import NIOCore
import NIOPosix
import Testing

@Suite struct PacedReadsTests {
    /// A sender's server side: keeps what came, whichever way, and says so when the peer has closed.
    private final class Receiver: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let reads: PacedReads
        private let ended: EventLoopPromise<Outcome>
        private var sender: PacedReads.Sender?
        private var bytes: [UInt8] = []
        private var pacedReads = 0

        init(_ reads: PacedReads, _ ended: EventLoopPromise<Outcome>) {
            self.reads = reads
            self.ended = ended
        }

        func channelActive(context: ChannelHandlerContext) {
            sender = reads.add(context.channel) { [unowned self] paced in
                bytes += paced.readableBytesView
                pacedReads += 1
            }
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            bytes += unwrapInboundIn(data).readableBytesView
        }

        func channelInactive(context: ChannelHandlerContext) {
            if let sender { reads.remove(sender) }
            ended.succeed(Outcome(bytes: bytes, pacedReads: pacedReads, isStillPacing: reads.isPacing))
        }
    }

    private struct Outcome: Sendable {
        var bytes: [UInt8]
        var pacedReads: Int
        var isStillPacing: Bool
    }

    private static let payload = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 13) }

    /// Connects `count` senders that send the payload and close; what each server side got, in the order of their ends.
    private func run(senders count: Int, limits: PacedReads.Limits) async throws -> [Outcome] {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let clients = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let table = PacedReadsByLoop(on: group, limits: limits)
        let promises = (0..<count).map { _ in group.next().makePromise(of: Outcome.self) }
        let next = NIOLoopBoundBox.makeBoxSendingValue(0, eventLoop: group.next())
        let server = try await ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let reads = try #require(table[channel.eventLoop])
                    let receiver = Receiver(reads, promises[next.value])
                    next.value += 1
                    try channel.pipeline.syncOperations.addHandler(receiver)
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let address = try #require(server.localAddress)
        let channels = try await withThrowingTaskGroup(of: (any Channel).self) { tasks in
            for _ in 0..<count {
                tasks.addTask { try await ClientBootstrap(group: clients).connect(to: address).get() }
            }
            return try await tasks.reduce(into: []) { $0.append($1) }
        }
        for start in stride(from: 0, to: Self.payload.count, by: 50_000) {
            let piece = ByteBuffer(bytes: Self.payload[start..<min(start + 50_000, Self.payload.count)])
            for channel in channels { try await channel.writeAndFlush(piece).get() }
        }
        for channel in channels { channel.close(promise: nil) }
        var outcomes: [Outcome] = []
        for promise in promises { outcomes.append(try await promise.futureResult.get()) }
        try await group.shutdownGracefully()
        try await clients.shutdownGracefully()
        return outcomes
    }

    private func limits(pacedFrom: Int) -> PacedReads.Limits {
        var limits = PacedReads.Limits()
        limits.pacedFrom = pacedFrom
        limits.waitedForBelow = 2
        limits.interval = .milliseconds(1)
        // Less than a piece, so that a turn takes several reads and one turn is not always enough.
        limits.readBytesMax = 8192
        limits.readsPerTurnMax = 2
        return limits
    }

    @Test func `many senders are read in turns, whole, in order and to their end`() async throws {
        let outcomes = try await run(senders: 5, limits: limits(pacedFrom: 3))
        #expect(outcomes.allSatisfy { $0.bytes == Self.payload })
        #expect(outcomes.contains { $0.pacedReads > 0 })
        // The last ones to leave were fewer than `waitedForBelow`.
        #expect(outcomes.contains { !$0.isStillPacing })
    }

    @Test func `few senders are read as their bytes come`() async throws {
        let outcomes = try await run(senders: 2, limits: limits(pacedFrom: 3))
        #expect(outcomes.allSatisfy { $0.bytes == Self.payload && $0.pacedReads == 0 })
    }
}
