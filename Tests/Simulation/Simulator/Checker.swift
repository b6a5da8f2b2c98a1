import ClusterModel
import Coordination
import Domain
import MediaModel
import MemoryStore
import Streams
import Timebase

/// Looks at the whole cluster after every step. Keeps the first thing that is wrong.
final class Checker: @unchecked Sendable {
    private struct Owner: Hashable {
        var node: String
        var boot: String
        var claim: String
    }

    /// From a viewer's node to the stream's owner, with whatever lies between.
    private struct Path: Equatable {
        var node: String
        var owner: String
    }

    private unowned let cluster: Cluster
    private(set) var violation: String?
    /// Since when nothing is broken; nil while something is.
    var wholeSince: Int64?
    /// The one link that is cut in an otherwise whole network.
    var cutPeers: (Network.Place, Network.Place)?
    var viewersChangedAt: [StreamID: Int64] = [:]
    private var owners: [StreamID: [Int64: Owner]] = [:]
    private var newestEpoch: [StreamID: Int64] = [:]
    /// When the newest epoch began.
    private var epochSince: [StreamID: Int64] = [:]
    /// When the owner began to own by its own knowledge: the grant's answer may have taken long.
    private var ownedSince: [StreamID: (epoch: Int64, at: Int64)] = [:]
    /// By viewer, since when nothing is wrong with what it needs: its node, the owner, the control planes and the store.
    private var untouchedSince: [Int: (by: Path, at: Int64)] = [:]
    private var world: World { cluster.world }

    init(cluster: Cluster) { self.cluster = cluster }

    func violated(_ what: String) {
        guard violation == nil else { return }
        violation = what
        world.trace("VIOLATION: \(what)")
    }

    // MARK: The store's history

    /// One owner an epoch, and epochs only grow.
    func storeChanged(_ change: StoreChange) {
        guard case .written(let record) = change, record.kind == .stream else { return }
        guard let body = try? RecordCoding.decode(StreamRecord.self, from: record.body, key: record.key),
            let stream = try? StreamID(app: body.app, id: body.id)
        else { return violated("the store holds '\(record.key)', which cannot be read") }
        let newest = newestEpoch[stream] ?? 0
        if body.epoch < newest { violated("\(stream) went back from epoch \(newest) to \(body.epoch) in the store") }
        if body.epoch > newest { epochSince[stream] = world.now }
        newestEpoch[stream] = max(newest, body.epoch)
        guard let owner = body.owner.map({ Owner(node: $0.nodeId, boot: $0.bootId, claim: $0.claimId) }) else { return }
        if let former = owners[stream]?[body.epoch], former != owner {
            violated("epoch \(body.epoch) of \(stream) has two owners: \(former.boot) and \(owner.boot)")
        }
        owners[stream, default: [:]][body.epoch] = owner
    }

    // MARK: After every step

    func look() {
        let isSettled = wholeSince.map { world.now > $0 + Self.oneOwnerWithin.nanoseconds } ?? false
        for worker in cluster.workers { look(at: worker, isSettled) }
        for worker in cluster.zombies { look(at: worker, isSettled) }
        lookForGrowth()
        for stream in cluster.streams { noteOwner(of: stream) }
        guard let wholeSince else { return lookAtUntouchedViewers() }
        untouchedSince = [:]
        lookAtViewers(since: wholeSince)
        lookAtPublishers(since: wholeSince)
    }

    private func look(at worker: WorkerProcess, _ isSettled: Bool) {
        guard !worker.isDead else { return }
        if worker.waitCount > 200 { violated("\(worker.name) waits for \(worker.waitCount) things") }
        for (stream, count) in worker.pulls where count > 1 {
            violated("\(worker.name) pulls \(stream) \(count) times")
        }
        let streams = worker.registry.all
        if streams.count > Cluster.streamCount { violated("\(worker.name) has more streams than there are") }
        // A stopped process can neither hear nor obey.
        guard !worker.isPaused else { return }
        for stream in streams where stream.nextResumePoint != nil {
            guard let epoch = stream.epoch?.value else { continue }
            if case .ended = stream.phase { continue }
            if let seen = worker.seen[stream.id], seen > epoch {
                violated("\(worker.name) still owns \(stream.id) with epoch \(epoch), and has seen \(seen)")
            }
            let owner = owners[stream.id]?[epoch]
            if owner?.boot != worker.bootID {
                violated("\(worker.name) owns \(stream.id) with epoch \(epoch) of \(owner?.boot ?? "nobody")")
            }
            let toldSince = (epochSince[stream.id] ?? 0) + Self.toldWithin.nanoseconds
            if isSettled, let newest = newestEpoch[stream.id], epoch < newest, world.now > toldSince {
                violated("\(worker.name) has not heard that \(stream.id) is another's: \(epoch), now \(newest)")
            }
        }
    }

    private func lookForGrowth() {
        if world.pending > 3000 { violated("\(world.pending) events are waiting") }
        for control in cluster.controls where control.waitCount > 1000 {
            violated("\(control.name) waits for \(control.waitCount) things")
        }
    }

    // MARK: While the network is whole

