import ClusterModel
import MediaModel
import Streams
import Testing
import Worker

@Suite(.timeLimit(.minutes(1))) struct NodeScreenTests {
    @Test func `a stream that is published here has no room for a second publisher`() async throws {
        let node = try TestNode()
        let screen = node.coordinator.screen
        #expect(screen.refusal(toPublish: node.id) == nil)
        let publication = try await node.publish()
        #expect(screen.refusal(toPublish: node.id) == .inUse(node.id, owner: "n1"))
        #expect(screen.refusal(toPlay: node.id) == nil)
        publication.end(isClean: true)
        await node.until { screen.refusal(toPublish: node.id) == nil }
    }

    @Test func `a publisher that was lost may come back`() async throws {
        let node = try TestNode()
        try await node.publish().end(isClean: false)
        await node.until { node.coordinator.screen.refusal(toPublish: node.id) == nil }
    }

    @Test func `an edge takes no publisher, and a node that drains nobody`() async throws {
        let edge = try TestNode(role: .edge)
        #expect(edge.coordinator.screen.refusal(toPublish: edge.id) == .notAnOrigin(origin: nil))
        await edge.coordinator.beginDrain()
        #expect(edge.coordinator.screen.refusal(toPlay: edge.id) == .draining)
        await edge.coordinator.endDrain()
        #expect(edge.coordinator.screen.refusal(toPlay: edge.id) == nil)
    }

    @Test func `a stream that nobody had is refused until it can have come`() async throws {
        let node = try TestNode(role: .edge)
        await #expect(throws: Refusal.unknownStream(node.id)) { try await node.play() }
        #expect(node.coordinator.screen.refusal(toPlay: node.id) == .unknownStream(node.id))
        node.time.advance(.seconds(2))
        #expect(node.coordinator.screen.refusal(toPlay: node.id) == nil)
    }
}
