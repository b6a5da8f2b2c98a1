import ClusterModel
import MediaModel
import NIOCore
import RelayService
import Streams
import Synchronization
import Testing
import Timebase
import Worker

@Suite(.timeLimit(.minutes(1))) struct DrainTests {
    private let node: TestNode

    init() throws { node = try TestNode() }

    private func drain(_ seconds: Int, hasReplacement: Bool) async {
        let directive = Directive(type: .drain, deadline: seconds, hasReplacement: hasReplacement)
        await node.coordinator.follow([directive], .draining)
    }

    /// What a publisher's connection was asked and told.
    private final class Connection: Sendable {
        let asked = Mutex<[Publication.Request]>([])
        let isRevoked = Mutex(false)

        init(_ publication: Publication) {
            publication.whenAsked { [self] request in asked.withLock { $0.append(request) } }
            publication.whenRevoked { [self] _ in isRevoked.withLock { $0 = true } }
        }

        var requests: [Publication.Request] { asked.withLock { $0 } }
    }

    @Test func `Publishers are asked to move once there is a node for them, and closed at a keyframe at the deadline`()
        async throws
    {
        let connection = Connection(try await node.publish())
        await drain(60, hasReplacement: false)
        #expect(connection.requests.isEmpty)
        await drain(60, hasReplacement: true)
        await drain(60, hasReplacement: true)
        #expect(connection.requests == [.move])
        await node.time.whenSleeping(.seconds(60))
        node.time.advance(.seconds(60))
        await node.until { connection.requests == [.move, .leaveAtKeyframe] }
        #expect(!connection.isRevoked.withLock { $0 })
        await node.time.whenSleeping(.seconds(10))
        node.time.advance(.seconds(10))
        await node.until { connection.isRevoked.withLock { $0 } }
        await node.until { node.control.state.withLock { $0.releases } == [.draining] }
    }

    @Test func `Without a replacement a publisher stays past the deadline until there is one`() async throws {
        let connection = Connection(try await node.publish())
        await drain(5, hasReplacement: false)
        await node.time.whenSleeping(.seconds(5))
        node.time.advance(.seconds(5))
        await drain(0, hasReplacement: false)
        #expect(connection.requests.isEmpty && !connection.isRevoked.withLock { $0 })
        await drain(0, hasReplacement: true)
        #expect(connection.requests == [.move, .leaveAtKeyframe])
    }

    @Test func `A publisher that moves leaves the stream to its next owner, from whom viewers here are fed`()
        async throws
    {
        let publication = try await node.publish()
        let stream = publication.stream
        try await node.loop.submit { _ = stream.subscribe(Viewers()) }.get()
        await drain(60, hasReplacement: true)
        node.control.state.withLock { $0.route = FakeControlPlane.route(epoch: 5) }
        publication.toldToMove()
        publication.end(isClean: true)
        await node.until { node.puller.pulled.withLock { $0.count } == 1 }
        #expect(node.control.state.withLock { $0.releases } == [.draining])
        #expect(node.registry[node.id] === stream)
    }

    @Test func `A goodbye of a publisher that cannot be told to move is the stream's end also while draining`()
        async throws
    {
        let publication = try await node.publish()
        await drain(60, hasReplacement: true)
        publication.end(isClean: true)
        await node.until { node.control.state.withLock { $0.releases } == [.unpublished] }
    }

    @Test func `At the deadline viewers of pulled streams are closed`() async throws {
        node.control.state.withLock { $0.route = FakeControlPlane.route(epoch: 1) }
        _ = try await node.play()
        await drain(30, hasReplacement: false)
        #expect(node.registry[node.id] != nil)
        await node.time.whenSleeping(.seconds(30))
        node.time.advance(.seconds(30))
        await node.until { node.registry[node.id] == nil }
    }

    @Test func `Silence about the drain ends it, but not in an answer from before it, nor a process's own`()
        async throws
    {
        let silent = HeartbeatAnswer(state: .alive, lost: [], directives: [], revision: 1)
        let before = node.time.now
        node.time.advance(.seconds(1))
        await drain(60, hasReplacement: false)
        await node.coordinator.heartbeatAnswered(silent, sentAt: before, leaseSeconds: 20)
        #expect(node.coordinator.isDraining)
        node.time.advance(.seconds(1))
        await node.coordinator.heartbeatAnswered(silent, sentAt: node.time.now, leaseSeconds: 20)
        #expect(!node.coordinator.isDraining)
        _ = try await node.publish()
        await node.coordinator.beginDrain(within: .seconds(30), isFinal: true)
        node.time.advance(.seconds(1))
        await node.coordinator.heartbeatAnswered(silent, sentAt: node.time.now, leaseSeconds: 20)
        #expect(node.coordinator.isDraining)
    }

    @Test func `A publisher that comes back while its stream is given up keeps what it sends then`() async throws {
        let first = try await node.publish()
        await drain(60, hasReplacement: false)
        node.control.state.withLock { $0.holdsReleases = true }
        first.end(isClean: false)
        await node.until { node.control.state.withLock { $0.releases } == [.draining] }
        await node.coordinator.endDrain()
        let second = try await node.publish()
        node.control.state.withLock { $0.holdsReleases = false }
        // What follows the release is done once others had many turns.
        for _ in 0..<1000 { await Task.yield() }
        #expect(node.registry[node.id] === second.stream)
        let phase = try await second.stream.loop.submit { second.stream.phase }.get()
        #expect(phase != .ended(.draining))
    }

    @Test func `A parent that drains is left as soon as another is named, and its viewers stay`() async throws {
        node.control.state.withLock { $0.route = FakeControlPlane.route(epoch: 1, parent: "e1") }
        let stream = try await node.play()
        // An owner that drains is answered still: nobody else has the stream.
        await node.coordinator.reroute(from: "e1")
        #expect(node.puller.pulled.withLock { $0.map(\.parent.nodeId) } == ["e1"])
        node.control.state.withLock { $0.route = FakeControlPlane.route(epoch: 1, parent: "o1") }
        await node.coordinator.reroute(from: "e1")
        await node.time.whenSleeping(.zero)
        node.time.advance(.zero)
        await node.until { node.puller.pulled.withLock { $0.map(\.parent.nodeId) } == ["e1", "o1"] }
        // The parent did not fail: nobody is told so.
        #expect(node.control.state.withLock { $0.routes.allSatisfy { $0.failed == nil } })
        #expect(try await node.coordinator.relay(node.id, for: "e9") === stream)
    }
}
