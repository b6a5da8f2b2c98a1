import ClusterModel
import Coordination
import Domain
import Timebase

/// Breaks things and mends them, and sends clients to and fro.
///
/// Times of trouble and times of peace take turns: in peace everything must come right within the promised times.
final class Director: @unchecked Sendable {
    private enum Fault: CaseIterable {
        case workerCrash, workerPause, workerReplaced, workerClock, workerDrained, workerRegrouped
        case controlCrash, controlPause, controlClock
        case peersCut, controlCut, controlsCut, storeCut, isolated
        case lossyNetwork, storeAway, storeClock
    }

    private unowned let cluster: Cluster
    private var world: World { cluster.world }
    private var network: Network { cluster.network }
    private(set) var isPeace = true
    private var peaceEndsAt: Int64 = 0
    var peaceLeft: Duration { .nanoseconds(peaceEndsAt - world.now) }
    /// What ends a fault that still lasts.
    private var open: [Int: () -> Void] = [:]
    private var nextFault = 0

    init(cluster: Cluster) { self.cluster = cluster }

    // MARK: Turns

    func begin() {
        for publisher in cluster.publishers {
            world.after(world.duration(500...3000)) { publisher.arrive() }
        }
        for viewer in cluster.viewers {
            world.after(world.duration(500...8000)) { viewer.arrive() }
        }
        stir()
        beginPeace(world.duration(8000...15_000))
        count()
    }

    private func count() {
        world.after(.seconds(1)) { [self] in
            cluster.checker.lookAtCounts()
            count()
        }
    }

    private func beginPeace(_ length: Duration) {
        mendAll()
        isPeace = true
        peaceEndsAt = world.now + length.nanoseconds
        cluster.checker.wholeSince = world.now
        world.trace("peace")
        if world.isTrue(oneIn: 3) { cutTwoPeers(length) }
        world.after(length) { [self] in beginTrouble() }
    }

    /// Two nodes do not reach each other, and everybody else reaches both: that is no excuse for long.
    private func cutTwoPeers(_ length: Duration) {
        let pair = cluster.workers.indices.shuffled(using: &world.random).prefix(2).map { Network.Place.worker($0) }
        world.trace("but \(pair) do not reach each other")
        network.cut(pair[0], pair[1])
        cluster.checker.cutPeers = (pair[0], pair[1])
        nextFault += 1
        open[nextFault] = { [cluster] in
            cluster.checker.cutPeers = nil
            cluster.network.mend(pair[0], pair[1])
        }
    }

    private func beginTrouble() {
        guard !isClosing else { return }
        mendAll()
        isPeace = false
        cluster.checker.wholeSince = nil
        world.trace("trouble")
        let length = world.duration(8000...30_000)
        breakSomething()
        world.after(length) { [self] in if !isClosing { beginPeace(world.duration(15_000...35_000)) } }
    }

    private var isClosing = false

    /// Everything is mended for good, and every client leaves.
    func close() {
        isClosing = true
        mendAll()
        isPeace = true
        cluster.checker.wholeSince = world.now
        for publisher in cluster.publishers { publisher.depart(isClean: world.isTrue(oneIn: 2)) }
        for viewer in cluster.viewers { viewer.depart() }
    }

    private func mendAll() {
        network.mendAll()
        for id in open.keys.sorted() { open.removeValue(forKey: id)?() }
    }

    // MARK: Clients

    private func stir() {
        world.after(world.duration(500...3000)) { [self] in
            guard !isClosing else { return }
            stirOnce()
            stir()
        }
    }

    private func stirOnce() {
        switch Int.random(in: 0..<12, using: &world.random) {
        case 0:
            guard let publisher = world.pick(cluster.publishers) else { return }
            publisher.isWanted ? publisher.depart(isClean: world.isTrue(oneIn: 2)) : publisher.arrive()
        case 1...2: world.pick(cluster.publishers)?.arrive()
        case 3: world.pick(cluster.publishers)?.stumble()
        case 4...5: world.pick(cluster.viewers)?.depart()
        default: world.pick(cluster.viewers)?.arrive()
        }
    }

    // MARK: Faults

    private func breakSomething() {
        guard !isPeace else { return }
        if let fault = world.pick(Fault.allCases) { make(fault) }
        world.after(world.duration(200...5000)) { [self] in breakSomething() }
    }

