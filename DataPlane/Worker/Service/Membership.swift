import ClusterModel
import HTTPServer
import Logging
import Metrics
import Observability
import Renditions
import Streams
import Synchronization
import Timebase

/// Keeps this node a member of the cluster: registers, sends heartbeats, follows the watch.
final class Membership: Sendable {
    /// What `/readyz` and the servers ask, from any thread.
    private struct State {
        var isRegistered = false
        var utilisation = 0.0
        var leaseSeconds = 20
        var heartbeatSeconds = 5
        /// The group the control plane counts this node in.
        var group: String?
        /// The groups above it.
        var ancestors: [String]?
    }

    private let state = Mutex(State())
    private let nodeID: String
    private let registration: NodeRegistration
    private let client: ControlPlaneClient
    private let controlPlanes: LocatedControlPlanes
    private let coordinator: StreamCoordinator
    private let tasks: StreamTasks
    private let hls: HLSService
    private let load: LoadSampler
    private let admission: Mutex<Admission>
    private let surveyor: RelaySurveyor
    private let relayChildren: @Sendable () -> Int
    private let directory: StateDirectory
    private let clock: WorkerClock
    private var news: Nudge { coordinator.news }
    private let logger: Logger
    private let gauges = NodeGauges()
    private let missed = MetricNames.heartbeatsMissed.counter()

    init(
        nodeID: String,
        registration: NodeRegistration,
        client: ControlPlaneClient,
        controlPlanes: LocatedControlPlanes,
        coordinator: StreamCoordinator,
        tasks: StreamTasks,
        hls: HLSService,
        load: LoadSampler,
        limits: AdmissionLimits,
        surveyor: RelaySurveyor,
        relayChildren: @escaping @Sendable () -> Int,
        directory: StateDirectory,
        clock: WorkerClock,
        logger: Logger
    ) {
        self.nodeID = nodeID
        self.registration = registration
        self.client = client
        self.controlPlanes = controlPlanes
        self.coordinator = coordinator
        self.tasks = tasks
        self.hls = hls
        self.load = load
        admission = Mutex(Admission(limits: limits))
        self.surveyor = surveyor
        self.relayChildren = relayChildren
        self.directory = directory
        self.clock = clock
        self.logger = logger
    }

    var readiness: MediaHTTPService.Readiness {
        state.withLock { state in
            if !state.isRegistered { return .notReady("not registered with the control plane yet") }
            if coordinator.isDraining { return .notReady("draining") }
            return .init(closed: coordinator.intake.closed(for: registration.role), role: registration.role)
        }
    }

    /// Of the fullest resource, as of the last heartbeat.
    var utilisation: Double { state.withLock { $0.utilisation } }

