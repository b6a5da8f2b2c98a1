import HLS
import MediaFixtures
import MediaModel
import NIOCore
import Testing
import Timebase

@Suite struct LiveRenditionTests {
    static let items = marked(FixtureStream(seed: 1).items(seconds: 31))

    @Test(
        arguments: [
            ("source-7-14.m4s", nil),
            ("source-7-14.0.m4s", nil),
            ("source-7-15.0.m4s", nil),
            ("source-7-init0.mp4", nil),
            // One second of segment 15 is in, of which the last part is open.
            ("source-7-15.4.m4s", .notYet),
            ("source-7-15.m4s", .notYet),
            ("source-7-16.0.m4s", .notYet),
            ("source-7-15.5.m4s", .unknown),
            ("source-7-16.1.m4s", .unknown),
            ("source-7-18.m4s", .unknown),
            ("source-7-14.99.m4s", .unknown),
            ("source-7-init1.mp4", .unknown),
            ("480p-7-14.m4s", .unknown),
            ("source-7-1.m4s", .expired),
            ("source-6-14.m4s", .expired),
            ("source-8-14.m4s", .newerEpoch),
        ] as [(String, SegmentStore.Lookup?)]
    )
    func `each name has one answer`(text: String, answer: SegmentStore.Lookup?) {
        let rendition = LiveRendition(items: Self.items)
        let found = rendition.object(name(text))
        if let answer {
            #expect(found == answer)
        } else {
            guard case .bytes = found else {
                Issue.record("\(text) is \(found)")
                return
            }
        }
    }

    /// Segments of 2 s from 0 on; of the one of 30 s the last part is open.
    @Test(
        arguments: [
            (28, 7, .segment(14)), (30, 7, .segment(15)), (18, 7, .segment(9)), (32, 7, .notYet), (36, 7, .notYet),
            // Kept, but listed no more; and gone.
            (8, 7, .segment(4)), (2, 7, .unknown),
            (29, 7, .unknown), (36.001, 7, .unknown), (28, 6, .unknown), (28, 8, .notYet),
        ] as [(Double, Int64, SegmentWindow.Moment)]
    )
    func `a segment is found by the time at which it begins`(seconds: Double, epoch: Int64, found: SegmentWindow.Moment)
    {
        let rendition = LiveRendition(items: Self.items)
        #expect(rendition.segment(at: MediaTime(seconds: seconds), of: Epoch(epoch)) == found)
    }

    @Test func `when the stream has ended, nothing more is waited for by its time`() {
        var rendition = LiveRendition(items: Self.items)
        rendition.finish()
        #expect(rendition.segment(at: MediaTime(seconds: 32), of: Epoch(7)) == .unknown)
        #expect(rendition.segment(at: MediaTime(seconds: 30), of: Epoch(7)) == .segment(15))
    }

    @Test func `the segments of the owner before are found by their times as long as they are kept`() {
        var rendition = LiveRendition(items: Self.items)
        rendition.begin(Epoch(8), PackagingSettings())
        #expect(rendition.segment(at: MediaTime(seconds: 28), of: Epoch(7)) == .segment(14))
        #expect(rendition.segment(at: MediaTime(seconds: 32), of: Epoch(7)) == .unknown)
        #expect(rendition.segment(at: MediaTime(seconds: 32), of: Epoch(8)) == .notYet)
    }

    @Test func `what was fetched is found by its time once it is listed no more`() {
        let origin = LiveRendition(items: Self.items)
        var late = LiveRendition(index: origin.index)
        _ = late.insert(fetched: name("source-7-9.m4s"), ByteBuffer(string: "segment"))
        for item in marked(FixtureStream(seed: 1).items(seconds: 35)) { late.receive(item) }
        #expect(late.index.segments.first?.sequence ?? 0 > 9)
        #expect(late.segment(at: MediaTime(seconds: 18), of: Epoch(7)) == .segment(9))
    }

    @Test func `segments behind the playlist stay for players that hold an older one, then go`() throws {
        let rendition = LiveRendition(items: Self.items)
        #expect(rendition.index.segments.map(\.sequence) == [9, 10, 11, 12, 13, 14])
        guard case .bytes = rendition.object(name("source-7-4.m4s")) else {
            Issue.record("segment 4 is gone too early")
            return
        }
        #expect(rendition.object(name("source-7-2.m4s")) == .expired)
    }

