import ClusterModel
import MediaModel
import NIOCore
import Relay
import RelayService
import Streams
import Synchronization
import Testing
import Timebase
import Worker

/// A pull that is lost while viewers watch: another parent is sought for the grace, and the viewers stay.
@Suite(.timeLimit(.minutes(1))) struct RerouteTests {
    let node: TestNode

    init() throws {
        node = try TestNode(role: .edge)
        node.control.state.withLock { $0.route = FakeControlPlane.route(epoch: 1, parent: "o1") }
    }

    /// Plays with one viewer that stays.
    private func watch() async throws -> LiveStream {
        let stream = try await node.play()
        try await stream.loop.submit { _ = stream.subscribe(Viewers()) }.get()
        return stream
    }

    private var pulled: [String] { node.puller.pulled.withLock { $0.map(\.parent.nodeId) } }

    @Test func `A lost parent is named as failed, and another gets the same stream`() async throws {
        node.puller.script.withLock { $0 = [.lost("reset by peer")] }
        let stream = try await watch()
        await node.until { pulled.count == 1 }
        node.control.state.withLock { $0.route = FakeControlPlane.route(epoch: 1, parent: "o2") }
        await node.time.whenSleeping(atMost: .seconds(1))
        node.time.advance(.seconds(1))
        await node.until { pulled == ["o1", "o2"] }
        #expect(node.control.state.withLock { $0.routes.last?.failed } == ["o1"])
        #expect(node.registry[node.id] === stream)
        #expect(stream.isServing)
    }

    @Test func `A node through which alone its children could reach the stream sends them on, and goes on searching`()
        async throws
    {
        node.puller.script.withLock { $0 = [.lost("cut off")] }
        let stream = try await watch()
        let notices = NoticeRecorder()
        try await stream.loop.submit { _ = stream.subscribe(notices) }.get()
        node.control.state.withLock { state in
            state.route = nil
            state.problem = Problem(.outOfReach, status: 503, title: "Out of reach", detail: "")
        }
        await node.until { node.time.isSleeping(atMost: .seconds(1)) }
        node.time.advance(.seconds(1))
        await node.until { notices.all.contains(.outOfReach) }
        node.control.state.withLock { $0.route = FakeControlPlane.route(epoch: 1, parent: "child") }
        await node.until { node.time.isSleeping(atMost: .seconds(1)) }
        node.time.advance(.seconds(1))
        await node.until { pulled == ["o1", "child"] }
        #expect(node.registry[node.id] === stream && stream.isServing)
    }

    @Test func `A node that gets no answer to its question sends its children on`() async throws {
        node.puller.script.withLock { $0 = [.lost("cut off")] }
        let stream = try await watch()
        let notices = NoticeRecorder()
        try await stream.loop.submit { _ = stream.subscribe(notices) }.get()
        node.control.state.withLock { $0.holdsRoutes = true }
        await node.until { node.time.isSleeping(atMost: .seconds(1)) }
        node.time.advance(.seconds(1))
        await node.time.whenSleeping(.seconds(3))
        #expect(!notices.all.contains(.outOfReach))
        node.time.advance(.seconds(3))
        await node.until { notices.all.contains(.outOfReach) }
        node.control.state.withLock { $0.holdsRoutes = false }
        await node.until { pulled.count == 2 }
    }

    @Test func `Nobody found within the grace ends the stream for its viewers, and not a moment earlier`() async throws
    {
        node.puller.script.withLock { $0 = [.lost("reset by peer")] }
        let stream = try await watch()
        await node.until { pulled.count == 1 }
        node.control.state.withLock { $0.route = nil }
        let lostAt = node.time.now
        while node.registry[node.id] != nil {
            await node.until { node.registry[node.id] == nil || node.time.isSleeping(atMost: .seconds(1)) }
            node.time.advance(.seconds(1))
        }
        let searched = node.time.now.nanoseconds - lostAt.nanoseconds
        #expect((15_000_000_000...19_000_000_000).contains(searched))
        await node.until { !stream.isServing }
        await #expect(throws: Refusal.unknownStream(node.id)) { try await node.play() }
    }

    /// How a node hears of a newer owner than the one it pulls from.
    enum News: CaseIterable {
        /// Its own claim gave way.
        case loss
        case change
    }

    @Test(arguments: News.allCases)
    func `A pull ends when this node is told of a newer owner, who may be news to the parent`(news: News) async throws {
        let stream = try await watch()
        await node.until { pulled == ["o1"] }
        try await stream.loop.submit { stream.beginPull(from: NoObjects(), epoch: Epoch(1), tracks: []) }.get()
        switch news {
        case .loss: await node.coordinator.lose(LostHold(app: node.id.app, id: node.id.id, epoch: 5, by: "o2"))
        case .change:
            let change = WatchEvent.StreamChange(
                app: node.id.app,
                id: node.id.id,
                epoch: 5,
                status: .broadcasting,
                originNodeId: "o2",
                standbyNodeId: nil
            )
            await node.coordinator.streamChanged(change)
        }
        // A control plane that is behind names the old owner again.
        await node.time.whenSleeping(.zero)
        node.time.advance(.zero)
        await node.until { node.control.state.withLock { $0.routes.count } > 1 }
        #expect(pulled == ["o1"])
        node.control.state.withLock { $0.route = FakeControlPlane.route(epoch: 5, parent: "o2") }
        await node.time.whenSleeping(atMost: .seconds(1))
        node.time.advance(.seconds(1))
        await node.until { pulled == ["o1", "o2"] }
        #expect(node.registry[node.id] === stream)
    }

    @Test func `Where all others hang below this node, the parent that fed it is asked again`() async throws {
        let loop = PullEnd.refused(RelayRefusal(.loop, "it comes through you"))
        node.puller.feeding.withLock { $0 = ["o1"] }
        node.puller.script.withLock { $0 = [.lost("silence"), loop, loop, loop, loop] }
        let stream = try await watch()
        await node.until { pulled.count == 1 }
        node.control.state.withLock { $0.route = FakeControlPlane.route(epoch: 1, parent: "o2", tier: .peer) }
        for count in 2...6 {
            if count == 3 { node.puller.feeding.withLock { $0 = [] } }
            await node.time.whenSleeping(atMost: .seconds(1))
            node.time.advance(.seconds(1))
            await node.until { pulled.count == count }
        }
        // The second time it takes two to say so: o1 itself, and o2.
        #expect(pulled == ["o1", "o2", "o1", "o2", "o1", "o2"])
        #expect(node.registry[node.id] === stream)
    }

    @Test func `Where all others wait, the owner is asked again, and in turn with it the last good parent`()
        async throws
    {
        let loop = PullEnd.refused(RelayRefusal(.loop, "it comes through you"))
        node.puller.feeding.withLock { $0 = ["p1"] }
        node.puller.script.withLock { $0 = [.lost("cut off"), .lost("silence"), loop, loop, loop, loop] }
        let stream = try await watch()
        await node.until { pulled.count == 1 }
        for (count, parent) in [(2, "p1"), (3, "o2"), (4, "o2"), (5, "o2"), (6, "o2")] {
            if count == 4 { node.puller.feeding.withLock { $0 = [] } }
            node.control.state.withLock { $0.route = FakeControlPlane.route(epoch: 1, parent: parent, tier: .peer) }
            await node.time.whenSleeping(atMost: .seconds(1))
            node.time.advance(.seconds(1))
            await node.until { pulled.count == count }
        }
        #expect(pulled == ["o1", "p1", "o2", "o1", "o2", "p1"])
        #expect(node.registry[node.id] === stream)
    }

    @Test(arguments: [
        (NodeState.alive, "g1", false), (.draining, "g1", true), (.drained, "g1", true), (.alive, "g2", true),
    ])
    func `A reroute that was missed is made up for when the watch is back`(
        state: NodeState,
        group: String,
        moves: Bool
    ) async throws {
        node.control.state.withLock { $0.route?.parent.group = "g1" }
        let stream = try await watch()
        await node.until { pulled == ["o1"] }
        node.control.state.withLock { $0.route = FakeControlPlane.route(epoch: 1, parent: "o2") }
        let parent = WatchEvent.NodeChange(nodeId: "o1", group: group, state: state, directives: [])
        await node.coordinator.reroute(asToldOf: [parent])
        if moves {
            await node.time.whenSleeping(.zero)
            node.time.advance(.zero)
            await node.until { pulled == ["o1", "o2"] }
        }
        #expect(node.control.state.withLock { $0.routes.count } == (moves ? 2 : 1))
        #expect(node.registry[node.id] === stream)
    }

    @Test func `News of the stream ends the pause between two tries`() async throws {
        node.puller.script.withLock { $0 = [.lost("a"), .lost("b")] }
        _ = try await watch()
        await node.time.whenSleeping(atMost: .seconds(1))
        node.control.state.withLock { $0.route = FakeControlPlane.route(epoch: 2) }
        let change = WatchEvent.StreamChange(
            app: node.id.app,
            id: node.id.id,
            epoch: 2,
            status: .broadcasting,
            originNodeId: "o2"
        )
        while pulled.count < 3, !Task.isCancelled {
            await node.coordinator.streamChanged(change)
            await Task.yield()
        }
        #expect(node.time.now == MonotonicInstant(nanoseconds: 0))
    }

    @Test func `Without the control plane the last parent is asked again`() async throws {
        node.puller.script.withLock { $0 = [.lost("reset by peer")] }
        let stream = try await watch()
        await node.until { pulled.count == 1 }
        node.control.state.withLock { $0.isAway = true }
        await node.time.whenSleeping(atMost: .seconds(1))
        node.time.advance(.seconds(1))
        await node.until { pulled == ["o1", "o1"] }
        #expect(node.registry[node.id] === stream)
    }

    @Test func `The end that an owner says is passed on at once`() async throws {
        node.puller.script.withLock { $0 = [.ended(.unpublished)] }
        _ = try? await node.play()
        await node.until { node.registry[node.id] == nil }
        #expect(pulled == ["o1"])
        #expect(node.time.now == MonotonicInstant(nanoseconds: 0))
    }
}

/// A parent that has nothing but media.
private final class NoObjects: StreamUpstream {
    let hops: [String] = []
    let chosenTracks: [TrackID] = []

    func wantObjects(_ isWanted: Bool) {}
    func wantKeyframe() {}
    func fetch(object name: String, _ answer: @escaping @Sendable (ObjectAnswer) -> Void) { answer(.missing) }
}

private final class NoticeRecorder: StreamSubscriber {
    private let notices = Mutex<[StreamNotice]>([])
    var all: [StreamNotice] { notices.withLock { $0 } }
    func stream(_ stream: LiveStream, sent items: [StreamItem]) {}
    func stream(_ stream: LiveStream, noticed notice: StreamNotice) { notices.withLock { $0.append(notice) } }
}