    /// Runs until cancelled, or until another process has taken this node's identity.
    func run() async {
        await register()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.sendHeartbeats() }
            group.addTask { await self.followWatch() }
            group.addTask { await self.watchLoad() }
            await group.next()
            group.cancelAll()
        }
    }

    // MARK: Registration

    private func register() async {
        var delay = Duration.milliseconds(200)
        while !Task.isCancelled {
            do throws(ControlPlaneError) {
                try await registerOnce()
                return logger.notice(
                    "Registered",
                    metadata: [LogKeys.nodeId: "\(nodeID)", LogKeys.url: "\(client.currentURL)"]
                )
            } catch {
                logger.warning("Not registered yet", metadata: [LogKeys.error: "\(error)"])
                if case .unavailable = error { await controlPlanes.missed() }
            }
            guard await clock.sleep(delay) else { return }
            delay = min(delay * 2, .seconds(3))
        }
    }

    private func registerOnce() async throws(ControlPlaneError) {
        let sentAt = clock.now()
        let answer = try await client.register(nodeID, registration)
        state.withLock { state in
            state.isRegistered = true
            state.leaseSeconds = answer.leaseSeconds
            state.heartbeatSeconds = answer.heartbeatSeconds
        }
        gauges.set(registered: true)
        enter(answer.group)
        for (app, settings) in answer.apps { await coordinator.apply(settings, to: app) }
        let renewed = HeartbeatAnswer(state: answer.state, lost: [], directives: [], revision: answer.revision)
        await coordinator.heartbeatAnswered(renewed, sentAt: sentAt, leaseSeconds: answer.leaseSeconds)
    }

    // MARK: Heartbeat

    private func sendHeartbeats() async {
        var kept: KnownMap?
        while !Task.isCancelled {
            let (lease, usualPeriod) = state.withLock { ($0.leaseSeconds, $0.heartbeatSeconds) }
            let sentAt = clock.now()
            do throws(ControlPlaneError) {
                let answer = try await client.heartbeat(nodeID, await heartbeat())
                controlPlanes.answered()
                await coordinator.heartbeatAnswered(answer, sentAt: sentAt, leaseSeconds: lease)
                tasks.follow(answer.orders ?? [], isDraining: coordinator.isDraining)
                tasks.remove(recordings: answer.unwantedRecordings ?? [])
                for directive in answer.directives { survey(directive) }
            } catch {
                switch error {
                case .superseded:
                    logger.critical("Another process runs with this node's id: fencing everything here and leaving")
                    return await coordinator.fenceAll()
                case .refused(let problem) where problem.status == 404:
                    // Forgotten, by an operator or with the store: join again; holds are told in the next heartbeat.
                    logger.warning("The control plane does not know this node: registering again")
                    try? await registerOnce()
                case .refused, .unavailable:
                    missed.increment()
                    logger.warning("Heartbeat failed: streams go on", metadata: [LogKeys.error: "\(error)"])
                    if case .unavailable = error { await controlPlanes.missed() }
                }
            }
            await keepMap(&kept)
            // News that come one after the other go together.
            guard await clock.sleep(.milliseconds(100)) else { return }
            // Somebody waits for the drain's end.
            let period = coordinator.isDraining ? 1 : usualPeriod
            let spent = clock.now() - sentAt
            guard await news.wait(atMost: max(.zero, .seconds(period) - spent), clock) else { return }
        }
    }

    private static let loadInterval = Duration.seconds(1)

    /// Judges what is carried more often than heartbeats tell it; a change is told at once.
    private func watchLoad() async {
        while await clock.sleep(Self.loadInterval) {
            _ = judge(await report())
            tasks.look()
        }
    }

    private func report() async -> StreamCoordinator.Report {
        let hls = hls
        return await coordinator.report { hls.segmentFetches(of: $0) }
    }

    private func judge(_ report: StreamCoordinator.Report) -> NodeLoad {
        let sample = load.sample(at: clock.now())
        var nodeLoad = NodeLoad()
        nodeLoad.encoderQueueDepth = report.renditions.queueDepth
        nodeLoad.encoderUse = report.renditions.use
        nodeLoad.cpu = sample.cpu
        nodeLoad.memory = sample.memory
        nodeLoad.egressBitsPerSecond = sample.egressBitsPerSecond
        nodeLoad.publishers = report.publishers
        nodeLoad.viewers = report.viewers
        coordinator.intake.counted(viewers: report.viewers.total + report.expectedViewers)
        let (full, utilisation) = admission.withLock { admission in
            admission.judge(nodeLoad)
            return (admission.full, admission.utilisation)
        }
        state.withLock { $0.utilisation = utilisation }
        if coordinator.intake.setFull(full) {
            let reasons = full.map(\.reason).joined(separator: ", ")
            logger.notice(full.isEmpty ? "Within the limits again" : "Full", metadata: [LogKeys.reason: "\(reasons)"])
            news.fire()
        }
        return nodeLoad
    }

    private func heartbeat() async -> Heartbeat {
        let report = await report()
        gauges.set(report)
        let nodeLoad = judge(report)
        let work = tasks.work
        let closed = coordinator.intake.closed(for: registration.role)
        let full = closed.reasons
        return Heartbeat(
            bootId: registration.bootId,
            load: nodeLoad,
            holds: report.holds,
            pulls: report.pulls,
            sessions: report.sessions,
            streams: report.streams,
            sentAt: clock.wall(),
            relayProbes: await surveyor.report,
            isDraining: coordinator.isDraining,
            full: full.isEmpty ? nil : full,
            closed: full.isEmpty ? nil : closed,
            renditionsGivenUp: report.renditions.givenUp.isEmpty
                ? nil : report.renditions.givenUp.map(RenditionChange.init),
            work: work.isEmpty ? nil : work
        )
    }

    /// Written only when it says something new.
    private func keepMap(_ kept: inout KnownMap?) async {
        let known = await coordinator.known
        guard known != kept else { return }
        kept = known
        do throws(StateDirectory.Fault) {
            try directory.keep(known)
        } catch {
            logger.warning("The known map is not kept", metadata: [LogKeys.error: "\(error.description)"])
        }
    }

    // MARK: Watch

    private func followWatch() async {
        await client.watch(nodeID, bootID: registration.bootId) { _, event in
            await self.handle(event)
        }
    }

    private func handle(_ event: WatchEvent) async {
        switch event {
        case .snapshot(let snapshot):
            for (app, settings) in snapshot.apps { await coordinator.apply(settings, to: app) }
            for change in snapshot.streams { await coordinator.streamChanged(change) }
            if let parents = snapshot.parents { Task { await coordinator.reroute(asToldOf: parents) } }
            if let node = snapshot.node { await handle(.node(node)) }
        case .node(let change) where change.nodeId != nodeID:
            // A node this one pulls from drains, or has moved to another group.
            Task { await coordinator.reroute(from: change.nodeId) }
        case .node(let change):
            enter(change.group, below: change.ancestors)
            await coordinator.follow(change.directives, change.state)
            // Its answer tells what this node is to do.
            news.fire()
            for directive in change.directives { survey(directive) }
        case .lost(let lost): await coordinator.lose(lost)
        case .stream(let change): await coordinator.streamChanged(change)
        case .app(let change): await coordinator.apply(change.settings, to: change.app)
        case .ping: break
        }
    }

    /// In another group, or with others above its group, this node belongs elsewhere in the relay tree.
    private func enter(_ group: String, below ancestors: [String]? = nil) {
        let isMoved = state.withLock { state in
            let isOther = state.group.map { $0 != group } ?? false
            let isBelowOthers = state.ancestors.flatMap { known in ancestors.map { $0 != known } } ?? false
            state.ancestors = ancestors ?? (isOther ? nil : state.ancestors)
            state.group = group
            return isOther || isBelowOthers
        }
        guard isMoved else { return }
        let above = (ancestors ?? []).joined(separator: ", ")
        logger.notice("Elsewhere in the tree of groups now", metadata: ["group": "\(group)", "above": "\(above)"])
        Task { await coordinator.reroute() }
    }

    /// Beside the heartbeats and the watch: neither may wait for ports that do not answer. What was found is told at once.
    private func survey(_ directive: Directive) {
        guard directive.type == .probeRelays else { return }
        Task { if await surveyor.take(directive) { news.fire() } }
    }

    // MARK: Leaving

    /// Takes nothing new, waits for sessions to end or move, then closes what is left and leaves the cluster.
    func drain(timeout: Duration) async {
        let end = clock.now() + timeout
        // Publishers are closed at a keyframe, which must come before the end.
        await coordinator.beginDrain(within: timeout - min(timeout / 3, .seconds(5)), isFinal: true)
        news.fire()
        do throws(ControlPlaneError) {
            // The control plane's own deadline is no shorter than ours.
            try await client.drain(
                nodeID,
                DrainRequest(deadline: min(Int(timeout.components.seconds) + 1, DrainRequest.deadlineMax))
            )
        } catch {
            logger.warning("The control plane does not know of the drain", metadata: [LogKeys.error: "\(error)"])
        }
        while clock.now() < end {
            // Children are told of the drain by the control plane, and go to other parents.
            let report = await coordinator.report { _ in [] }
            if report.sessions == 0, relayChildren() == 0 { break }
            guard await clock.sleep(.milliseconds(100)) else { break }
        }
        await coordinator.closeAll()
        do throws(ControlPlaneError) {
            try await client.leave(nodeID)
        } catch {
            logger.warning("Left without goodbye: the lease will run out", metadata: [LogKeys.error: "\(error)"])
        }
    }
}

extension RenditionChange {
    fileprivate init(_ rendition: GivenUpRendition) {
        self.init(
            app: rendition.source.app,
            id: rendition.source.id,
            rendition: rendition.name,
            number: rendition.number
        )
    }
}
