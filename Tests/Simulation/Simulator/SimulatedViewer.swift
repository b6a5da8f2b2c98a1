import ClusterModel
import MediaModel
import Streams
import Timebase
import Worker

/// A player that wants one stream and comes back whenever it is cut off.
final class SimulatedViewer: StreamSubscriber, @unchecked Sendable {
    /// A server that answers nothing for this long is left.
    private static let patience = Duration.seconds(10)

    let number: Int
    let stream: StreamID
    private let cluster: Cluster
    private(set) var isWanted = false
    private(set) var wantedSince: Int64 = 0
    private(set) var lastMediaAt: Int64 = 0
    private(set) var worker: WorkerProcess?
    private var source: LiveStream?
    private var lastEpoch: Epoch?
    private var connection: Int?
    /// Which try this is; answers to older ones do not count.
    private var attempt = 0
    private var world: World { cluster.world }

    init(_ number: Int, stream: StreamID, cluster: Cluster) {
        (self.number, self.stream, self.cluster) = (number, stream, cluster)
    }

    var isWatching: Bool { source != nil }
    var description: String { "viewer \(number) of \(stream) on \(worker?.name ?? "no node")" }

    func arrive() {
        guard !isWanted else { return }
        isWanted = true
        wantedSince = world.now
        ask()
    }

    func depart() {
        guard isWanted else { return }
        isWanted = false
        leave()
    }

    // MARK: Asking

    private func ask() {
        guard isWanted, source == nil else { return }
        attempt += 1
        let (turn, request) = (attempt, PlayRequest(stream: stream, protocol: .rtmp, remoteAddress: nil, token: nil))
        guard let worker = cluster.pickWorker(where: { $0.registration.role.takesPlayers }) else { return askLater() }
        self.worker = worker
        connection = worker.connect { [self] in cutOff(turn) }
        world.after(Self.patience) { [self] in
            if attempt == turn, source == nil { cutOff(turn) }
        }
        Task {
            do throws(Refusal) {
                let source = try await worker.coordinator.play(request)
                join(source, on: worker, turn)
            } catch {
                cutOff(turn)
            }
        }
    }

    private func askLater() {
        attempt += 1
        let turn = attempt
        world.after(world.duration(200...700)) { [self] in
            if attempt == turn { ask() }
        }
    }

    private func join(_ source: LiveStream, on worker: WorkerProcess, _ turn: Int) {
        guard attempt == turn, isWanted, !worker.isDead else { return }
        if case .ended = source.phase { return cutOff(turn) }
        (self.source, lastEpoch) = (source, nil)
        source.countViewers(1, of: .rtmp)
        cluster.viewerCountChanged(of: stream)
        let snapshot = source.subscribe(self)
        // What is cached may be of an owner that is gone by now.
        if !snapshot.items.isEmpty { lastMediaAt = world.now }
        world.trace("viewer \(number) joins \(stream) on \(worker.name)")
        mindPause(of: worker, turn)
    }

    /// A server that stands still is left after a while; it hears of that once it goes on.
    private func mindPause(of worker: WorkerProcess, _ turn: Int) {
        world.after(Self.patience) { [self] in
            guard attempt == turn, source != nil else { return }
            let isMute = world.now - lastMediaAt > Self.patience.nanoseconds
            if worker.isPaused, isMute { cutOff(turn) } else { mindPause(of: worker, turn) }
        }
    }

    private func cutOff(_ turn: Int) {
        guard attempt == turn else { return }
        leave()
        if isWanted { askLater() }
    }

    private func leave() {
        attempt += 1
        if let connection { worker?.disconnect(connection) }
        connection = nil
        guard let worker, let source else { return }
        self.source = nil
        worker.deliver { [self] in
            source.unsubscribe(self)
            if cluster.bug != .countForEver { source.countViewers(-1, of: .rtmp) }
            cluster.viewerCountChanged(of: stream)
        }
        if worker.isDead { cluster.viewerCountChanged(of: stream) }
    }

    // MARK: Watching

    func stream(_ stream: LiveStream, sent items: [StreamItem]) {
        if stream === source { received(from: stream) }
    }

    func stream(_ stream: LiveStream, noticed notice: StreamNotice) {
        guard stream === source, case .ended = notice else { return }
        let turn = attempt
        // Outside the stream's own loop over its subscribers.
        world.after(.zero) { [self] in cutOff(turn) }
    }

    private func received(from source: LiveStream) {
        lastMediaAt = world.now
        guard let epoch = source.epoch, let worker else { return }
        if let lastEpoch, epoch < lastEpoch {
            cluster.checker.violated("\(description) went back from epoch \(lastEpoch.value) to \(epoch.value)")
        }
        lastEpoch = epoch
        if let seen = worker.seen[stream], epoch.value < seen {
            cluster.checker.violated("\(description) gets epoch \(epoch.value) from a node that has seen \(seen)")
        }
    }
}
