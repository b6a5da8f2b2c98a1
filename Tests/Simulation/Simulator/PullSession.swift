import ClusterModel
import MediaModel
import Relay
import RelayService
import Streams
import Timebase
import Worker

import struct NIOCore.ByteBuffer

/// Makes pulls over simulated connections, with the parent's real decision and the child's real stream.
struct SimulatedPuller: StreamPuller {
    let cluster: Cluster
    unowned let process: WorkerProcess

    func pull(_ stream: LiveStream, route: RouteAnswer, ticket: String) async -> PullEnd {
        if cluster.bug == .pullTwice {
            let second = PullSession(cluster, child: process, stream, route, ticket)
            Task { await second.run() }
        }
        return await PullSession(cluster, child: process, stream, route, ticket).run()
    }
}

/// One relay connection: what `RelayPull` and `RelayParentConnection` do around their engines.
final class PullSession: StreamSubscriber, StreamUpstream, @unchecked Sendable {
    private static let connectTimeout = Duration.seconds(2)
    private static let limits = RelayLimits()

    private let cluster: Cluster
    private let child: WorkerProcess
    private let stream: LiveStream
    private let route: RouteAnswer
    private let ticket: String
    private let parent: WorkerProcess?
    private let end: OneAnswer<PullEnd>
    private var up: Line?
    private var down: Line?
    private(set) var hops: [String] = []
    private var isAccepted = false
    private var hasEnded = false
    // The parent's side.
    private var source: LiveStream?
    private var hasStarted = false
    private var isServed = true
    private var childConnection: Int?
    private var parentConnection: Int?
    private var observer: Int?
    private var stalls = 0
    private var isStalled = false
    private var world: World { cluster.world }

    init(_ cluster: Cluster, child: WorkerProcess, _ stream: LiveStream, _ route: RouteAnswer, _ ticket: String) {
        (self.cluster, self.child, self.stream) = (cluster, child, stream)
        (self.route, self.ticket) = (route, ticket)
        parent = cluster.worker(host: route.parent.host)
        end = OneAnswer(in: child, failing: .stopped)
    }

    // MARK: The child

    @discardableResult
    func run() async -> PullEnd {
        connect()
        let reason = await end.value
        leave(reason)
        return reason
    }

    private func connect() {
        guard let parent, !cluster.network.isCut(child.place, parent.place) else {
            world.after(Self.connectTimeout) { [self] in child.deliver { self.end.give(.lost("no connection")) } }
            return
        }
        let (network, world) = (cluster.network, world)
        let up = Line(world, network, from: child.place, to: parent.place, receiver: parent)
        let down = Line(world, network, from: parent.place, to: child.place, receiver: child)
        (self.up, self.down) = (up, down)
        guard !parent.isDead else { return down.send { [end] in end.give(.lost("refused")) } }
        childConnection = child.connect { [self] in self.end.give(.stopped) }
        parentConnection = parent.connect { [self] in
            parentConnection = nil
            stopServing()
            down.send { [end] in end.give(.lost("the connection broke")) }
        }
        observer = network.observe { [unowned self] in linkChanged() }
        var hello = RelayHello(pulling: stream, along: route, child: child.nodeID, ticket: ticket)
        if cluster.bug == .skipEpochCheck { hello.haveEpoch = nil }
        let said = hello
        // A parent that waits for the stream itself says all the time that it lives.
        world.after(Self.limits.decisionTimeout) { [self] in
            if !isAccepted { child.deliver { [end] in end.give(.lost("no answer to the hello")) } }
        }
        up.send { [self] in
            Task { await self.answer(said) }
        }
        linkChanged()
    }

    private func leave(_ reason: PullEnd) {
        guard !hasEnded else { return }
        hasEnded = true
        stream.endPull(from: self)
        if isAccepted { child.pulls[stream.id, default: 0] -= 1 }
        world.trace("\(child.name) ends its pull of \(stream.id) from \(parent?.name ?? "nobody"): \(reason)")
        if let childConnection { child.disconnect(childConnection) }
        if let observer { cluster.network.endObserving(observer) }
        down?.close()
        up?.send { [self] in stopServing() }
    }

