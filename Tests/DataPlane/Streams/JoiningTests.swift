import ClusterModel
import MediaModel
import NIOCore
import NIOEmbedded
import Streams
import Testing
import Timebase

/// A pull made again within one epoch, from a parent that is behind, level or ahead.
@Suite struct JoiningTests {
    private final class Recorder: StreamSubscriber, @unchecked Sendable {
        var items: [StreamItem] = []
        var notices: [StreamNotice] = []

        func stream(_ stream: LiveStream, sent items: [StreamItem]) { self.items += items }
        func stream(_ stream: LiveStream, noticed notice: StreamNotice) { notices.append(notice) }
    }

    private final class Parent: StreamUpstream, @unchecked Sendable {
        var hops: [String] = []
        let chosenTracks: [TrackID] = []

        func wantObjects(_ isWanted: Bool) {}
        func wantKeyframe() {}
        func fetch(object name: String, _ answer: @escaping @Sendable (ObjectAnswer) -> Void) { answer(.missing) }
    }

    private static let old = [Track(id: .audio, codec: .mp3(sampleRate: 44_100, channels: 2))]
    private static let new = [Track(id: .audio, codec: .mp3(sampleRate: 48_000, channels: 2))]

    /// Segment 0 in the old tracks, segments 1 and 2 in the new ones, as every node of the epoch sees it.
    private static let original: [StreamItem] =
        segment(0) + [.tracks(new)] + segment(1) + segment(2)

    private static func segment(_ sequence: UInt64) -> [StreamItem] {
        [.cut(SpliceFilterTests.mark(sequence, 0, Int64(sequence) * 6000))]
            + (0..<2).map { number in
                .unit(
                    AccessUnit(
                        track: .audio,
                        decodeTime: MediaTime(ticks: Int64(sequence) * 6000 + number * 3000),
                        isKeyframe: true,
                        payload: ByteBuffer(string: "x")
                    )
                )
            }
    }

    private func joined(first: Range<Int>, second: Range<Int>, tracks: [Track]) throws -> Recorder {
        let stream = LiveStream(id: try StreamID(app: "live", id: "s1"), loop: EmbeddedEventLoop())
        let recorder = Recorder()
        _ = stream.subscribe(recorder)
        let parents = (Parent(), Parent())
        stream.beginPull(from: parents.0, epoch: Epoch(1), tracks: Self.old)
        stream.receive(Array(Self.original[first]))
        stream.endPull(from: parents.0)
        stream.beginPull(from: parents.1, epoch: Epoch(1), tracks: tracks)
        // One by one and all at once must be the same.
        for item in Self.original[second] { stream.receive([item]) }
        return recorder
    }

    @Test func `a parent that is behind does not bring its older tracks back`() throws {
        let recorder = try joined(first: 0..<6, second: 0..<10, tracks: Self.old)
        #expect(recorder.items == [.tracks(Self.old)] + Self.original)
        #expect(recorder.notices == [.parentChanged])
    }

    @Test func `tracks that changed right where the old parent stopped are not lost`() throws {
        let recorder = try joined(first: 0..<3, second: 0..<10, tracks: Self.old)
        #expect(recorder.items == [.tracks(Self.old)] + Self.original)
    }

    @Test func `across a gap the new parent's tracks come before its items and after the notice`() throws {
        let recorder = try joined(first: 0..<2, second: 4..<10, tracks: Self.new)
        #expect(
            recorder.items == [.tracks(Self.old)] + Self.original[0..<2] + [.tracks(Self.new)] + Self.original[4...]
        )
        #expect(recorder.notices == [.parentChanged, .gap])
    }

    @Test func `where a new parent begins with the next segment, late comers can start at once`() throws {
        let stream = LiveStream(id: try StreamID(app: "live", id: "s1"), loop: EmbeddedEventLoop())
        stream.beginPull(from: Parent(), epoch: Epoch(1), tracks: Self.new)
        stream.receive(Self.segment(1))
        stream.beginPull(from: Parent(), epoch: Epoch(1), tracks: Self.new)
        stream.receive([Self.segment(2)[0]])
        stream.receive(Array(Self.segment(2)[1...]))
        #expect(stream.cachedItems == Self.segment(2))
        #expect(stream.snapshot.tracks == Self.new)
    }

    @Test func `tracks that a parent repeats are passed on once, and changes back and forth all`() throws {
        let stream = LiveStream(id: try StreamID(app: "live", id: "s1"), loop: EmbeddedEventLoop())
        let recorder = Recorder()
        _ = stream.subscribe(recorder)
        stream.beginPull(from: Parent(), epoch: Epoch(1), tracks: Self.old)
        stream.receive([.tracks(Self.old)] + Self.segment(0))
        stream.receive([.tracks(Self.new), .tracks(Self.new), .tracks(Self.old)])
        #expect(recorder.items == [.tracks(Self.old)] + Self.segment(0) + [.tracks(Self.new), .tracks(Self.old)])
    }

    @Test func `whoever pulls from here is told once when the stream comes another way`() throws {
        let stream = LiveStream(id: try StreamID(app: "live", id: "s1"), loop: EmbeddedEventLoop())
        let recorder = Recorder()
        _ = stream.subscribe(recorder)
        let parents = (Parent(), Parent())
        parents.0.hops = ["o1"]
        parents.1.hops = ["o1", "e2"]
        stream.beginPull(from: parents.0, epoch: Epoch(1), tracks: Self.old)
        stream.beginPull(from: parents.1, epoch: Epoch(1), tracks: Self.old)
        stream.pathChanged(of: parents.1)
        stream.pathChanged(of: parents.0)
        parents.1.hops = ["o1", "e3", "e2"]
        stream.pathChanged(of: parents.1)
        #expect(recorder.notices == [.parentChanged, .pathChanged(["o1", "e2"]), .pathChanged(["o1", "e3", "e2"])])
    }

    @Test func `a late subscriber after a gap is not given what lies before it`() throws {
        let stream = LiveStream(id: try StreamID(app: "live", id: "s1"), loop: EmbeddedEventLoop())
        let parent = Parent()
        stream.beginPull(from: parent, epoch: Epoch(1), tracks: Self.old)
        stream.receive(Array(Self.original[0..<2]))
        stream.beginPull(from: parent, epoch: Epoch(1), tracks: Self.new)
        stream.receive(Array(Self.original[4..<6]))
        #expect(stream.cachedItems == Array(Self.original[4..<6]))
    }
}
