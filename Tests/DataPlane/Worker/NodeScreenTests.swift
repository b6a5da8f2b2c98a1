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

    @Test(arguments: [AppSettings.SecondPublisher.takeOver, .standBy])
    func `a stream whose app takes second publishers has room for one`(policy: AppSettings.SecondPublisher) async throws
    {
        let node = try TestNode()
        let first = try await node.publish()
        var settings = AppSettings()
        settings.secondPublisher = policy
        await node.coordinator.apply(settings, to: node.id.app)
        #expect(node.coordinator.screen.refusal(toPublish: node.id) == nil)
        first.end(isClean: true)
    }

    @Test func `a full node refuses publishers and players, also of what it has`() async throws {
        let node = try TestNode()
        let publication = try await node.publish()
        _ = node.coordinator.intake.setFull([Admission.Full(resource: .viewers, reason: "2 of 2 viewers")])
        #expect(node.coordinator.screen.refusal(toPlay: node.id) == .overloaded("2 of 2 viewers"))
        publication.end(isClean: true)
    }

    @Test func `a publisher that was lost may come back`() async throws {
        let node = try TestNode()
        try await node.publish().end(isClean: false)
        await node.until { node.coordinator.screen.refusal(toPublish: node.id) == nil }
    }

    @Test func `an edge takes no publisher, and a node that drains nobody`() async throws {
        let edge = try TestNode(role: .edge)
        #expect(edge.coordinator.screen.refusal(toPublish: edge.id) == .notAnOrigin(origin: nil))
        await edge.coordinator.beginDrain(within: .seconds(60))
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
