import ClusterModel
import Coordination
import Timebase

/// One watch connection from a worker to a control plane.
final class WatchSession: @unchecked Sendable {
    private static let silenceMax = Duration.seconds(15)

    private let cluster: Cluster
    private let worker: WorkerProcess
    private let control: ControlPlaneProcess
    private let up: Line
    private let down: Line
    private let items: AsyncStream<WatchItem>
    private let feed: AsyncStream<WatchItem>.Continuation
    private var lastHeard: Int64
    private var isOver = false
    private var watch: Watch?
    private var connection: Int?
    private var controlEnd: Int?
    private var world: World { cluster.world }

    init(cluster: Cluster, worker: WorkerProcess, control index: Int) {
        self.cluster = cluster
        self.worker = worker
        control = cluster.controls[index]
        let (network, world) = (cluster.network, cluster.world)
        up = Line(world, network, from: worker.place, to: .control(index), receiver: control)
        down = Line(world, network, from: .control(index), to: worker.place, receiver: worker)
        (items, feed) = AsyncStream.makeStream(of: WatchItem.self)
        lastHeard = world.now
    }

    /// Handles what comes until the connection ends; `since` moves with it.
    func follow(_ since: inout Int64?) async {
        connection = worker.connect { [self] in end() }
        controlEnd = control.whenKilled { [self] in down.send { [self] in end() } }
        let (nodeID, boot, from) = (worker.nodeID, worker.bootID, since)
        up.send { [self] in open(nodeID, boot, from) }
        if control.isDead { down.send { [self] in end() } }
        watchSilence()
        await withTaskCancellationHandler {
            for await item in items {
                since = item.revision
                await worker.handle(item.event)
            }
        } onCancel: {
            end()
        }
    }

    private func watchSilence() {
        world.after(Self.silenceMax) { [self] in
            guard !isOver else { return }
            worker.deliver { [self] in
                if world.now - lastHeard >= Self.silenceMax.nanoseconds { end() } else { watchSilence() }
            }
        }
    }

    /// At the control plane.
    private func open(_ nodeID: String, _ boot: String, _ since: Int64?) {
        guard !isOver, let watch = try? control.coordinator.watch(since: since, nodeID: nodeID, boot: boot) else {
            return down.send { [self] in end() }
        }
        self.watch = watch
        Task {
            for item in watch.opening { push(item) }
            for await item in watch.items { push(item) }
            closeWatch()
            down.send { [self] in end() }
        }
    }

    private func push(_ item: WatchItem) {
        down.send { [self] in
            lastHeard = world.now
            if !isOver { feed.yield(item) }
        }
    }

    private func closeWatch() {
        let open = watch
        watch = nil
        open?.close()
    }

    /// At the worker: the connection is over, and the control plane will hear of it if it can.
    private func end() {
        guard !isOver else { return }
        isOver = true
        feed.finish()
        if let connection { worker.disconnect(connection) }
        if let controlEnd { control.forget(controlEnd) }
        down.close()
        up.send { [self] in closeWatch() }
    }
}
