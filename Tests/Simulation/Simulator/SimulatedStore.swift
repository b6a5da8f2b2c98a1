import ClusterModel
import Domain
import MemoryStore
import Timebase

/// The one store of the cluster, and who follows its changes.
final class StoreModel: @unchecked Sendable {
    let memory: MemoryStore
    private let world: World
    private let bug: PlantedBug?
    private var followers: [Int: Follower] = [:]
    private var nextFollower = 0
    private(set) var isAway = false
    /// What the store's clock is ahead of the world's.
    var skew = Duration.zero
    /// Told of every change in the order the store made them.
    var onChange: ((StoreChange) -> Void)?

    struct Follower {
        var tell: (StoreChange) -> Void
        var end: () -> Void
    }

    static let epoch = WallTime(milliseconds: 1_760_000_000_000)

    init(world: World, bug: PlantedBug?) {
        self.world = world
        self.bug = bug
        let box = ClockBox()
        memory = MemoryStore(clock: { box.read() })
        box.read = { [unowned self] in Self.epoch + .nanoseconds(self.world.now) + self.skew }
    }

    private final class ClockBox: @unchecked Sendable {
        var read: () -> WallTime = { StoreModel.epoch }
    }

    /// Keeps the followers told. Runs until the task is cancelled.
    func serve() async {
        try? await memory.follow { [unowned self] change in self.tell(change) }
    }

    private func tell(_ change: StoreChange) {
        onChange?(change)
        for id in followers.keys.sorted() where !(bug == .loseChanges && world.isTrue(oneIn: 3)) {
            followers[id]?.tell(change)
        }
    }

    func add(_ follower: Follower) -> Int {
        nextFollower += 1
        followers[nextFollower] = follower
        return nextFollower
    }

    func remove(_ id: Int) { followers[id] = nil }

    func setAway(_ isAway: Bool) {
        self.isAway = isAway
        memory.setAway(isAway)
        guard isAway else { return }
        for id in followers.keys.sorted() { followers[id]?.end() }
    }

    /// The seam of a planted bug.
    func expected(_ revision: Revision?, _ kind: RecordKind, _ key: String) async -> Revision? {
        guard bug == .ignoreRevision, kind == .stream else { return revision }
        return (try? await memory.read(kind, key))?.revision
    }
}

/// The store as one control plane reaches it: over a link that can be cut, with answers that can be lost after the effect.
final class SimulatedStore: ClusterStore, @unchecked Sendable {
    private static let timeout = Duration.seconds(2)

    private let process: SimulatedProcess
    private let place: Network.Place
    private let network: Network
    private let model: StoreModel
    private var world: World { process.world }

    init(process: SimulatedProcess, place: Network.Place, network: Network, model: StoreModel) {
        (self.process, self.place, self.network, self.model) = (process, place, network, model)
    }

    var description: String { "simulated" }

    private func call<Answer: Sendable>(
        _ body: @escaping @Sendable (MemoryStore) async throws(StoreError) -> Answer
    ) async throws(StoreError) -> Answer {
        let mute = Result<Answer, StoreError>.failure(.unavailable("no answer"))
        let answer = OneAnswer<Result<Answer, StoreError>>(in: process, failing: mute)
        let timer = world.after(Self.timeout) { [process] in process.deliver { answer.give(mute) } }
        defer { timer.cancel() }
        network.send(place, .store) { [self] in
            Task {
                let result: Result<Answer, StoreError>
                do throws(StoreError) { result = .success(try await body(model.memory)) } catch {
                    result = .failure(error)
                }
                network.send(.store, place) { [process] in process.deliver { answer.give(result) } }
            }
        }
        return try await answer.value.get()
    }

    func now() async throws(StoreError) -> WallTime {
        try await call { memory throws(StoreError) in try await memory.now() }
    }

    func list(_ kind: RecordKind, after cursor: String?, limit: Int) async throws(StoreError) -> [Record] {
        try await call { memory throws(StoreError) in try await memory.list(kind, after: cursor, limit: limit) }
    }

    func read(_ kind: RecordKind, _ key: String) async throws(StoreError) -> Record? {
        try await call { memory throws(StoreError) in try await memory.read(kind, key) }
    }

    func write(
        _ kind: RecordKind,
        _ key: String,
        body: [UInt8],
        expecting expected: Revision?
    ) async throws(StoreError) -> WriteOutcome {
        try await call { [model] memory throws(StoreError) in
            let expected = await model.expected(expected, kind, key)
            return try await memory.write(kind, key, body: body, expecting: expected)
        }
    }

    func delete(_ kind: RecordKind, _ key: String, expecting expected: Revision) async throws(StoreError)
        -> WriteOutcome
    {
        try await call { memory throws(StoreError) in try await memory.delete(kind, key, expecting: expected) }
    }

    func renew(_ renewals: [LeaseRenewal], for duration: Duration) async throws(StoreError) -> LeaseReport {
        try await call { memory throws(StoreError) in try await memory.renew(renewals, for: duration) }
    }

    func leases() async throws(StoreError) -> (leases: [Lease], now: WallTime) {
        try await call { memory throws(StoreError) in try await memory.leases() }
    }

    func removeLease(of nodeID: String) async throws(StoreError) {
        try await call { memory throws(StoreError) in try await memory.removeLease(of: nodeID) }
    }

    /// Changes come in order. One that cannot come ends the following, as a broken change stream does.
    func follow(_ handler: @escaping @Sendable (StoreChange) -> Void) async throws(StoreError) {
        guard !model.isAway, !network.isCut(place, .store) else {
            _ = await process.sleep(.milliseconds(500))
            throw .unavailable("not reached")
        }
        let end = OneAnswer<Void>(in: process, failing: ())
        let line = Line(world, network, from: .store, to: place, receiver: process)
        let stop: () -> Void = { [process] in process.deliver { end.give(()) } }
        let id = model.add(
            StoreModel.Follower(
                tell: { [network, place] change in
                    if network.isCut(place, .store) { stop() } else { line.send { handler(change) } }
                },
                end: stop
            )
        )
        await end.value
        model.remove(id)
        if !Task.isCancelled { throw .unavailable("the change stream broke") }
    }

    func close() async {}
}
