import ClusterModel
import MediaModel
import NIOCore
import Streams
import Synchronization
import Testing
import Timebase
import Worker

@Suite(.timeLimit(.minutes(1))) struct SecondPublisherTests {
    private let node: TestNode

    init() throws { node = try TestNode() }

    private func setPolicy(_ policy: AppSettings.SecondPublisher) async {
        var settings = AppSettings()
        settings.secondPublisher = policy
        await node.coordinator.apply(settings, to: node.id.app)
        await node.confirmLease()
    }

    private func isRevoked(_ publication: Publication) -> Bool {
        let isRevoked = Mutex(false)
        publication.whenRevoked { _ in isRevoked.withLock { $0 = true } }
        return isRevoked.withLock { $0 }
    }

    private func send(_ publication: Publication, milliseconds: Int64 = 0, isKeyframe: Bool = true) async throws {
        let unit = AccessUnit(
            track: .video,
            decodeTime: MediaTime(milliseconds: milliseconds),
            isKeyframe: isKeyframe,
            payload: ByteBuffer(bytes: [1])
        )
        let track = Track(id: .video, codec: .h264(configuration: ByteBuffer(bytes: [1]), width: 2, height: 2))
        publication.deliver([.tracks([track]), .unit(unit, frame: nil)])
        try await publication.stream.loop.submit {}.get()
    }

    /// Returns once nobody stands by and the stream expects the publisher's media.
    private func whenPublishing(_ publication: Publication) async {
        while await node.coordinator.report(segmentFetches: { _ in [] }).publishers != 1 { await Task.yield() }
        try? await publication.stream.loop.submit {}.get()
    }

    /// Time in steps, each over when the watch over the publisher has seen it and sleeps again.
    private func pass(milliseconds: Int) async {
        await node.time.whenSleeping(.milliseconds(250))
        for _ in 0..<milliseconds / 250 {
            node.time.advance(.milliseconds(250))
            await node.time.whenSleeping(.milliseconds(250))
        }
    }

    @Test func `With takeOver a second publisher replaces the first, in the same epoch and stream`() async throws {
        let first = try await node.publish()
        await setPolicy(.takeOver)
        let second = try await node.publish()
        #expect(isRevoked(first) && !isRevoked(second))
        #expect(second.epoch == first.epoch && second.stream === first.stream)
        first.end(isClean: true)
        try await send(first)
        #expect(second.stream.receivedBytes == 0)
        try await send(second)
        #expect(second.stream.receivedBytes == 1)
        #expect(node.control.state.withLock { $0.releases }.isEmpty)
    }

    @Test func `A publisher that stands by takes over from one that is silent for three seconds, at a keyframe`()
        async throws
    {
        let first = try await node.publish()
        await setPolicy(.standBy)
        let second = try await node.publish()
        await #expect(throws: Refusal.inUse(node.id, owner: "n1")) { try await node.publish() }
        try await send(first)
        try await send(second)
        #expect(first.stream.receivedBytes == 1, "media of the one that stands by is not the stream's")
        await pass(milliseconds: 2750)
        try await send(first, milliseconds: 2750)
        await pass(milliseconds: 3000)
        #expect(!isRevoked(first))
        node.time.advance(.milliseconds(250))
        await whenPublishing(second)
        #expect(isRevoked(first))
        try await send(second, milliseconds: 6000, isKeyframe: false)
        #expect(second.stream.receivedBytes == 2)
        try await send(second, milliseconds: 6040)
        #expect(second.stream.receivedBytes == 3)
        #expect(node.control.state.withLock { $0.releases }.isEmpty)
    }

    @Test(arguments: [true, false])
    func `When the first publisher leaves, the one that stands by goes on at once`(isClean: Bool) async throws {
        let first = try await node.publish()
        await setPolicy(.standBy)
        try await send(first)
        let second = try await node.publish()
        first.end(isClean: isClean)
        await whenPublishing(second)
        try await send(second)
        #expect(second.stream.receivedBytes == 2)
        #expect(node.control.state.withLock { $0.releases }.isEmpty)
        second.end(isClean: true)
        await node.until { node.control.state.withLock { $0.releases } == [.unpublished] }
    }

    @Test func `One that stood by and left makes room for another, and all end with the stream`() async throws {
        let first = try await node.publish()
        await setPolicy(.standBy)
        try await send(first)
        let second = try await node.publish()
        second.end(isClean: false)
        await whenPublishing(first)
        let third = try await node.publish()
        await node.coordinator.fence(node.id, by: Epoch(9))
        #expect(isRevoked(first) && !isRevoked(second) && isRevoked(third))
    }
}
