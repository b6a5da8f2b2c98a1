import ClusterModel
import FanOut
import HLS
import MediaModel
import NIOCore
import RelayService
import Renditions
import Streams
import TestSupport
import Timebase
import Worker

/// One boot of a worker: the real coordinator, hub and relay service, joined to the cluster as `Membership` does it.
final class WorkerProcess: SimulatedProcess, @unchecked Sendable {
    let index: Int
    let nodeID: String
    let bootID: String
    let registration: NodeRegistration
    let registry = StreamRegistry()
    private(set) var coordinator: StreamCoordinator!
    private(set) var relay: RelayService!
    private(set) var link: SimulatedLink!
    private var clock: WorkerClock!
    private let cluster: Cluster
    private var tasks: [Task<Void, Never>] = []
    private var leaseSeconds = 20
    /// The group the control plane counts it in.
    private var group: String?
    /// The newest epoch this process was told of, by stream.
    private(set) var seen: [StreamID: Int64] = [:]
    /// Clients and children that are connected to it.
    private var connections: [Int: () -> Void] = [:]
    private var nextConnection = 0
    /// Pulls it makes now that a parent has accepted, by stream.
    var pulls: [StreamID: Int] = [:]

    var place: Network.Place { .worker(index) }

    init(index: Int, boot: Int, profile: NodeProfile, cluster: Cluster) {
        self.index = index
        self.cluster = cluster
        nodeID = profile.nodeID
        bootID = "\(profile.nodeID)-boot\(boot)"
        var addresses = NodeAddresses(host: profile.nodeID)
        addresses.relay = 5000
        addresses.rtmp = 1935
        registration = NodeRegistration(
            bootId: bootID,
            role: profile.role,
            group: profile.group,
            version: "simulated",
            addresses: addresses
        )
        super.init(world: cluster.world, name: "\(profile.nodeID)#\(boot)")
        compose(profile, cluster)
    }

    private func compose(_ profile: NodeProfile, _ cluster: Cluster) {
        let wall: @Sendable () -> WallTime = { [unowned self] in StoreModel.epoch + (now - cluster.world.start) }
        clock = WorkerClock(
            now: { [unowned self] in now },
            wall: wall,
            sleep: { [self] in await sleep($0) }
        )
        var claims = 0
        let makeID: () -> String = { [bootID] in
            claims += 1
            return "\(bootID)-claim\(claims)"
        }
        let held = Held(makeID)
        link = SimulatedLink(cluster: cluster, process: self)
        coordinator = StreamCoordinator(
            identity: NodeIdentity(
                nodeID: nodeID,
                bootID: bootID,
                role: profile.role,
                relayKey: cluster.relayKey,
                makeID: { held.value() }
            ),
            registry: registry,
            control: link,
            puller: SimulatedPuller(cluster: cluster, process: self),
            deriver: NoDeriver(),
            clock: clock,
            logger: Quiet.logger,
            group: cluster.loop,
            makeCutter: { HLSCutter(resume: $0, settings: $1) },
            servers: NoServers(),
            random: SplitMix64(seed: world.random.next())
        )
        relay = RelayService(
            gate: coordinator,
            nodeID: nodeID,
            key: cluster.relayKey,
            outlets: RelayOutlets(loads: LoopLoads(), meters: FanOutMeters(protocolName: "relay")),
            wallClock: wall,
            logger: Quiet.logger
        )
    }

    func start() {
        tasks = [Task { await self.belong() }]
    }

    override func kill() {
        guard !isDead else { return }
        world.trace("\(name) dies")
        for task in tasks { task.cancel() }
        super.kill()
        for id in connections.keys.sorted() { connections.removeValue(forKey: id)?() }
        Task { [coordinator] in await coordinator?.closeAll() }
    }

    // MARK: Connections

    /// `broken` is called when the process dies.
    func connect(_ broken: @escaping () -> Void) -> Int {
        nextConnection += 1
        connections[nextConnection] = broken
        return nextConnection
    }

    func disconnect(_ id: Int) { connections[id] = nil }

    func hasSeen(_ epoch: Int64, of stream: StreamID) { seen[stream] = max(seen[stream] ?? 0, epoch) }

    // MARK: Membership