    static let mediaWithin = Duration.seconds(5)
    /// A silent parent takes 3 s to notice, and each one out of reach 2 s more.
    static let mediaAroundCutWithin = Duration.seconds(12)
    /// Of parents between, one after the other may be lost.
    static let mediaInTroubleWithin = Duration.seconds(15)
    static let publishWithin = Duration.seconds(30)
    static let oneOwnerWithin = Duration.seconds(12)
    /// An owner whose publisher came back elsewhere, by the watch.
    static let toldWithin = Duration.seconds(1)
    static let countsWithin = Duration.seconds(16)

    /// Since when the stream has its one owner with a publisher that sends; nil when it has not.
    private func liveSince(_ stream: StreamID) -> Int64? {
        owner(of: stream).map { max($0.acceptedAt, epochSince[stream] ?? 0, ownedSince[stream]?.at ?? 0) }
    }

    private func noteOwner(of stream: StreamID) {
        guard let epoch = owner(of: stream)?.publication?.epoch.value else { return ownedSince[stream] = nil }
        if ownedSince[stream]?.epoch != epoch { ownedSince[stream] = (epoch, world.now) }
    }

    /// The publisher that is the stream's, and not one that stands by.
    private func owner(of stream: StreamID) -> SimulatedPublisher? {
        cluster.publishers.first {
            guard $0.stream == stream, let publication = $0.publication, let worker = $0.worker else { return false }
            return worker.isRunning && cluster.workers[worker.index] === worker
                && publication.epoch.value == newestEpoch[stream]
                && worker.registry[stream].map { $0 === publication.stream } ?? false
        }
    }

    private func lookAtViewers(since wholeSince: Int64) {
        for viewer in cluster.viewers where viewer.isWanted {
            guard let liveSince = liveSince(viewer.stream) else { continue }
            let within = cutPeers == nil ? Self.mediaWithin : Self.mediaAroundCutWithin
            let due = max(wholeSince, liveSince, viewer.wantedSince, viewer.lastMediaAt) + within.nanoseconds
            if world.now > due { violated("\(viewer.description) gets no media") }
        }
    }

    /// Troubles of others are no excuse.
    private func lookAtUntouchedViewers() {
        let isServed =
            !cluster.network.isLossy && !cluster.store.isAway && cluster.network.isWhole(at: .store)
            && cluster.controls.allSatisfy { $0.isRunning && $0.coordinator.phase == .answering }
        for viewer in cluster.viewers {
            guard isServed, viewer.isWanted, let path = untouchedPath(of: viewer), let live = liveSince(viewer.stream)
            else {
                untouchedSince[viewer.number] = nil
                continue
            }
            if untouchedSince[viewer.number]?.by != path { untouchedSince[viewer.number] = (path, world.now) }
            let since = untouchedSince[viewer.number]?.at ?? world.now
            let due = max(since, live, viewer.wantedSince, viewer.lastMediaAt) + Self.mediaInTroubleWithin.nanoseconds
            if world.now > due { violated("\(viewer.description) gets no media in others' trouble") }
        }
    }

    private func untouchedPath(of viewer: SimulatedViewer) -> Path? {
        guard let node = viewer.worker, let owner = owner(of: viewer.stream)?.worker, node.isRunning,
            [node, owner].allSatisfy({ cluster.network.isWhole(at: $0.place) })
        else { return nil }
        return Path(node: node.name, owner: owner.name)
    }

    private func lookAtPublishers(since wholeSince: Int64) {
        for publisher in cluster.publishers where publisher.isWanted && publisher.publication == nil {
            let due = max(wholeSince, publisher.wantedSince) + Self.publishWithin.nanoseconds
            if world.now > due { violated("nobody takes the publisher of \(publisher.stream)") }
        }
    }

    /// What the control planes say of viewers, once every heartbeat had time to come.
    func lookAtCounts() {
        guard let wholeSince else { return }
        for stream in cluster.streams {
            let since = max(wholeSince, viewersChangedAt[stream] ?? 0, liveSince(stream) ?? .max)
            guard since < .max, world.now > since + Self.countsWithin.nanoseconds else { continue }
            let watching = cluster.viewers.count { $0.stream == stream && $0.isWatching }
            for control in cluster.controls where control.isRunning && control.coordinator.phase == .answering {
                let told = control.coordinator.read { state, now in
                    state.streamResource(stream, at: now)?.viewers.total ?? -1
                }
                if told != watching {
                    violated("\(control.name) counts \(told) viewers of \(stream), and there are \(watching)")
                }
            }
        }
    }

    // MARK: At the end

    /// Every client has left long ago: nothing of any stream may be left.
    func lookAtTheEnd() async {
        for worker in cluster.running {
            for stream in worker.registry.all { violated("\(worker.name) still has \(stream.id): \(stream.phase)") }
        }
        let left = (try? await cluster.store.memory.list(.stream, after: nil, limit: 1000)) ?? []
        for record in left { violated("the store still has \(String(decoding: record.body, as: UTF8.self))") }
        for control in cluster.controls {
            let streams = control.coordinator.read { state, _ in state.streams.keys.sorted() }
            for stream in streams { violated("\(control.name) still knows \(stream)") }
            let watchers = control.coordinator.hub.watchers
            if watchers > cluster.running.count { violated("\(control.name) has \(watchers) watchers") }
        }
    }
}
