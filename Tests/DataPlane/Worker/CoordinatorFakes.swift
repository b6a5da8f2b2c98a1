import ClusterModel
import Logging
import MediaModel
import NIOCore
import NIOPosix
import RelayService
import Renditions
import Streams
import Synchronization
import Timebase
import Worker

/// Time that moves only when a test says so.
final class ManualClock: Sendable {
    private struct Sleeper {
        var due: MonotonicInstant
        var duration: Duration
        var continuation: CheckedContinuation<Bool, Never>
    }

    private struct State {
        var now = MonotonicInstant(nanoseconds: 0)
        var nextID = 0
        var sleepers: [Int: Sleeper] = [:]
        var cancelled: Set<Int> = []
    }

    private let state = Mutex(State())

    var clock: WorkerClock {
        WorkerClock(
            now: { self.now },
            wall: { WallTime(milliseconds: 1_000_000 + self.now.nanoseconds / 1_000_000) },
            sleep: { await self.sleep($0) }
        )
    }

    var now: MonotonicInstant { state.withLock { $0.now } }

    func advance(_ duration: Duration) {
        let due = state.withLock { state in
            state.now = state.now + duration
            let ids = state.sleepers.filter { $0.value.due <= state.now }.keys
            return ids.compactMap { state.sleepers.removeValue(forKey: $0)?.continuation }
        }
        for continuation in due { continuation.resume(returning: true) }
    }

    /// Returns once somebody sleeps that long.
    func whenSleeping(_ duration: Duration) async {
        while !state.withLock({ $0.sleepers.values.contains { $0.duration == duration } }), !Task.isCancelled {
            await Task.yield()
        }
    }

    func isSleeping(atMost limit: Duration) -> Bool {
        state.withLock { $0.sleepers.values.contains { $0.duration <= limit } }
    }

    /// Returns once somebody sleeps for a while, but no longer than that.
    func whenSleeping(atMost limit: Duration) async {
        while !isSleeping(atMost: limit), !Task.isCancelled { await Task.yield() }
    }

    private func sleep(_ duration: Duration) async -> Bool {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isCancelled = state.withLock { state in
                    if state.cancelled.remove(id) != nil { return true }
                    state.sleepers[id] = Sleeper(
                        due: state.now + duration,
                        duration: duration,
                        continuation: continuation
                    )
                    return false
                }
                if isCancelled { continuation.resume(returning: false) }
            }
        } onCancel: {
            let sleeper = state.withLock { state in
                let sleeper = state.sleepers.removeValue(forKey: id)
                if sleeper == nil { state.cancelled.insert(id) }
                return sleeper
            }
            sleeper?.continuation.resume(returning: false)
        }
    }
}

/// A control plane that grants everything, knows the routes it is given, and keeps what it was asked.
final class FakeControlPlane: ControlPlaneLink {
    struct State {
        var claims = 0
        /// So many claims are granted without anybody hearing of it.
        var answersToLose = 0
        /// Another node, for whose stream publishers here stand by.
        var owner: String?
        /// What happens between a grant and its answer.
        var beforeAnswer: (@Sendable () async -> Void)?
        var releases: [ReleaseRequest.Reason] = []
        /// Claims that were taken back.
        var withdrawn: [String] = []
        var routes: [RouteRequest] = []
        var route: RouteAnswer?
        /// Told with the refusal of an unknown stream.
        var lastOwner: NodeAddresses?
        var isAway = false
        /// The refusal of a route, when there is none.
        var problem: Problem?
        /// Questions for a route are not answered.
        var holdsRoutes = false
        /// Releases are not answered.
        var holdsReleases = false
        /// Of every app.
        var settings = AppSettings()
        /// Of every stream.
        var ladder: [EncoderSetting]?
    }

    let state = Mutex(State())

    func claim(_ stream: StreamID, _ request: ClaimRequest) async throws(ControlPlaneError) -> ClaimGrant {
        let (epoch, isLost, owner, settings, ladder) = state.withLock { state in
            state.claims += 1
            state.answersToLose -= 1
            return (state.claims, state.answersToLose >= 0, state.owner, state.settings, state.ladder)
        }
        await state.withLock { $0.beforeAnswer }?()
        if isLost { throw .unavailable("no answer in time") }
        return ClaimGrant(
            app: stream.app,
            id: stream.id,
            nodeId: request.nodeId,
            epoch: Int64(epoch),
            standsByFor: owner,
            leaseSeconds: 10,
            resume: nil,
            appSettings: settings,
            encoderSettings: ladder
        )
    }

    func release(_ stream: StreamID, _ request: ReleaseRequest) async throws(ControlPlaneError) {
        if Task.isCancelled { throw .unavailable("the request was cancelled") }
        state.withLock { state in
            state.releases.append(request.reason)
            if request.epoch == nil, let claim = request.claimId { state.withdrawn.append(claim) }
        }
        while state.withLock({ $0.holdsReleases }) { await Task.yield() }
    }

    func assignPublish(_ stream: StreamID) async throws(ControlPlaneError) -> Assignment {
        Assignment(nodeId: "o1", group: "g", urls: ["webrtc": "http://o1/\(stream.app)/whip/\(stream.id)"])
    }

    func route(_ stream: StreamID, _ request: RouteRequest) async throws(ControlPlaneError) -> RouteAnswer {
        let (route, isAway, lastOwner, problem) = state.withLock { state in
            state.routes.append(request)
            return (state.route, state.isAway, state.lastOwner, state.problem)
        }
        while self.state.withLock({ $0.holdsRoutes }), !Task.isCancelled { await Task.yield() }
        if isAway { throw .unavailable("away") }
        guard let route else {
            if let problem { throw .refused(problem) }
            var problem = Problem(
                .unknownStream,
                status: 404,
                title: "Unknown stream",
                detail: "nobody publishes it"
            )
            problem.lastOwner = lastOwner
            throw .refused(problem)
        }
        return route
    }