    private func accepted(_ accept: RelayAccept) {
        guard !end.isGiven else { return }
        if cluster.bug != .ignoreHops, accept.hops.contains(child.nodeID) { return end.give(.lost("a loop")) }
        hops = accept.hops
        isAccepted = true
        child.pulls[stream.id, default: 0] += 1
        child.hasSeen(accept.epoch.value, of: stream.id)
        world.trace("\(child.name) pulls \(stream.id) of epoch \(accept.epoch.value) from \(accept.hops)")
        stream.beginPull(from: self, epoch: accept.epoch, tracks: accept.tracks)
        if accept.state == .interrupted { stream.interrupt() }
    }

    private func received(_ items: [StreamItem]) {
        if !end.isGiven { stream.receive(items) }
    }

    private func pathChanged(_ above: [String]) {
        guard !end.isGiven, let parent, cluster.bug != .ignoreHops else { return }
        hops = above + [parent.nodeID]
        if hops.contains(child.nodeID) { return end.give(.lost("a loop")) }
        stream.pathChanged(of: self)
    }

    func wantObjects(_ isWanted: Bool) {}
    func wantKeyframe() {}
    func fetch(object name: String, _ answer: @escaping @Sendable (ObjectAnswer) -> Void) { answer(.missing) }
    var chosenTracks: [TrackID] { [] }

    // MARK: Silence

    /// A side that does not hear the other for too long gives the connection up.
    private func linkChanged() {
        guard let parent, !hasEnded else { return }
        let stalls = cluster.network.isCut(child.place, parent.place) || parent.isPaused || child.isPaused
        guard stalls != isStalled else { return }
        isStalled = stalls
        self.stalls += 1
        guard stalls else { return }
        let stall = self.stalls
        world.after(isAccepted ? Self.limits.parentSilenceMax : Self.limits.helloTimeout) { [self] in
            guard isStalled, self.stalls == stall, !child.isPaused else { return }
            child.deliver { [end] in end.give(.lost("silence")) }
        }
        world.after(Self.limits.childSilenceMax) { [self] in
            guard isStalled, self.stalls == stall else { return }
            parent.deliver { [self] in
                stopServing()
                down?.send { [end] in end.give(.lost("the connection broke")) }
            }
        }
    }

    // MARK: The parent

    private func answer(_ hello: RelayHello) async {
        guard let parent else { return }
        do throws(RelayRefusalError) {
            var (source, accept) = try await parent.relay.open(hello)
            if cluster.bug == .ignoreHops { accept.hops = [parent.nodeID] }
            guard isServed, !parent.isDead else { return }
            serve(source, accept)
        } catch {
            let refusal = error.refusal
            down?.send { [end] in end.give(.refused(refusal)) }
        }
    }

    private func serve(_ source: LiveStream, _ accept: RelayAccept) {
        down?.send { [self] in accepted(accept) }
        if let current = source.epoch, current != accept.epoch { return finish(.fenced(current)) }
        self.source = source
        let snapshot = source.subscribe(self)
        send(snapshot.items)
        if case .ended(let reason) = snapshot.phase { finish(reason) }
    }

    private func send(_ items: [StreamItem]) {
        var items = items[...]
        if !hasStarted {
            items = items.drop {
                if case .cut(let mark) = $0 { mark.part != 0 } else { true }
            }
            hasStarted = !items.isEmpty
        }
        let sent = Array(items)
        if !sent.isEmpty { down?.send { [self] in received(sent) } }
    }

    private func finish(_ reason: EndReason) {
        down?.send { [end] in end.give(.ended(reason)) }
        stopServing()
    }

    private func stopServing() {
        isServed = false
        source?.unsubscribe(self)
        source = nil
        if let parentConnection { parent?.disconnect(parentConnection) }
        parentConnection = nil
    }

    func stream(_ stream: LiveStream, sent items: [StreamItem]) { send(items) }

    func stream(_ stream: LiveStream, noticed notice: StreamNotice) {
        switch notice {
        case .ended(let reason): finish(reason)
        case .epochChanged(let newer), .fenced(let newer): finish(.fenced(newer))
        case .outOfReach: finish(.draining)
        case .gap: hasStarted = false
        case .interrupted: down?.send { [self] in if !end.isGiven { self.stream.interrupt() } }
        case .pathChanged(let hops): down?.send { [self] in pathChanged(hops) }
        case .rungsGivenUp(let rungs):
            down?.send { [self] in if !end.isGiven { self.stream.learn(rungsGivenUp: rungs) } }
        case .resumed, .parentChanged: break
        }
    }
}