    /// Mended after a while, or when peace comes.
    private func last(_ range: ClosedRange<Int>, _ mend: @escaping () -> Void) {
        nextFault += 1
        let id = nextFault
        open[id] = mend
        world.after(world.duration(range)) { [self] in open.removeValue(forKey: id)?() }
    }

    private func make(_ fault: Fault) {
        let worker = Int.random(in: cluster.workers.indices, using: &world.random)
        let control = Int.random(in: cluster.controls.indices, using: &world.random)
        let nodeID = cluster.profiles[worker].nodeID
        world.trace("fault: \(fault) \(worker) \(control)")
        switch fault {
        case .workerCrash:
            cluster.workers[worker].kill()
            last(500...15_000) { [cluster] in cluster.restartWorker(worker) }
        case .workerPause: pauseWorker(worker)
        case .workerReplaced:
            pauseWorker(worker)
            cluster.replaceWorker(worker)
        case .workerClock:
            cluster.workers[worker].skew = .milliseconds(Int.random(in: -5000...5000, using: &world.random))
        case .workerDrained:
            let deadline = Int.random(in: 2...20, using: &world.random)
            let order = tell(control) {
                try await $0.drain(nodeID, DrainRequest(deadline: deadline), ifMatch: .any)
            }
            last(1000...25_000) { [self] in
                order.cancel()
                tell(control) {
                    await order.value
                    try await $0.undrain(nodeID, ifMatch: .any)
                }
            }
        case .workerRegrouped:
            let groups = [nil] + Set(cluster.profiles.map(\.group)).sorted()
            guard let group = world.pick(groups) else { return }
            tell(control) { _ = try await $0.assign(nodeID, toGroup: group) }
        case .controlCrash:
            cluster.controls[control].kill()
            last(500...10_000) { [cluster] in cluster.restartControl(control) }
        case .controlPause:
            let process = cluster.controls[control]
            guard process.isRunning else { return }
            process.pause()
            network.processesChanged()
            // Often longer than a lease and a grace together.
            last(500...60_000) { process.resume() }
        case .controlClock:
            cluster.controls[control].skew = .milliseconds(Int.random(in: -5000...5000, using: &world.random))
        case .peersCut:
            let other = Int.random(in: cluster.workers.indices, using: &world.random)
            if other != worker { cut([(.worker(worker), .worker(other))]) }
        case .controlCut: cut([(.worker(worker), .control(control))])
        case .controlsCut: cut(cluster.controls.indices.map { (.worker(worker), .control($0)) })
        case .storeCut: cut([(.control(control), .store)])
        case .isolated:
            let others = cluster.workers.indices.filter { $0 != worker }.map { Network.Place.worker($0) }
            let controls = cluster.controls.indices.map { Network.Place.control($0) }
            cut((others + controls).map { (.worker(worker), $0) })
        case .lossyNetwork:
            network.isLossy = true
            last(2000...15_000) { [network] in network.isLossy = false }
        case .storeAway:
            cluster.store.setAway(true)
            last(500...25_000) { [cluster] in cluster.store.setAway(false) }
        case .storeClock:
            cluster.store.skew = .milliseconds(Int.random(in: -400...400, using: &world.random))
        }
    }

    /// As an operator would, who tries again, and elsewhere, until it is done.
    @discardableResult
    private func tell(
        _ control: Int,
        _ order: @escaping @Sendable (Coordinator) async throws -> Void
    ) -> Task<Void, Never> {
        Task { [cluster] in
            for turn in 0..<60 {
                let process = cluster.controls[(control + turn) % cluster.controls.count]
                if process.isRunning, (try? await order(process.coordinator)) != nil { return }
                guard await cluster.operatorSeat.sleep(.milliseconds(700)) else { return }
            }
        }
    }

    private func pauseWorker(_ index: Int) {
        let process = cluster.workers[index]
        guard process.isRunning else { return }
        process.pause()
        network.processesChanged()
        last(500...30_000) { [network] in
            guard process.isPaused else { return }
            process.resume()
            network.processesChanged()
        }
    }

    private func cut(_ links: [(Network.Place, Network.Place)]) {
        for (first, second) in links { network.cut(first, second) }
        last(500...25_000) { [network] in
            for (first, second) in links { network.mend(first, second) }
        }
    }
}
