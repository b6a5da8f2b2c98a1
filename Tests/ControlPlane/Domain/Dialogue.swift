import ClusterModel
import Domain
import Timebase

/// A cluster on a clock the test holds. Its "store" takes every write at once and counts revisions.
struct Dialogue {
    var state: ClusterState
    var now = WallTime(milliseconds: 1_700_000_000_000)
    var random = CountingGenerator()

    init(timing: ClusterTiming = ClusterTiming()) { state = ClusterState(timing: timing) }

    mutating func pass(_ duration: Duration) { now = now + duration }

    /// Makes the decision's write true and gives its answer.
    mutating func settle<Answer>(_ decision: Decision<Answer>) throws -> Answer {
        switch decision {
        case .answer(let answer): return answer
        case .write(let write, let answer):
            try apply(write)
            return answer
        }
    }

    mutating func apply(_ write: RecordWrite) throws {
        guard let body = write.body else {
            state.applyDeletion(of: write.kind, key: write.key, at: now)
            return
        }
        let revision = Revision((write.expected?.value ?? 0) + 1)
        try state.apply(Record(kind: write.kind, key: write.key, revision: revision, body: body))
    }

    // MARK: Nodes

    mutating func register(
        _ id: String,
        boot: String = "boot1",
        role: NodeRole = .hybrid,
        group: String = "region1",
        rtmp: Int? = 1935,
        capacity: NodeCapacity? = nil
    ) throws {
        var addresses = NodeAddresses(host: "\(id).example.org")
        addresses.http = 5080
        addresses.rtmp = rtmp
        addresses.relay = 5000
        let registration = NodeRegistration(
            bootId: boot,
            role: role,
            group: group,
            version: "1",
            addresses: addresses,
            capacity: capacity
        )
        _ = try settle(try state.decideRegister(id, registration, at: now))
        try beat(id, boot: boot)
    }

    /// A heartbeat that the store took.
    mutating func beat(
        _ id: String,
        boot: String = "boot1",
        load: NodeLoad = NodeLoad(),
        holds: [Hold] = [],
        pulls: [Pull] = [],
        streams: [StreamReport] = [],
        full: [String]? = nil,
        closed: Closed? = nil
    ) throws {
        try take(
            Heartbeat(
                bootId: boot,
                load: load,
                holds: holds,
                pulls: pulls,
                streams: streams,
                full: full,
                closed: closed
            ),
            from: id
        )
    }

    mutating func take(_ heartbeat: Heartbeat, from id: String) throws {
        let renewal = try state.renewal(for: id, heartbeat)
        let lease = Lease(
            nodeID: id,
            bootID: heartbeat.bootId,
            bootNumber: renewal.bootNumber,
            validUntil: now + state.timing.leaseDuration,
            report: renewal.report
        )
        state.apply(lease, ClusterState.report(of: lease))
    }

    mutating func set(group: String, _ settings: GroupSettings) throws {
        _ = try settle(try state.decidePut(group: group, settings, ifMatch: .any))
    }

    mutating func assign(_ node: String, toGroup group: String?) throws {
        _ = try settle(try state.decideAssign(node, toGroup: group))
    }

    // MARK: Streams

    func decideClaim(_ id: String, boot: String = "boot1", claim: String = "claim1") throws -> Decision<ClaimAnswer> {
        try state.decideClaim(stream, claimRequest(id, boot: boot, claim: claim), at: now)
    }

    func claimRequest(_ id: String, boot: String = "boot1", claim: String = "claim1", epoch: Int64? = nil)
        -> ClaimRequest
    {
        ClaimRequest(nodeId: id, bootId: boot, claimId: claim, protocol: "rtmp", epoch: epoch)
    }

    @discardableResult
    mutating func claim(_ id: String, boot: String = "boot1", claim: String = "claim1") throws -> ClaimGrant {
        guard case .granted(let grant) = try settle(try decideClaim(id, boot: boot, claim: claim)) else {
            throw Held()
        }
        return grant
    }

    mutating func release(
        _ id: String,
        epoch: Int64,
        _ reason: ReleaseRequest.Reason = .unpublished,
        next: StreamPosition? = nil
    ) throws {
        let request = ReleaseRequest(nodeId: id, bootId: "boot1", epoch: epoch, reason: reason, next: next)
        _ = try settle(try state.decideRelease(stream, request, at: now))
    }

    mutating func route(_ id: String, boot: String = "boot1", failed: [String] = []) throws -> RouteDecision {
        let request = RouteRequest(nodeId: id, bootId: boot, failed: failed)
        state.noteRouteAsked(stream, request, at: now)
        let route = try settle(try state.decideRoute(stream, request, at: now, using: &random))
        state.noteRouteGiven(stream, to: id, route, at: now)
        return route
    }

    mutating func sweep() throws {
        for write in state.sweep(at: now) { try apply(write) }
    }

    func pull(from parent: String, epoch: Int64 = 1) -> Pull {
        Pull(app: stream.app, id: stream.id, epoch: epoch, from: parent)
    }

    /// The owner's, of whether its publisher is there.
    func report(_ epoch: Int64, isBroadcasting: Bool) -> StreamReport {
        StreamReport(
            app: stream.app,
            id: stream.id,
            epoch: epoch,
            viewers: ViewerCounts(),
            isBroadcasting: isBroadcasting
        )
    }

    func hold(_ epoch: Int64, next: StreamPosition? = nil) -> Hold {
        Hold(app: stream.app, id: stream.id, epoch: epoch, next: next)
    }

    var status: StreamStatus? { state.streamResource(stream, at: now)?.status }
    var owner: String? { state.streamResource(stream, at: now)?.originNodeId }
}

struct Held: Error {}

/// The only stream of these dialogues.
let stream: StreamID = {
    do { return try StreamID(app: "live", id: "s1") } catch { preconditionFailure("\(error)") }
}()

/// Chance that is the same on every run.
struct CountingGenerator: RandomNumberGenerator {
    private var state: UInt64 = 0

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return state ^ (state >> 29)
    }
}

func kind(of body: () throws -> Void) -> Problem.Kind? {
    do {
        try body()
        return nil
    } catch {
        return (error as? Problem)?.kind
    }
}
