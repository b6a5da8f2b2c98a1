import ClusterModel
import Coordination
import Domain
import Logging
import MemoryStore
import TestSupport
import Timebase

/// One control plane: the real coordinator on the simulated store.
final class ControlPlaneProcess: SimulatedProcess, @unchecked Sendable {
    private(set) var coordinator: Coordinator!
    private var tasks: [Task<Void, Never>] = []
    /// Watches that end with the process.
    private var watchers: [Int: () -> Void] = [:]
    private var nextWatcher = 0

    init(index: Int, boot: Int, cluster: Cluster) {
        super.init(world: cluster.world, name: "control\(index)#\(boot)")
        let clock = CoordinatorClock(
            now: { self.now },
            sleep: { _ = await self.sleep($0) },
            wall: { StoreModel.epoch + (self.now - cluster.world.start) }
        )
        coordinator = Coordinator(
            store: SimulatedStore(
                process: self,
                place: .control(index),
                network: cluster.network,
                model: cluster.store
            ),
            hub: WatchHub(seed: Int64(boot + 1) * 1_000_000_000 + Int64(index) * 100_000_000),
            relayKey: cluster.relayKey,
            clock: clock,
            gathering: clock,
            random: SplitMix64(seed: world.random.next()),
            probe: { [unowned cluster, unowned self] host, _, timeout in
                await cluster.probe(host, from: .control(index), by: self, timeout)
            },
            logger: Quiet.logger
        )
        tasks = [
            Task { [coordinator] in await coordinator?.keepInStep() },
            Task { [coordinator] in await coordinator?.keepHouse() },
        ]
    }

    override func kill() {
        for task in tasks { task.cancel() }
        super.kill()
        coordinator.hub.close()
        for id in watchers.keys.sorted() { watchers.removeValue(forKey: id)?() }
    }

    func whenKilled(_ body: @escaping () -> Void) -> Int {
        nextWatcher += 1
        watchers[nextWatcher] = body
        return nextWatcher
    }

    func forget(_ id: Int) { watchers[id] = nil }
}

enum Quiet {
    static let logger = Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() }
}
