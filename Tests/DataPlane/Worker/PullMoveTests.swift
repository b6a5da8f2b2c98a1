import ClusterModel
import Streams
import Synchronization
import Testing
import Worker

@Suite(.timeLimit(.minutes(1))) struct PullMoveTests {
    let node: TestNode

    init() throws { node = try TestNode() }

    private func parents() -> [String] { node.puller.pulled.withLock { $0.map(\.parent.nodeId) } }

    @Test func `A pull moves to the parent that is answered now, and its viewers stay on the same stream`() async throws
    {
        node.control.state.withLock { $0.route = FakeControlPlane.route(epoch: 1, parent: "o1") }
        let stream = try await node.play()
        node.control.state.withLock { $0.route = FakeControlPlane.route(epoch: 1, parent: "o2") }
        await node.coordinator.reroute()
        await node.time.whenSleeping(.zero)
        node.time.advance(.zero)
        await node.until { node.puller.pulled.withLock { $0.count } == 2 }
        #expect(parents() == ["o1", "o2"])
        #expect(node.registry[node.id] === stream && stream.isServing)
        // The answer that moved the pull is the one it moves by: nobody is asked twice.
        #expect(node.control.state.withLock { $0.routes.count } == 2)
    }

    @Test func `A pull whose parent stays the same is not touched`() async throws {
        node.control.state.withLock { $0.route = FakeControlPlane.route(epoch: 1, parent: "o1") }
        _ = try await node.play()
        await node.coordinator.reroute()
        #expect(parents() == ["o1"])
        #expect(node.control.state.withLock { $0.routes.count } == 2)
    }

    @Test func `Only pulls from the parent that moved are asked about`() async throws {
        node.control.state.withLock { $0.route = FakeControlPlane.route(epoch: 1, parent: "o1") }
        _ = try await node.play()
        await node.coordinator.reroute(from: "o9")
        #expect(node.control.state.withLock { $0.routes.count } == 1)
        await node.coordinator.reroute(from: "o1")
        #expect(node.control.state.withLock { $0.routes.count } == 2)
    }

    @Test func `Without an answer the pull stays where it is`() async throws {
        node.control.state.withLock { $0.route = FakeControlPlane.route(epoch: 1, parent: "o1") }
        let stream = try await node.play()
        node.control.state.withLock { $0.route = nil }
        await node.coordinator.reroute()
        #expect(parents() == ["o1"])
        #expect(node.registry[node.id] === stream)
    }
}
