import ClusterModel
import Coordination
import Domain
import NIOEmbedded
import Streams
import TestSupport
import Timebase
import Worker

/// Everything there is in one simulation.
final class Cluster: @unchecked Sendable {
    let world: World
    let network: Network
    let store: StoreModel
    let bug: PlantedBug?
    let relayKey = RelayKey(nodeToken: "simulated")
    /// All streams of all nodes live on it: `execute` is as asynchronous as on any loop.
    let loop = EmbeddedEventLoop()
    let profiles: [NodeProfile]
    private(set) var controls: [ControlPlaneProcess] = []
    /// By place, the newest boot of each.
    private(set) var workers: [WorkerProcess] = []
    /// Older boots that are still there.
    private(set) var zombies: [WorkerProcess] = []
    private var boots = 0
    /// Where whoever gives orders waits.
    let operatorSeat: SimulatedProcess
    private var storeTask: Task<Void, Never>?
    private(set) var checker: Checker!
    private(set) var streams: [StreamID] = []
    private(set) var publishers: [SimulatedPublisher] = []
    private(set) var viewers: [SimulatedViewer] = []
    /// For the planted bug of that name.
    var lastGrant: [StreamID: Int64] = [:]

    static let controlCount = 3
    static let streamCount = 3
    /// The app in which second publishers stand by.
    static let backedUpApp = "twice"
    static let viewersPerStream = 4

    init(seed: UInt64, bug: PlantedBug?, show: ((String) -> Void)?) {
        world = World(seed: seed, show: show)
        network = Network(world: world)
        store = StoreModel(world: world, bug: bug)
        self.bug = bug
        operatorSeat = SimulatedProcess(world: world, name: "operator")
        profiles = ["region1", "region2", "region3"].flatMap { group in
            [NodeRole.origin, .hybrid, .edge, .edge].enumerated().map { index, role in
                NodeProfile(nodeID: "\(group)-\(role.rawValue)\(index)", role: role, group: group)
            }
        }
        checker = Checker(cluster: self)
        store.onChange = { [unowned self] in checker.storeChanged($0) }
    }

    var running: [WorkerProcess] { workers.filter { !$0.isDead } + zombies.filter { !$0.isDead } }

    // MARK: Starting

    func start() throws {
        storeTask = Task { [store] in await store.serve() }
        for index in 0..<Self.controlCount { controls.append(makeControl(index)) }
        for index in profiles.indices { workers.append(makeWorker(index)) }
        for number in 0..<Self.streamCount {
            let isBackedUp = number == Self.streamCount - 1
            let stream = try StreamID(app: isBackedUp ? Self.backedUpApp : "live", id: "s\(number)")
            streams.append(stream)
            for _ in 0..<(isBackedUp ? 2 : 1) { publishers.append(SimulatedPublisher(stream: stream, cluster: self)) }
            for _ in 0..<Self.viewersPerStream {
                viewers.append(SimulatedViewer(viewers.count, stream: stream, cluster: self))
            }
        }
        Task { await setUp() }
    }

    /// Region 3 gets its streams through region 2.
    private func setUp() async {
        var settings = GroupSettings()
        settings.parent = "region2"
        let change = GroupChange(settings: settings, nodes: nil)
        var appSettings = AppSettings()
        appSettings.secondPublisher = .standBy
        for _ in 0..<20 {
            let coordinator: Coordinator = controls[0].coordinator
            if (try? await coordinator.put(group: "region3", change, ifMatch: .any)) != nil,
                (try? await coordinator.put(app: Self.backedUpApp, appSettings, ifMatch: .any)) != nil
            {
                return
            }
            _ = await controls[0].sleep(.milliseconds(500))
        }
    }

    private func makeControl(_ index: Int) -> ControlPlaneProcess {
        boots += 1
        return ControlPlaneProcess(index: index, boot: boots, cluster: self)
    }

    private func makeWorker(_ index: Int) -> WorkerProcess {
        boots += 1
        let worker = WorkerProcess(index: index, boot: boots, profile: profiles[index], cluster: self)
        world.after(world.duration(1...200)) { worker.start() }
        return worker
    }

    // MARK: Changing

    func restartControl(_ index: Int) {
        controls[index].kill()
        controls[index] = makeControl(index)
    }

    func restartWorker(_ index: Int) {
        workers[index].kill()
        workers[index] = makeWorker(index)
    }

    /// A second process of the same node starts while the first still exists.
    func replaceWorker(_ index: Int) {
        zombies.removeAll { $0.isDead }
        zombies.append(workers[index])
        workers[index] = makeWorker(index)
    }

    // MARK: Finding

    func worker(host: String) -> WorkerProcess? {
        profiles.firstIndex { $0.nodeID == host }.map { workers[$0] }
    }

    /// A load balancer sends nobody to a process that does not answer, or that drains.
    func pickWorker(where isWanted: (WorkerProcess) -> Bool) -> WorkerProcess? {
        world.pick(workers.filter { $0.isRunning && !$0.coordinator.isDraining && isWanted($0) })
    }

    func probe(
        _ host: String,
        from place: Network.Place,
        by process: ControlPlaneProcess,
        _ timeout: Duration
    ) async -> Bool {
        let answer = OneAnswer<Bool>(in: process, failing: false)
        let timer = world.after(timeout) { process.deliver { answer.give(false) } }
        defer { timer.cancel() }
        guard let index = profiles.firstIndex(where: { $0.nodeID == host }) else { return false }
        network.send(place, .worker(index)) { [self] in
            let worker = workers[index]
            let reply: (Bool) -> Void = { [network] isAlive in
                network.send(.worker(index), place) { process.deliver { answer.give(isAlive) } }
            }
            if worker.isDead { reply(false) } else { worker.deliver { reply(true) } }
        }
        return await answer.value
    }

    func viewerCountChanged(of stream: StreamID) { checker.viewersChangedAt[stream] = world.now }

    // MARK: Running

    /// Lets everything finish that was set off.
    func settle() {
        repeat { loop.run() } while JobQueue.run()
    }

    /// Ends every process, so that nothing of this simulation is left.
    func tearDown() {
        for viewer in viewers { viewer.depart() }
        for publisher in publishers { publisher.depart(isClean: true) }
        settle()
        for worker in running { worker.kill() }
        for control in controls { control.kill() }
        operatorSeat.kill()
        storeTask?.cancel()
        settle()
        // The parts hold each other.
        (controls, workers, zombies, publishers, viewers) = ([], [], [], [], [])
        network.forget()
        world.forget()
    }
}