    private func belong() async {
        var delay = Duration.milliseconds(200)
        while await !register() {
            guard !isDead, await sleep(delay) else { return }
            delay = min(delay * 2, .seconds(3))
        }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.sendHeartbeats() }
            group.addTask { await self.followWatch() }
            await group.next()
            group.cancelAll()
        }
        // Superseded: the program ends.
        kill()
    }

    private func register() async -> Bool {
        let sentAt = now
        guard let answer = try? await link.register(registration) else { return false }
        leaseSeconds = answer.leaseSeconds
        enter(answer.group)
        let renewed = HeartbeatAnswer(state: answer.state, lost: [], directives: [], revision: answer.revision)
        await coordinator.heartbeatAnswered(renewed, sentAt: sentAt, leaseSeconds: leaseSeconds)
        return true
    }

    private func enter(_ newGroup: String) {
        defer { group = newGroup }
        guard let group, group != newGroup else { return }
        world.trace("\(name) is in \(newGroup) now")
        Task { [coordinator] in await coordinator?.reroute() }
    }

    private func sendHeartbeats() async {
        while !isDead {
            let sentAt = now
            do throws(ControlPlaneError) {
                let answer = try await link.heartbeat(await heartbeat())
                for lost in answer.lost { noteLoss(lost) }
                await coordinator.heartbeatAnswered(answer, sentAt: sentAt, leaseSeconds: leaseSeconds)
            } catch {
                switch error {
                case .superseded:
                    world.trace("\(name) is superseded")
                    return await coordinator.fenceAll()
                case .refused(let problem) where problem.status == 404: _ = await register()
                case .refused, .unavailable: break
                }
            }
            guard await sleep(.milliseconds(100)) else { return }
            let period = Duration.seconds(coordinator.isDraining ? 1 : 5)
            guard await coordinator.news.wait(atMost: max(.zero, period - (now - sentAt)), clock) else { return }
        }
    }

    private func heartbeat() async -> Heartbeat {
        let report = await coordinator.report { _ in [] }
        var load = NodeLoad()
        load.publishers = report.publishers
        load.viewers = report.viewers
        return Heartbeat(
            bootId: bootID,
            load: load,
            holds: report.holds,
            pulls: report.pulls,
            sessions: report.sessions,
            streams: report.streams,
            isDraining: coordinator.isDraining
        )
    }

    private func noteLoss(_ lost: LostHold) {
        if let stream = try? StreamID(app: lost.app, id: lost.id) { hasSeen(lost.epoch, of: stream) }
    }

    private func followWatch() async {
        var since: Int64?
        var turn = index
        while !isDead {
            let session = WatchSession(cluster: cluster, worker: self, control: turn % cluster.controls.count)
            await session.follow(&since)
            turn += 1
            guard await sleep(world.duration(20...400)) else { return }
        }
    }

    private func tell(_ change: WatchEvent.StreamChange) async {
        var change = change
        if cluster.bug == .skipEpochCheck { change.epoch = 0 }
        await coordinator.streamChanged(change)
    }

    func handle(_ event: WatchEvent) async {
        switch event {
        case .snapshot(let snapshot):
            for (app, settings) in snapshot.apps { await coordinator.apply(settings, to: app) }
            for change in snapshot.streams { await tell(change) }
            if let parents = snapshot.parents { Task { await coordinator.reroute(asToldOf: parents) } }
            if let node = snapshot.node { await handle(.node(node)) }
        case .node(let change) where change.nodeId != nodeID:
            Task { [coordinator] in await coordinator?.reroute(from: change.nodeId) }
        case .node(let change):
            enter(change.group)
            await coordinator.follow(change.directives, change.state)
            coordinator.news.fire()
        case .lost(let lost):
            if cluster.bug == .hideLoss { return }
            noteLoss(lost)
            await coordinator.lose(lost)
        case .stream(let change): await tell(change)
        case .app(let change): await coordinator.apply(change.settings, to: change.app)
        case .ping: break
        }
    }
}

/// A value that only the simulation's thread touches.
final class Held<Value>: @unchecked Sendable {
    var value: Value

    init(_ value: Value) { self.value = value }
}

struct NodeProfile {
    var nodeID: String
    var role: NodeRole
    var group: String
}

private struct NoServers: StreamServers {
    func opened(_ stream: LiveStream) {}
    func closed(_ stream: LiveStream) {}
}

/// The real cutter, as the worker wraps it.
private struct HLSCutter: StreamCutter {
    private var cutter: SegmentCutter

    init(resume: ResumePoint, settings: AppSettings) {
        cutter = SegmentCutter(settings: PackagingSettings(), resume: resume)
    }

    mutating func mark(before item: StreamItem, at wall: WallTime) -> CutMark? { cutter.receive(item, at: wall) }
    mutating func retainSegments(_ isOn: Bool) {}
    var next: ResumePoint { cutter.next }
}

/// Renditions are not simulated.
private struct NoDeriver: StreamDeriver {
    func derive(_ stream: LiveStream, _ derivation: StreamID.Derivation, of source: LiveStream) async -> DerivedEnd {
        .unknown
    }

    var figures: DeriverFigures { DeriverFigures() }
}
