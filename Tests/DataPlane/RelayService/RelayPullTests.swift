import ClusterModel
import MediaModel
import NIOCore
import Relay
import RelayService
import StreamFixtures
import Streams
import Synchronization
import Testing
import Timebase

/// Pulls over loopback sockets: a real listener, a real puller, a hub at each end.
@Suite(.timeLimit(.minutes(2))) struct RelayPullTests {
    @Test func `media arrives from the segment's beginning, unchanged, with its cuts and tracks, and then its end`()
        async throws
    {
        let parent = try await ParentNode()
        let sent = Tap()
        try await parent.onLoop { [stream = parent.stream] in _ = stream.subscribe(sent) }
        try await parent.publish(Media.opening)
        let child = try await ChildNode()
        async let end = child.pull(from: parent)
        _ = await child.tap.entries { $0.contains(unit: "p1") }
        try await parent.publish([Media.picture("k2", at: 80, isKeyframe: true), Media.sound("a2", at: 80)])
        _ = await child.tap.entries { $0.contains(unit: "a2") }
        try await parent.onLoop { [stream = parent.stream] in stream.end(.unpublished) }
        #expect(await end == .ended(.unpublished))
        #expect(child.tap.entries.items == sent.entries.items)
        try await parent.stop()
    }

    @Test func `who needs a keyframe at the child is heard by the publisher at the parent`() async throws {
        let parent = try await ParentNode()
        let publication = Publication(stream: parent.stream, epoch: Epoch(7), wallClock: { ParentNode.wall }) { _, _ in
        }
        let (asked, tell) = AsyncStream.makeStream(of: Void.self)
        publication.whenKeyframeWanted { _ in tell.yield() }
        publication.deliver(Media.opening)
        let child = try await ChildNode()
        async let end = child.pull(from: parent)
        _ = await child.tap.entries { $0.contains(unit: "p1") }
        child.stream.loop.execute { [stream = child.stream] in stream.wantKeyframe() }
        var requests = asked.makeAsyncIterator()
        #expect(await requests.next() != nil)
        try await parent.onLoop { [stream = parent.stream] in stream.end(.unpublished) }
        #expect(await end == .ended(.unpublished))
        try await parent.stop()
    }

    @Test func `a child learns what rungs the owner has given up, before it and meanwhile, and that they are back`()
        async throws
    {
        let parent = try await ParentNode()
        try await parent.onLoop { [stream = parent.stream] in stream.learn(rungsGivenUp: ["720p900kbps"]) }
        try await parent.publish(Media.opening)
        let child = try await ChildNode()
        async let end = child.pull(from: parent)
        for rungs in [["240p300kbps", "720p900kbps"], []] {
            _ = await child.tap.entries { $0.contains(unit: "p1") }
            try await parent.onLoop { [stream = parent.stream] in stream.learn(rungsGivenUp: rungs) }
            _ = await child.tap.entries { $0.last?.isRungsGivenUp(rungs) == true }
        }
        let told = child.tap.entries.filter { if case .notice(.rungsGivenUp) = $0 { true } else { false } }
        #expect(told.count == 3, "each once: \(told)")
        #expect(told.first?.isRungsGivenUp(["720p900kbps"]) == true)
        try await parent.onLoop { [stream = parent.stream] in stream.end(.unpublished) }
        #expect(await end == .ended(.unpublished))
        try await parent.stop()
    }

    @Test(arguments: [EndReason.unpublished, .publisherLost, .draining, .removed])
    func `the child hears why the stream ended`(reason: EndReason) async throws {
        let parent = try await ParentNode()
        try await parent.publish(Media.opening)
        let child = try await ChildNode()
        async let end = child.pull(from: parent)
        _ = await child.tap.entries { $0.contains(unit: "p1") }
        try await parent.onLoop { [stream = parent.stream] in stream.end(reason) }
        #expect(await end == .ended(reason))
        try await parent.stop()
    }

    struct Refused: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var code: RelayRefusal.Code
        var stream = "s1"
        var haveEpoch: Epoch?
        var ticket: @Sendable (ParentNode) -> String = { $0.ticket() }
    }

    @Test(arguments: [
        Refused(testDescription: "no ticket", code: .badTicket) { _ in "" },
        Refused(testDescription: "a ticket of another cluster", code: .badTicket) {
            $0.ticket(key: RelayKey(nodeToken: "other"))
        },
        Refused(testDescription: "a ticket of another child", code: .badTicket) { $0.ticket(for: "e2") },
        Refused(testDescription: "a ticket for another stream", code: .badTicket, stream: "s2"),
        Refused(testDescription: "a ticket that has run out", code: .expiredTicket) {
            $0.ticket(expiresAt: ParentNode.wall + .milliseconds(-1))
        },
        Refused(testDescription: "a child that has seen a newer epoch", code: .olderEpoch, haveEpoch: Epoch(8)),
    ])
    func `a pull that may not be is refused with its reason`(refused: Refused) async throws {
        let parent = try await ParentNode()
        try await parent.publish(Media.opening)
        let stream = LiveStream(id: try StreamID(app: "live", id: refused.stream), loop: parent.stream.loop)
        if let epoch = refused.haveEpoch {
            try await parent.onLoop {
                stream.beginTenure(epoch: epoch, resume: .start, settings: AppSettings(), cutter: KeyframeCutter())
            }
        }
        let end = await RelayPuller(nodeID: "e1")
            .pull(stream, route: parent.route(), ticket: refused.ticket(parent))
        guard case .refused(let refusal) = end else {
            Issue.record("the pull ended so: \(end)")
            return
        }
        #expect(refusal.code == refused.code, "\(refusal.detail)")
        try await parent.stop()
    }

    @Test func `a stream that comes to the parent through the child is not pulled back`() async throws {
        let parent = try await ParentNode()
        try await parent.onLoop { [stream = parent.stream] in
            stream.upstream = PassedThrough(hops: ["o9", "e1"])
            stream.ingest(Media.opening, at: ParentNode.wall)
        }
        let end = await (try ChildNode()).pull(from: parent)
        guard case .refused(let refusal) = end else {
            Issue.record("the pull ended so: \(end)")
            return
        }
        #expect(refusal.code == .loop)
        try await parent.stop()
    }

    @Test func `a child gets the tracks it chose and no others, and every cut`() async throws {
        let parent = try await ParentNode()
        try await parent.publish(Media.opening)
        let child = try await ChildNode()
        async let end = child.pull(from: parent, tracks: [.audio])
        _ = await child.tap.entries { $0.contains(unit: "a0") }
        try await parent.publish([
            Media.picture("k2", at: 80, isKeyframe: true), Media.sound("a2", at: 80),
        ])
        let entries = await child.tap.entries { $0.contains(unit: "a2") }
        #expect(entries.units.map(\.track) == [.audio, .audio])
        #expect(entries.tracks == [[Media.audio]])
        #expect(entries.items.count { if case .cut = $0 { true } else { false } } == 2)
        try await parent.onLoop { [stream = parent.stream] in stream.end(.removed) }
        #expect(await end == .ended(.removed))
        try await parent.stop()
    }

    @Test func `a child that chose only tracks the stream lacks is told so`() async throws {
        let parent = try await ParentNode()
        try await parent.publish(Media.opening)
        let end = await (try ChildNode()).pull(from: parent, tracks: [TrackID(9)])
        guard case .refused(let refusal) = end else {
            Issue.record("the pull ended so: \(end)")
            return
        }
        #expect(refusal.code == .unavailable)
        #expect(refusal.detail.contains("(9)"))
        try await parent.stop()
    }

    @Test func `a node that pulled some tracks gives them on, and sends who wants more to another`() async throws {
        let parent = try await ParentNode()
        try await parent.publish(Media.opening)
        let upstream = PassedThrough(hops: ["o1"], chosenTracks: [.video])
        try await parent.onLoop { [stream = parent.stream] in stream.upstream = upstream }
        for wanted in [[], [.audio], [.video, .audio]] as [[TrackID]] {
            let end = await (try ChildNode()).pull(from: parent, tracks: wanted)
            guard case .refused(let refusal) = end else {
                Issue.record("the pull of \(wanted) ended so: \(end)")
                return
            }
            #expect(refusal.code == .unavailable)
            #expect(refusal.detail.contains("another node"), "\(refusal.detail)")
        }
        let child = try await ChildNode()
        async let end = child.pull(from: parent, tracks: [.video])
        _ = await child.tap.entries { $0.contains(unit: "p1") }
        try await parent.onLoop { [stream = parent.stream] in stream.end(.removed) }
        #expect(await end == .ended(.removed))
        try await parent.stop()
    }

    @Test func `tracks that change while the child waits for its first segment reach it before that`() async throws {
        let parent = try await ParentNode()
        try await parent.publish([.tracks([Media.video])])
        let child = try await ChildNode()
        async let end = child.pull(from: parent)
        _ = await child.tap.entries { !$0.tracks.isEmpty }
        try await parent.publish([.tracks([Media.wider]), Media.picture("k0", at: 0, isKeyframe: true)])
        let entries = await child.tap.entries { $0.contains(unit: "k0") }
        #expect(entries.tracks == [[Media.video], [Media.wider]])
        try await parent.onLoop { [stream = parent.stream] in stream.end(.removed) }
        #expect(await end == .ended(.removed))
        try await parent.stop()
    }

    @Test func `what the parent lacks is a gap at the child, in its place`() async throws {
        let parent = try await ParentNode()
        try await parent.publish(Media.opening)
        let child = try await ChildNode()
        async let end = child.pull(from: parent)
        _ = await child.tap.entries { $0.contains(unit: "p1") }
        try await parent.onLoop { [stream = parent.stream] in
            stream.itemsMissing()
            stream.ingest([Media.picture("k9", at: 360, isKeyframe: true)], at: ParentNode.wall)
        }
        let entries = await child.tap.entries { $0.contains(unit: "k9") }
        let gap = try #require(entries.firstIndex(of: .notice(.gap)))
        #expect([Tap.Entry](entries[..<gap]).units.count == 3)
        #expect([Tap.Entry](entries[gap...]).units.count == 1)
        try await parent.onLoop { [stream = parent.stream] in stream.end(.removed) }
        #expect(await end == .ended(.removed))
        try await parent.stop()
    }

    @Test func `an object of many slices arrives whole while media flows, and one that is not there is missing`()
        async throws
    {
        let parent = try await ParentNode()
        try await parent.publish(Media.opening)
        let shelf = Shelf()
        try await parent.onLoop { [stream = parent.stream] in stream.objects = shelf }
        let child = try await ChildNode()
        async let end = child.pull(from: parent)
        _ = await child.tap.entries { $0.contains(unit: "p1") }
        let stream = child.stream
        async let bytes = fetch("big", of: stream)
        async let missing = fetch("other", of: stream)
        for number in 2..<30 { try await parent.publish([Media.picture("p\(number)", at: Int64(number) * 40)]) }
        #expect(await bytes == Shelf.object)
        #expect(await missing == nil)
        _ = await child.tap.entries { $0.contains(unit: "p29") }
        try await parent.onLoop { [stream = parent.stream] in stream.end(.removed) }
        #expect(await end == .ended(.removed))
        try await parent.stop()
    }

    @Test func `a publisher that goes away and comes back does so at the child`() async throws {
        let parent = try await ParentNode()
        try await parent.publish(Media.opening)
        let child = try await ChildNode()
        async let end = child.pull(from: parent)
        _ = await child.tap.entries { $0.contains(unit: "p1") }
        try await parent.onLoop { [stream = parent.stream] in
            stream.interrupt()
            stream.ingest([Media.picture("p2", at: 80)], at: ParentNode.wall)
        }
        let entries = await child.tap.entries { $0.contains(unit: "p2") }
        let notices = entries.filter { if case .notice = $0 { true } else { false } }
        #expect(notices == [.notice(.interrupted), .notice(.resumed)])
        try await parent.onLoop { [stream = parent.stream] in stream.end(.removed) }
        #expect(await end == .ended(.removed))
        try await parent.stop()
    }

    private func fetch(_ name: String, of stream: LiveStream) async -> ByteBuffer? {
        await withCheckedContinuation { continuation in
            stream.loop.execute {
                guard let upstream = stream.upstream else { return continuation.resume(returning: nil) }
                upstream.fetch(object: name) { answer in
                    switch answer {
                    case .bytes(let pieces):
                        continuation.resume(
                            returning: pieces.reduce(into: ByteBuffer()) { $0.writeImmutableBuffer($1) }
                        )
                    case .missing: continuation.resume(returning: nil)
                    }
                }
            }
        }
    }
}

/// Where a stream came through.
private final class PassedThrough: StreamUpstream {
    let hops: [String]
    let chosenTracks: [TrackID]

    init(hops: [String], chosenTracks: [TrackID] = []) {
        self.hops = hops
        self.chosenTracks = chosenTracks
    }

    func wantObjects(_ isWanted: Bool) {}
    func wantKeyframe() {}
    func fetch(object name: String, _ answer: @escaping @Sendable (ObjectAnswer) -> Void) { answer(.missing) }
}

/// A packager with one object.
private final class Shelf: StreamObjects {
    static let object = ByteBuffer(bytes: (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 ^ $0 >> 8) })

    func object(named name: String, _ answer: @escaping @Sendable (ObjectAnswer) -> Void) {
        guard name == "big" else { return answer(.missing) }
        var rest = Self.object
        answer(.bytes([rest.readSlice(length: 100_001) ?? ByteBuffer(), rest]))
    }

}
