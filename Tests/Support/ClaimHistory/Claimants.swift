import Synchronization
import TestSupport

/// Several control planes as a claimant reaches them. No call throws: what went wrong is `.unknown`.
package protocol Ownership: Sendable {
    /// Which control planes there are: 0 to `planes` - 1.
    var planes: Int { get }

    func register(_ boot: Boot, at plane: Int) async -> StreamOperation.Answer
    func renew(_ boot: Boot, at plane: Int) async
    func claim(_ stream: String, _ boot: Boot, claimID: String, at plane: Int) async -> StreamOperation.Answer
    func release(_ stream: String, _ boot: Boot, epoch: Int64, at plane: Int) async -> StreamOperation.Answer
}

/// Nodes that claim, keep, release and die at random, each with one call on its way, and record what they were answered.
///
/// Which calls are made follows from the seed; how they overlap does not.
package struct Claimants: Sendable {
    package var streams: [String]
    package var nodes: Int
    /// Claims that each node makes.
    package var turns: Int
    package var seed: UInt64

    package init(streams: [String], nodes: Int, turns: Int, seed: UInt64) {
        self.streams = streams
        self.nodes = nodes
        self.turns = turns
        self.seed = seed
    }

    /// Runs them all to their end. `turnEnded` hears of every turn, to kill something meanwhile.
    package func run(
        over service: some Ownership,
        turnEnded: @escaping @Sendable () -> Void = {}
    ) async -> [String: ClaimHistory] {
        let log = HistoryLog()
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<nodes {
                group.addTask {
                    var node = Claimant(number, self, service, log)
                    await node.live(turnEnded)
                }
            }
        }
        return log.histories(of: streams)
    }
}

/// One node through all its lives.
private struct Claimant<Service: Ownership> {
    private let plan: Claimants
    private let service: Service
    private let log: HistoryLog
    private var random: SplitMix64
    private var life = 0
    private let name: String
    private var holds: [String: Int64] = [:]

    private var boot: Boot { Boot(name, "\(name)-\(life)") }

    init(_ number: Int, _ plan: Claimants, _ service: Service, _ log: HistoryLog) {
        self.plan = plan
        self.service = service
        self.log = log
        name = "node\(number)"
        random = SplitMix64(seed: plan.seed &+ UInt64(number) &* 0x9E37)
    }

    mutating func live(_ turnEnded: () -> Void) async {
        await restart()
        for turn in 0..<plan.turns {
            let stream = plan.streams[Int.random(in: 0..<plan.streams.count, using: &random)]
            if let epoch = holds[stream] { await release(stream, epoch) } else { await claim(stream, turn) }
            await service.renew(boot, at: plane())
            if Int.random(in: 0..<8, using: &random) == 0 { await restart() }
            turnEnded()
        }
    }

    /// The node dies with all it held and comes back.
    private mutating func restart() async {
        life += 1
        holds = [:]
        let next = boot
        await untilAnswered(.restart(next), about: plan.streams) { await $0.register(next, at: $1) }
    }

    private mutating func claim(_ stream: String, _ turn: Int) async {
        let (claimant, id) = (boot, "\(boot.boot)-\(turn)")
        let answer = await untilAnswered(.claim(claimant), about: [stream]) {
            await $0.claim(stream, claimant, claimID: id, at: $1)
        }
        if case .granted(let epoch) = answer { holds[stream] = epoch }
    }

    private mutating func release(_ stream: String, _ epoch: Int64) async {
        holds[stream] = nil
        let owner = boot
        await untilAnswered(.release(owner, epoch: epoch), about: [stream]) {
            await $0.release(stream, owner, epoch: epoch, at: $1)
        }
    }

    /// Every attempt is an operation of its own: one that got no answer may still have taken effect.
    @discardableResult
    private mutating func untilAnswered(
        _ call: StreamOperation.Call,
        about streams: [String],
        _ attempt: (Service, Int) async -> StreamOperation.Answer
    ) async -> StreamOperation.Answer {
        let start = ContinuousClock.now
        while true {
            let calledAt = log.now
            let answer = await attempt(service, plane())
            log.append(StreamOperation(call, answer, calledAt: calledAt, returnedAt: log.now), about: streams)
            if answer != .unknown { return answer }
            guard ContinuousClock.now - start < .seconds(60) else { return .unknown }
            try? await Task.sleep(for: .milliseconds(20))
        }
    }

    private mutating func plane() -> Int { Int.random(in: 0..<service.planes, using: &random) }
}

private final class HistoryLog: Sendable {
    private let operations = Mutex<[String: [StreamOperation]]>([:])
    private let start = ContinuousClock.now

    /// Nanoseconds.
    var now: Int64 {
        let (seconds, attoseconds) = (ContinuousClock.now - start).components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }

    func append(_ operation: StreamOperation, about streams: [String]) {
        operations.withLock { operations in
            for stream in streams { operations[stream, default: []].append(operation) }
        }
    }

    func histories(of streams: [String]) -> [String: ClaimHistory] {
        operations.withLock { operations in
            Dictionary(uniqueKeysWithValues: streams.map { ($0, ClaimHistory(operations[$0] ?? [])) })
        }
    }
}
