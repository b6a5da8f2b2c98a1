import ClusterModel
import MediaModel
import NIOCore
import Streams
import Synchronization
import Testing
import Timebase
import Worker

/// A publisher that stands by on one node while another node owns the stream, seen from each of the two.
@Suite(.timeLimit(.minutes(1))) struct StandByTests {
    private let node: TestNode

    init() throws { node = try TestNode() }

    private func setOwner(_ owner: String?) { node.control.state.withLock { $0.owner = owner } }

    private func change(owner: String?, standby: String? = nil, epoch: Int64 = 1) -> WatchEvent.StreamChange {
        WatchEvent.StreamChange(
            app: node.id.app,
            id: node.id.id,
            epoch: epoch,
            status: .broadcasting,
            originNodeId: owner,
            standbyNodeId: standby
        )
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

    private func isRevoked(_ publication: Publication) -> Bool {
        let isRevoked = Mutex(false)
        publication.whenRevoked { _ in isRevoked.withLock { $0 = true } }
        return isRevoked.withLock { $0 }
    }

    private var releases: [ReleaseRequest.Reason] { node.control.state.withLock { $0.releases } }

    private func holds() async -> Int { await node.coordinator.report { _ in [] }.holds.count }

    private func whenHeld() async {
        while await holds() != 1 { await Task.yield() }
    }

    // MARK: The node that waits

    @Test func `One that stands by is not the stream here, until the owner is gone`() async throws {
        setOwner("o1")
        let waiting = try await node.publish()
        try await send(waiting)
        #expect(await holds() == 0 && node.registry[node.id] == nil)
        #expect(await node.coordinator.report { _ in [] }.publishers == 1)
        await #expect(throws: Refusal.inUse(node.id, owner: "n1")) { try await node.publish() }
        setOwner(nil)
        await node.coordinator.streamChanged(change(owner: nil))
        await whenHeld()
        let stream = try #require(node.registry[node.id])
        #expect(waiting.stream === stream && waiting.epoch == stream.epoch && !isRevoked(waiting))
        try await send(waiting, milliseconds: 40, isKeyframe: false)
        #expect(stream.receivedBytes == 0)
        try await send(waiting, milliseconds: 80)
        #expect(stream.receivedBytes == 1)
        waiting.end(isClean: true)
        await node.until { releases == [.unpublished] }
    }

    @Test func `Viewers of the owner's stream stay with the stream that takes its place`() async throws {
        setOwner("o1")
        node.control.state.withLock { $0.route = FakeControlPlane.route(epoch: 1, parent: "o1") }
        let stream = try await node.play()
        let waiting = try await node.publish()
        #expect(waiting.stream !== stream)
        setOwner(nil)
        await node.coordinator.streamChanged(change(owner: nil))
        await whenHeld()
        #expect(waiting.stream === stream && node.registry[node.id] === stream)
        #expect(await node.coordinator.report { _ in [] }.pulls.isEmpty)
    }

    @Test func `Without a word of the control plane the claim is made again after five seconds`() async throws {
        setOwner("o1")
        _ = try await node.publish()
        await node.time.whenSleeping(.seconds(5))
        node.time.advance(.seconds(5))
        await node.until { node.control.state.withLock { $0.claims } == 2 }
        await node.time.whenSleeping(.seconds(5))
        setOwner(nil)
        node.time.advance(.seconds(5))
        await whenHeld()
    }

    @Test func `One that leaves takes its claim back`() async throws {
        setOwner("o1")
        let waiting = try await node.publish()
        waiting.end(isClean: false)
        await node.time.whenSleeping(.seconds(1))
        node.time.advance(.seconds(1))
        await node.until { node.control.state.withLock { $0.withdrawn } == ["c"] }
        setOwner(nil)
        let next = try await node.publish()
        #expect(await holds() == 1 && !isRevoked(next))
    }

    /// Both can come late and at once, to a process that stood still.
    @Test(arguments: [false, true])
    func `A hold whose loss is told before its grant is none`(standsBy: Bool) async throws {
        if standsBy { setOwner("o1") }
        let lose: @Sendable () async -> Void = { [node] in
            await node.coordinator.lose(LostHold(app: node.id.app, id: node.id.id, epoch: 9, by: "o2"))
        }
        if !standsBy { node.control.state.withLock { $0.beforeAnswer = lose } }
        let publication = try await node.publish()
        if standsBy {
            setOwner(nil)
            node.control.state.withLock { $0.beforeAnswer = lose }
            await node.coordinator.streamChanged(change(owner: nil))
        }
        while !isRevoked(publication) { await Task.yield() }
        #expect(await holds() == 0)
    }

    @Test func `A drain sends one that stands by away at once`() async throws {
        setOwner("o1")
        let waiting = try await node.publish()
        await node.coordinator.beginDrain(within: .seconds(60))
        #expect(isRevoked(waiting))
        #expect(await node.coordinator.report { _ in [] }.publishers == 0)
    }

    // MARK: The node that owns

    /// Time in steps, each over when the watch over the publisher has seen it and sleeps again.
    private func pass(milliseconds: Int) async {
        await node.time.whenSleeping(.milliseconds(250))
        for _ in 0..<milliseconds / 250 {
            node.time.advance(.milliseconds(250))
            await node.time.whenSleeping(.milliseconds(250))
        }
    }

    @Test func `An owner whose publisher is silent for three seconds gives the stream to one that stands by`()
        async throws
    {
        let owner = try await node.publish()
        try await send(owner)
        await node.coordinator.streamChanged(change(owner: "n1", standby: "n2"))
        await pass(milliseconds: 2750)
        try await send(owner, milliseconds: 2750)
        await pass(milliseconds: 2750)
        #expect(!isRevoked(owner) && releases.isEmpty)
        await pass(milliseconds: 250)
        node.time.advance(.milliseconds(250))
        await node.until { releases == [.draining] }
        #expect(isRevoked(owner))
        #expect(await holds() == 0)
    }

    @Test(arguments: [true, false])
    func `An owner whose publisher leaves gives the stream on at once`(isClean: Bool) async throws {
        let owner = try await node.publish()
        try await send(owner)
        await node.coordinator.streamChanged(change(owner: "n1", standby: "n2"))
        owner.end(isClean: isClean)
        await node.until { releases == [.draining] }
    }

    @Test func `Nobody is given a stream when nobody stands by any more`() async throws {
        let owner = try await node.publish()
        try await send(owner)
        await node.coordinator.streamChanged(change(owner: "n1", standby: "n2"))
        await node.time.whenSleeping(.milliseconds(250))
        await node.coordinator.streamChanged(change(owner: "n1"))
        owner.end(isClean: true)
        await node.until { releases == [.unpublished] }
    }
}
