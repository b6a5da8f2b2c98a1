import ClusterModel
import Coordination
import Domain
import Streams
import Timebase
import Worker

/// The control planes as one worker reaches them: tried in turn, beginning with the one that worked last, as
/// `ControlPlaneClient` does.
final class SimulatedLink: ControlPlaneLink, @unchecked Sendable {
    private static let requestTimeout = Duration.seconds(4)
    /// The control plane may hold a claim for 5 s.
    private static let claimTimeout = Duration.seconds(8)

    private let cluster: Cluster
    private unowned let process: WorkerProcess
    private var preferred = 0
    private var firstRoutes: [StreamID: RouteAnswer] = [:]
    private var world: World { process.world }

    init(cluster: Cluster, process: WorkerProcess) {
        self.cluster = cluster
        self.process = process
        preferred = process.index % cluster.controls.count
    }

    // MARK: Streams

    /// Nobody publishes over WebRTC.
    func assignPublish(_ stream: StreamID) async throws(ControlPlaneError) -> Assignment {
        throw .unavailable("not asked here")
    }

    func claim(_ stream: StreamID, _ request: ClaimRequest) async throws(ControlPlaneError) -> ClaimGrant {
        var grant = try await exchange(Self.claimTimeout, rounds: 2) { coordinator throws(Problem) in
            try await coordinator.claim(stream, request)
        }
        guard grant.standsByFor == nil else { return grant }
        if cluster.bug == .reuseEpoch, let last = cluster.lastGrant[stream] { grant.epoch = last }
        cluster.lastGrant[stream] = grant.epoch
        process.hasSeen(grant.epoch, of: stream)
        world.trace("\(process.name) claims \(stream): epoch \(grant.epoch)")
        return grant
    }

    func release(_ stream: StreamID, _ request: ReleaseRequest) async throws(ControlPlaneError) {
        try await exchange(Self.requestTimeout, rounds: 2) { coordinator throws(Problem) in
            try await coordinator.release(stream, request)
        }
        world.trace("\(process.name) releases \(stream): \(request.reason.rawValue)")
    }

    func route(_ stream: StreamID, _ request: RouteRequest) async throws(ControlPlaneError) -> RouteAnswer {
        var request = request
        if cluster.bug == .forgetFailedParents { request.failed = nil }
        let asked = request
        var route = try await exchange(Self.requestTimeout) { coordinator throws(Problem) in
            try await coordinator.route(stream, asked)
        }
        if cluster.bug == .routeToDeadParent {
            route = firstRoutes[stream] ?? route
            firstRoutes[stream] = route
        }
        if cluster.bug == .skipEpochCheck { route.epoch = max(route.epoch, request.haveEpoch ?? 0) }
        process.hasSeen(route.epoch, of: stream)
        world.trace("\(process.name) gets \(stream) from \(route.parent.nodeId), \(route.tier.rawValue)")
        return route
    }

    // MARK: The node

    func register(_ registration: NodeRegistration) async throws(ControlPlaneError) -> NodeRegistered {
        let nodeID = process.nodeID
        return try await exchange(Self.requestTimeout) { coordinator throws(Problem) in
            try await coordinator.register(nodeID, registration, ifMatch: .any)
        }
    }

    func heartbeat(_ heartbeat: Heartbeat) async throws(ControlPlaneError) -> HeartbeatAnswer {
        let nodeID = process.nodeID
        var answer: HeartbeatAnswer
        do throws(ControlPlaneError) {
            answer = try await exchange(Self.requestTimeout) { coordinator throws(Problem) in
                try await coordinator.heartbeat(nodeID, heartbeat)
            }
        } catch {
            guard cluster.bug == .acceptLateRenewal, case .superseded = error else { throw error }
            answer = HeartbeatAnswer(state: .alive, lost: [], directives: [], revision: 0)
        }
        if cluster.bug == .hideLoss { answer.lost = [] }
        return answer
    }

    // MARK: One request

    private func exchange<Answer: Sendable>(
        _ timeout: Duration,
        rounds: Int = 1,
        _ ask: @escaping @Sendable (Coordinator) async throws(Problem) -> Answer
    ) async throws(ControlPlaneError) -> Answer {
        var last = ControlPlaneError.unavailable("no control plane")
        for round in 0..<rounds {
            if round > 0, await !process.sleep(world.duration(150...300)) { break }
            let first = preferred
            for turn in cluster.controls.indices {
                let index = (first + turn) % cluster.controls.count
                switch await attempt(index, timeout, ask) {
                case .success(let answer):
                    preferred = index
                    return answer
                case .failure(.unavailable(let reason)): last = .unavailable(reason)
                case .failure(let error):
                    preferred = index
                    throw error
                }
                if Task.isCancelled || process.isDead { throw last }
            }
        }
        throw last
    }

    private func attempt<Answer: Sendable>(
        _ index: Int,
        _ timeout: Duration,
        _ ask: @escaping @Sendable (Coordinator) async throws(Problem) -> Answer
    ) async -> Result<Answer, ControlPlaneError> {
        typealias Outcome = Result<Answer, ControlPlaneError>
        let answer = OneAnswer<Outcome>(in: process, failing: .failure(.unavailable("no answer")))
        let timer = world.after(timeout) { [process] in
            process.deliver { answer.give(.failure(.unavailable("no answer in time"))) }
        }
        defer { timer.cancel() }
        let (network, here, there) = (cluster.network, process.place, Network.Place.control(index))
        let reply: @Sendable (Outcome) -> Void = { [process] outcome in
            network.send(there, here) { process.deliver { answer.give(outcome) } }
        }
        network.send(here, there, mayRepeat: true) { [cluster] in
            let control = cluster.controls[index]
            guard !control.isDead else { return reply(.failure(.unavailable("refused"))) }
            control.deliver {
                Task {
                    var outcome: Outcome
                    do throws(Problem) { outcome = .success(try await ask(control.coordinator)) } catch {
                        outcome = .failure(ControlPlaneError(error))
                    }
                    if control.isDead { outcome = .failure(.unavailable("the connection broke")) }
                    reply(outcome)
                }
            }
        }
        return await answer.value
    }
}

extension ControlPlaneError {
    /// As `ControlPlaneClient` reads the answer of that status.
    fileprivate init(_ problem: Problem) {
        self =
            switch problem.status {
            case 409 where problem.kind == .superseded: .superseded
            case 400..<500: .refused(problem)
            default: .unavailable(problem.detail)
            }
    }
}