    static func route(epoch: Int64, parent: String = "o2", tier: RouteAnswer.Tier = .origin) -> RouteAnswer {
        RouteAnswer(
            epoch: epoch,
            parent: RouteAnswer.Parent(nodeId: parent, host: "127.0.0.1", relay: 1),
            tier: tier,
            secondaryForGroup: false,
            ticket: "",
            revision: 1
        )
    }
}

/// Pulls that bring tracks and end as the script says, then stay until they are cancelled.
final class FakePuller: StreamPuller {
    let pulled = Mutex<[RouteAnswer]>([])
    let script = Mutex<[PullEnd]>([])
    /// Parents bring nothing, as if they waited themselves.
    let isSilent = Mutex(false)
    /// Parents that bring media too, before the pull ends.
    let feeding = Mutex<Set<String>>([])
    private let clock: WorkerClock

    init(_ clock: WorkerClock) { self.clock = clock }

    func pull(_ stream: LiveStream, route: RouteAnswer, ticket: String) async -> PullEnd {
        pulled.withLock { $0.append(route) }
        if !isSilent.withLock({ $0 }) {
            stream.loop.execute { stream.receive([.tracks([Track(id: .data, codec: .data)])]) }
        }
        if feeding.withLock({ $0.contains(route.parent.nodeId) }) {
            let unit = AccessUnit(
                track: .data,
                decodeTime: MediaTime(milliseconds: 0),
                isKeyframe: true,
                payload: ByteBuffer(bytes: [1])
            )
            try? await stream.loop.submit { stream.receive([.unit(unit)]) }.get()
        }
        let end = script.withLock { $0.isEmpty ? nil : $0.removeFirst() }
        if let end { return end }
        _ = await clock.sleep(.seconds(1_000_000))
        return .stopped
    }
}

struct FakeServers: StreamServers {
    func opened(_ stream: LiveStream) {}
    func closed(_ stream: LiveStream) {}
}

struct UncutStream: StreamCutter {
    mutating func mark(before item: StreamItem, at wall: WallTime) -> CutMark? { nil }
    mutating func retainSegments(_ isOn: Bool) {}
    var next: ResumePoint { .start }
}

final class Viewers: StreamSubscriber {
    func stream(_ stream: LiveStream, sent items: [StreamItem]) {}
    func stream(_ stream: LiveStream, noticed notice: StreamNotice) {}
}

/// A coordinator with everything around it under the test's hand.
struct TestNode {
    let time = ManualClock()
    let control = FakeControlPlane()
    let puller: FakePuller
    let deriver = FakeDeriver()
    let registry = StreamRegistry()
    let coordinator: StreamCoordinator
    let id: StreamID
    let loop: any EventLoop = MultiThreadedEventLoopGroup.singleton.next()

    init(role: NodeRole = .hybrid, known: KnownMap = KnownMap(), publishersMax: Int? = nil, viewersMax: Int? = nil)
        throws
    {
        id = try StreamID(app: "live", id: "s1")
        puller = FakePuller(time.clock)
        coordinator = StreamCoordinator(
            identity: NodeIdentity(
                nodeID: "n1",
                bootID: "b1",
                role: role,
                relayKey: RelayKey(nodeToken: "t"),
                makeID: { "c" }
            ),
            registry: registry,
            control: control,
            puller: puller,
            deriver: deriver,
            clock: time.clock,
            logger: Logger(label: "test"),
            group: MultiThreadedEventLoopGroup.singleton,
            makeCutter: { _, _ in UncutStream() },
            servers: FakeServers(),
            known: known,
            intake: Intake(viewersMax: viewersMax),
            publishersMax: publishersMax
        )
    }

    func publish() async throws(Refusal) -> Publication {
        let request = PublishRequest(stream: id, protocol: .rtmp, remoteAddress: nil, token: nil)
        return try await coordinator.publish(request, on: loop)
    }

    func play(_ kind: ClientProtocol = .rtmp) async throws(Refusal) -> LiveStream {
        try await coordinator.play(PlayRequest(stream: id, protocol: kind, remoteAddress: nil, token: nil))
    }

    func confirmLease() async {
        let answer = HeartbeatAnswer(state: .alive, lost: [], directives: [], revision: 1)
        await coordinator.heartbeatAnswered(answer, sentAt: time.now, leaseSeconds: 10)
    }

    func until(_ condition: @Sendable () -> Bool) async {
        while !condition(), !Task.isCancelled { await Task.yield() }
    }
}

/// Notes what it is to derive, and does so until it is told the end.
final class FakeDeriver: StreamDeriver {
    struct Derived: Hashable {
        var stream: StreamID
        var derivation: StreamID.Derivation
        var source: StreamID
    }

    private let begun = AsyncStream<Derived>.makeStream()
    private let ends = AsyncStream<DerivedEnd>.makeStream()

    func derive(_ stream: LiveStream, _ derivation: StreamID.Derivation, of source: LiveStream) async -> DerivedEnd {
        begun.continuation.yield(Derived(stream: stream.id, derivation: derivation, source: source.id))
        for await end in ends.stream { return end }
        return .stopped
    }

    var figures: DeriverFigures { DeriverFigures() }

    /// The next one that it was asked for.
    func next() async -> Derived? {
        for await derived in begun.stream { return derived }
        return nil
    }

    func end(_ end: DerivedEnd) { ends.continuation.yield(end) }
}