    @Test func `memory stays below its limit whatever the bit rate`() {
        var limits = SegmentStoreLimits()
        limits.bytesMax = 100_000
        var rendition = LiveRendition(
            index: SegmentIndex(epoch: Epoch(7), settings: PackagingSettings()),
            storeLimits: limits
        )
        for item in Self.items {
            rendition.receive(item)
            #expect(rendition.byteCount < 200_000)
        }
        #expect(rendition.object(name("source-7-10.m4s")) != .unknown)
    }

    @Test func `a late node keeps what it fetched`() {
        let origin = LiveRendition(items: Self.items)
        var late = LiveRendition(index: origin.index)
        let wanted = name("source-7-12.m4s")
        #expect(late.object(wanted) == .fetchFromParent)
        let bytes = ByteBuffer(string: "segment")
        let isKept = [wanted, name("480p-7-12.m4s"), name("source-8-12.m4s")].map { late.insert(fetched: $0, bytes) }
        #expect(isKept == [true, false, false])
        #expect(late.object(wanted) == .bytes([bytes]))
        #expect(late.byteCount == 7)
    }

    @Test func `a new owner's playlist begins with a break, above the old one's numbers`() throws {
        var rendition = LiveRendition(items: Self.items)
        let before = rendition.playlist()
        rendition.begin(Epoch(9), PackagingSettings())
        let resume = ResumePoint(sequence: 20, discontinuity: 1, mediaTime: MediaTime(milliseconds: 31_000))
        var stream = FixtureStream(seed: 2)
        stream.start = resume.mediaTime
        for item in marked(stream.items(seconds: 5), resume: resume) {
            // A playlist without a complete segment stops many players, so the old one is listed until there is one.
            if !rendition.index.segments.isEmpty { break }
            #expect(rendition.playlist() == before)
            rendition.receive(item)
        }
        let text = rendition.playlist()
        #expect(text.contains("#EXT-X-MEDIA-SEQUENCE:20\n#EXT-X-DISCONTINUITY-SEQUENCE:0\n"))
        #expect(text.contains("#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI=\"s1/source-9-init1.mp4\"\n"))
        guard case .bytes = rendition.object(name("source-7-14.m4s")) else {
            Issue.record("the old owner's segment is gone")
            return
        }
        #expect(rendition.object(name("source-7-15.m4s")) == .expired)
    }

    /// The stream tells tracks only when they change, and the new owner's are most often the old one's.
    @Test func `after a change of owner the bytes are those of a node that joined with the new one`() {
        let resume = ResumePoint(sequence: 20, discontinuity: 1, mediaTime: MediaTime(milliseconds: 31_000))
        let items = marked(FixtureStream(seed: 2).items(seconds: 5), resume: resume)
        let fresh = LiveRendition(epoch: 9, items: items)
        var rendition = LiveRendition(items: Self.items)
        rendition.begin(Epoch(9), PackagingSettings())
        for item in items {
            if case .tracks = item { continue }
            rendition.receive(item)
        }
        #expect(rendition.index.segments.count == fresh.index.segments.count && !fresh.index.segments.isEmpty)
        for object in ["source-9-init1.mp4", "source-9-20.m4s", "source-9-20.0.m4s", "source-9-21.m4s"] {
            #expect(rendition.object(name(object)) == fresh.object(name(object)), "\(object)")
        }
    }

    @Test func `what has no tracks gives no objects`() {
        var rendition = LiveRendition()
        for item in Self.items {
            if case .tracks = item { continue }
            rendition.receive(item)
        }
        #expect(!rendition.listed.isPlayable && rendition.byteCount == 0)
    }

    @Test func `an older epoch changes nothing`() {
        var rendition = LiveRendition(items: Self.items)
        let before = rendition.index
        rendition.begin(Epoch(6), PackagingSettings())
        #expect(rendition.index == before)
    }

