import ClusterModel
import MediaModel
import NIOCore
import RelayService
import Streams
import Synchronization
import Testing
import Timebase
import Worker

@Suite(.timeLimit(.minutes(1))) struct StreamCoordinatorTests {
    let node: TestNode

    init() throws { node = try TestNode() }

    @Test func `An edge names an origin to those who publish over HTTP`() async throws {
        let node = try TestNode(role: .edge)
        let request = PublishRequest(stream: node.id, protocol: .webrtc, remoteAddress: nil, token: nil)
        await #expect(throws: Refusal.notAnOrigin(origin: "http://o1/live/whip/s1")) {
            try await node.coordinator.publish(request, on: node.loop)
        }
        await #expect(throws: Refusal.notAnOrigin(origin: nil)) { try await node.publish() }
    }

    @Test func `A publisher claims the stream once, and a second one is told it is in use`() async throws {
        let publication = try await node.publish()
        #expect(publication.epoch == Epoch(1))
        await #expect(throws: Refusal.inUse(node.id, owner: "n1")) { try await node.publish() }
        #expect(node.control.state.withLock { $0.claims } == 1)
    }

    @Test func `An edge takes no publisher and asks nobody`() async throws {
        let edge = try TestNode(role: .edge)
        await #expect(throws: Refusal.notAnOrigin(origin: nil)) { try await edge.publish() }
        #expect(edge.control.state.withLock { $0.claims } == 0)
    }

    @Test func `A publisher that breaks and returns within the grace keeps its epoch`() async throws {
        let first = try await node.publish()
        first.end(isClean: false)
        await node.time.whenSleeping(.seconds(15))
        await node.confirmLease()
        let second = try await node.publish()
        #expect(second.epoch == first.epoch)
        #expect(second.stream === first.stream)
        node.time.advance(.seconds(60))
        #expect(node.registry[node.id] === first.stream)
        #expect(node.control.state.withLock { $0.releases }.isEmpty)
    }

    @Test func `A publisher that does not return ends the stream after the grace`() async throws {
        try await node.publish().end(isClean: false)
        await node.time.whenSleeping(.seconds(15))
        node.time.advance(.seconds(15))
        await node.until { node.control.state.withLock { $0.releases } == [.publisherLost] }
        #expect(node.registry[node.id] == nil)
    }

    @Test func `A clean goodbye ends the stream at once`() async throws {
        try await node.publish().end(isClean: true)
        await node.until { node.control.state.withLock { $0.releases } == [.unpublished] }
        #expect(node.registry[node.id] == nil)
    }

    @Test func `While the lease is unconfirmed a returning publisher is not taken`() async throws {
        try await node.publish().end(isClean: false)
        await node.time.whenSleeping(.seconds(15))
        await node.confirmLease()
        node.time.advance(.seconds(10))
        await #expect(throws: Refusal.unavailable("this node's lease is unconfirmed")) { try await node.publish() }
    }

    @Test func `Fenced by a newer owner, the publisher goes and viewers are fed from there`() async throws {
        let publication = try await node.publish()
        let stream = publication.stream
        try await node.loop.submit { _ = stream.subscribe(Viewers()) }.get()
        node.control.state.withLock { $0.route = FakeControlPlane.route(epoch: 5) }
        await node.coordinator.fence(node.id, by: Epoch(5))
        await node.until { node.puller.pulled.withLock { $0.count } == 1 }
        #expect(node.registry[node.id] === stream)
        #expect(node.control.state.withLock { $0.routes.first?.haveEpoch } == 1)
        #expect(node.control.state.withLock { $0.releases }.isEmpty)
    }

    @Test func `Fenced without viewers, the stream is over here`() async throws {
        _ = try await node.publish()
        await node.coordinator.fence(node.id, by: Epoch(5))
        #expect(node.registry[node.id] == nil)
        #expect(node.puller.pulled.withLock { $0.isEmpty })
    }

    @Test func `An owner whose stream was ended without a successor is fenced too`() async throws {
        let publication = try await node.publish()
        await node.coordinator.lose(LostHold(app: "live", id: "s1", epoch: publication.epoch.value, by: nil))
        #expect(node.registry[node.id] == nil)
    }

    @Test func `A claim whose answer was lost is made again and given up`() async throws {
        node.control.state.withLock { $0.answersToLose = 1 }
        await #expect(throws: Refusal.self) { try await node.publish() }
        await node.time.whenSleeping(.seconds(1))
        node.time.advance(.seconds(1))
        await node.until { node.control.state.withLock { $0.releases } == [.draining] }
    }

    @Test func `Who has a stream that has just finished is known until the control plane is asked anew`() async throws {
        node.control.state.withLock { $0.lastOwner = NodeAddresses(host: "o9") }
        let request = PlayRequest(stream: node.id, protocol: .hls, remoteAddress: nil, token: nil)
        await #expect(throws: Refusal.unknownStream(node.id)) { try await node.coordinator.play(request) }
        #expect(await node.coordinator.lastOwner(of: node.id)?.host == "o9")
        // Without a question of its own while the answer is fresh.
        await #expect(throws: Refusal.unknownStream(node.id)) { try await node.coordinator.play(request) }
        #expect(node.control.state.withLock { $0.routes.count } == 1)
        #expect(await node.coordinator.lastOwner(of: node.id)?.host == "o9")
        node.time.advance(.seconds(3))
        #expect(await node.coordinator.lastOwner(of: node.id) == nil)
        node.control.state.withLock { $0.lastOwner = nil }
        await #expect(throws: Refusal.unknownStream(node.id)) { try await node.coordinator.play(request) }
        #expect(await node.coordinator.lastOwner(of: node.id) == nil)
    }

    @Test func `An older epoch fences nobody`() async throws {
        _ = try await node.publish()
        await node.coordinator.fence(node.id, by: Epoch(1))
        #expect(node.registry[node.id] != nil)
    }

    @Test func `An unknown stream is asked for once in two seconds, however many want it`() async throws {
        for _ in 0..<3 {
            await #expect(throws: Refusal.unknownStream(node.id)) { try await node.play() }
        }
        #expect(node.control.state.withLock { $0.routes.count } == 1)
        node.time.advance(.seconds(2))
        await #expect(throws: Refusal.unknownStream(node.id)) { try await node.play() }
        #expect(node.control.state.withLock { $0.routes.count } == 2)
    }

    /// Whoever asks between the two would get a stream that ends under it, and later ones would wait for that for ever.
    @Test(arguments: [PullEnd.ended(.unpublished), .ended(.publisherLost)])
    func `A stream's name is free before its end is told`(end: PullEnd) async throws {
        node.control.state.withLock { $0.route = FakeControlPlane.route(epoch: 1) }
        let witness = Witness { [node] in node.registry[node.id] != nil }
        let stream = try await node.play()
        try await stream.loop.submit { _ = stream.subscribe(witness) }.get()
        node.puller.script.withLock { $0 = [end] }
        node.control.state.withLock { $0.route = FakeControlPlane.route(epoch: 1, parent: "o3") }
        await node.coordinator.reroute()
        await node.time.whenSleeping(.zero)
        node.time.advance(.zero)
        await node.until { witness.nameAtEnd.withLock { !$0.isEmpty } }
        #expect(witness.nameAtEnd.withLock { $0 } == [false])
    }

    @Test func `A pull outlives its last viewer by the linger and no longer`() async throws {
        node.control.state.withLock { $0.route = FakeControlPlane.route(epoch: 1) }
        _ = try await node.play()
        _ = try await node.play()
        #expect(node.puller.pulled.withLock { $0.count } == 1)
        await node.time.whenSleeping(.seconds(10))
        node.time.advance(.seconds(10))
        await node.until { node.registry[node.id] == nil }
    }

    @Test
    func `Players that wait for a publisher's first media are told when it leaves, and the next is not left hanging`()
        async throws
    {
        let publication = try await node.publish()
        let waiting = Task { [node] in try await node.play() }
        await node.time.whenSleeping(.seconds(10))
        publication.end(isClean: true)
        await #expect(throws: Refusal.self) { try await waiting.value }
        await node.until { node.registry[node.id] == nil }
        await #expect(throws: Refusal.unknownStream(node.id)) { try await node.play() }
    }

    @Test func `A draining node takes neither publishers nor new streams, but serves what it has`() async throws {
        node.control.state.withLock { $0.route = FakeControlPlane.route(epoch: 1) }
        let stream = try await node.play()
        await node.coordinator.beginDrain(within: .seconds(60))
        await #expect(throws: Refusal.draining) { try await node.publish() }
        await #expect(throws: Refusal.draining) { try await node.play() }
        await #expect(throws: Refusal.draining) { try await node.play(.hls) }
        var next = PlayRequest(stream: node.id, protocol: .hls, remoteAddress: nil, token: nil)
        next.isOfPresentPlayer = true
        #expect(try await node.coordinator.play(next) === stream)
        #expect(try await node.coordinator.relay(node.id, for: "e9") === stream)
        await node.coordinator.closeAll()
        #expect(node.registry[node.id] == nil)
        await #expect(throws: Refusal.draining) { try await node.play() }
    }
}

/// Notes at each end it is told whether the stream's name is still taken.
private final class Witness: StreamSubscriber, Sendable {
    let nameAtEnd = Mutex<[Bool]>([])
    private let isTaken: @Sendable () -> Bool

    init(_ isTaken: @escaping @Sendable () -> Bool) { self.isTaken = isTaken }

    func stream(_ stream: LiveStream, sent items: [StreamItem]) {}

    func stream(_ stream: LiveStream, noticed notice: StreamNotice) {
        if case .ended = notice { nameAtEnd.withLock { $0.append(isTaken()) } }
    }
}