    /// The parent's index is as old as its way here: what came meanwhile is at least all that it does not tell.
    @Test func `a node that asks its parent for the index lists what the parent does, however long the answer takes`() {
        let begin = 900
        let joined = Self.items[..<begin].lastIndex { if case .cut = $0 { true } else { false } } ?? begin
        for delays in [(0, 0), (0, 1), (1, 0), (7, 13), (0, 200), (200, 0), (90, 400)] {
            var parent = LiveRendition(items: Array(Self.items[..<begin]))
            var late = LiveRendition(index: SegmentIndex(epoch: Epoch(7), settings: PackagingSettings()))
            late.receive(Self.items[0])
            for item in Self.items[joined..<begin] { late.receive(item) }
            late.expectIndex()
            var answer: SegmentIndex?
            for (position, item) in Self.items[begin...].enumerated() {
                if position == delays.0 { answer = parent.index }
                if position == delays.0 + delays.1 { late.adopt(answer) }
                parent.receive(item)
                late.receive(item)
                if position >= delays.0 + delays.1 {
                    #expect(late.index == parent.index, "\(delays), item \(position)")
                    guard late.index == parent.index else { return }
                }
            }
            #expect(!late.lacksSegments)
        }
    }

    @Test func `a node that lost items knows that it lacks segments until the parent's index comes`() {
        var parent = LiveRendition(items: Array(Self.items[..<600]))
        var child = parent
        for item in Self.items[600..<700] { parent.receive(item) }
        child.itemsMissing()
        var position = 700
        while !child.lacksSegments, position < Self.items.count {
            parent.receive(Self.items[position])
            child.receive(Self.items[position])
            position += 1
        }
        #expect(child.lacksSegments && child.index != parent.index)
        child.expectIndex()
        child.adopt(parent.index)
        #expect(!child.lacksSegments && child.index == parent.index)
    }

    @Test func `a parent that knows less than this node changes nothing`() {
        var rendition = LiveRendition(items: Self.items)
        let before = rendition.index
        rendition.expectIndex()
        rendition.adopt(LiveRendition(items: Array(Self.items[..<600])).index)
        #expect(rendition.index == before)
        rendition.expectIndex()
        rendition.adopt(nil)
        #expect(rendition.index == before)
    }

    @Test func `an orderly end closes the last part and lists it`() {
        var rendition = LiveRendition(items: Self.items)
        rendition.finish()
        #expect(rendition.index.isEnded)
        #expect(rendition.index.segments.last?.sequence == 15)
        #expect(rendition.index.segments.last?.duration == MediaTime(milliseconds: 1000))
        #expect(rendition.playlist().hasSuffix("s1/source-7-15.m4s\n#EXT-X-ENDLIST\n"))
        guard case .bytes(let parts) = rendition.object(name("source-7-15.m4s")) else {
            Issue.record("the last segment is not there")
            return
        }
        #expect(parts.count == 5)
        #expect(rendition.object(name("source-7-16.0.m4s")) == .unknown)
    }

    @Test func `marks and units beyond all reason are passed over`() {
        var rendition = LiveRendition(items: Self.items)
        let before = rendition.version
        var mark = CutMark(
            sequence: .max,
            part: .max,
            discontinuity: .max,
            isDiscontinuous: true,
            mediaTime: MediaTime(ticks: .min),
            wallTime: WallTime(milliseconds: .max),
            oldestSequence: .max
        )
        rendition.receive(.cut(mark))
        mark.part = 0
        rendition.receive(.cut(mark))
        for ticks in [Int64.min, .max] {
            let unit = AccessUnit(
                track: .audio,
                decodeTime: MediaTime(ticks: ticks),
                isKeyframe: true,
                payload: ByteBuffer()
            )
            rendition.receive(.unit(unit))
        }
        #expect(rendition.version == before)
        rendition.finish()
        #expect(rendition.index.segments.last?.sequence == 15)
    }

    @Test func `damaged indexes are refused or read, and never trap`() throws {
        var bytes = ByteBuffer()
        LiveRendition(items: Self.items).index.encode(into: &bytes)
        for length in 0..<bytes.readableBytes {
            let cut = try #require(bytes.getSlice(at: 0, length: length))
            #expect(throws: SegmentIndex.CodingError.truncated) { try SegmentIndex(decoding: cut) }
        }
        for bit in 0..<bytes.readableBytes * 8 {
            var copy = bytes
            let byte = copy.getInteger(at: bit / 8, as: UInt8.self) ?? 0
            copy.setInteger(byte ^ (0x80 >> UInt8(bit % 8)), at: bit / 8)
            guard let index = try? SegmentIndex(decoding: copy) else { continue }
            _ = MediaPlaylist(index: index, streamID: "s1").render(skip: true)
        }
    }
}
