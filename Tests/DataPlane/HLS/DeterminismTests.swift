import HLS
import MediaFixtures
import MediaModel
import NIOCore
import Testing
import Timebase

/// Architecture §5: every node packages alike.
@Suite struct DeterminismTests {
    static func stream(_ seed: UInt64) -> [StreamItem] {
        var stream = FixtureStream(seed: seed)
        stream.hasBFrames = seed.isMultiple(of: 2)
        stream.roundsToMilliseconds = seed.isMultiple(of: 3)
        stream.keyframeInterval = 30 + Int(seed) * 7
        var items = stream.items(seconds: 24)
        if seed.isMultiple(of: 2) {
            var changed = stream.tracks
            changed[1].codec = .aac(configuration: ByteBuffer(bytes: [0x12, 0x10]), sampleRate: 44_100, channels: 2)
            items.insert(.tracks(changed), at: items.count / 2)
        }
        return marked(items)
    }

    /// The items a parent replays to a node that joins at `position`: from the segment that is open there, or only from the
    /// part, with the tracks in force before.
    static func replay(_ items: [StreamItem], from position: Int, wholeSegment: Bool) -> [StreamItem] {
        var start = position
        while start > 0 {
            start -= 1
            if case .cut(let mark) = items[start], mark.part == 0 || !wholeSegment { break }
        }
        let tracks = items[..<start].last { item in
            guard case .tracks = item else { return false }
            return true
        }
        return (tracks.map { [$0] } ?? []) + items[start...]
    }

    @Test(arguments: 1...6 as ClosedRange<UInt64>, [true, false])
    func `a node that joins late lists the same playlists and makes the same bytes`(seed: UInt64, wholeSegment: Bool)
        throws
    {
        let items = Self.stream(seed)
        for joinAt in stride(from: 300, to: items.count - 100, by: 211) {
            var origin = LiveRendition(items: Array(items[..<joinAt]))
            var transported = ByteBuffer()
            origin.index.encode(into: &transported)
            var late = LiveRendition(index: try SegmentIndex(decoding: transported))
            #expect(late.index == origin.index)
            let replayed = Self.replay(items, from: joinAt, wholeSegment: wholeSegment)
            for item in replayed.prefix(replayed.count - (items.count - joinAt)) { late.receive(item) }
            for item in items[joinAt...] {
                origin.receive(item)
                late.receive(item)
                #expect(late.version == origin.version)
                if case .cut = item { #expect(late.playlist() == origin.playlist()) }
            }
            try expectSameObjects(late, origin, joinedAt: origin.index.segments[0].sequence)
        }
    }

    /// Everything both can give out is equal, and the late one gives out all segments that began after it joined.
    private func expectSameObjects(_ late: LiveRendition, _ origin: LiveRendition, joinedAt: UInt64) throws {
        var own = 0
        for segment in origin.index.segments {
            let names = [name("source-7-\(segment.sequence).m4s"), name("source-7-init\(segment.discontinuity).mp4")]
            for name in names {
                guard case .bytes(let expected) = origin.object(name) else {
                    Issue.record("the origin lacks \(name)")
                    continue
                }
                switch late.object(name) {
                case .bytes(let bytes):
                    own += 1
                    #expect(bytes == expected)
                case let answer: #expect(answer == .fetchFromParent)
                }
            }
        }
        #expect(own > 0)
    }

    @Test func `a segment is the concatenation of its parts`() throws {
        let rendition = LiveRendition(items: Self.stream(1))
        let segment = try #require(rendition.index.segments.last)
        let parts = segment.parts.indices.map { rendition.object(name("source-7-\(segment.sequence).\($0).m4s")) }
        guard case .bytes(let whole) = rendition.object(name("source-7-\(segment.sequence).m4s")) else {
            Issue.record("the last segment is gone")
            return
        }
        #expect(parts == whole.map { .bytes([$0]) })
        #expect(whole.reduce(0) { $0 + $1.readableBytes } == segment.byteCount)
    }

    @Test func `what lies between two marks alone decides a part, whatever came before`() {
        let items = Self.stream(1)
        func parts(_ items: [StreamItem]) -> [PackagedPart] {
            var packager = Packager(epoch: Epoch(7))
            return items.flatMap { packager.receive($0) }.compactMap { output in
                guard case .part(let part) = output else { return nil }
                return part
            }
        }
        let all = parts(items)
        let late = parts(Self.replay(items, from: items.count / 2, wholeSegment: false))
        #expect(late.count > 20)
        #expect(Array(all.suffix(late.count)) == late)
    }

    @Test func `a segment of which a part was missed is not listed`() throws {
        let items = marked(FixtureStream(seed: 1).items(seconds: 9))
        let marks = items.indices.filter { index in
            guard case .cut = items[index] else { return false }
            return true
        }
        // The index is from part 3 of segment 1, the stream resumes at part 5.
        let origin = LiveRendition(items: Array(items[...marks[13]]))
        var late = LiveRendition(index: origin.index)
        for item in items[..<2] + items[marks[15]...] { late.receive(item) }
        #expect(late.index.segments.map(\.sequence) == [2, 3])
    }

    @Test func `a part over its limit is not given out, nor the segment it would stand in`() {
        var limits = PackagerLimits()
        limits.partUnitsMax = 20
        var rendition = LiveRendition(
            index: SegmentIndex(epoch: Epoch(7), settings: PackagingSettings()),
            packagerLimits: limits
        )
        let items = marked(FixtureStream(seed: 1).items(seconds: 7))
        for (number, item) in items.enumerated() {
            rendition.receive(item)
            guard number == 30, case .unit(let unit) = item else { continue }
            for _ in 0..<20 { rendition.receive(.unit(unit)) }
        }
        #expect(rendition.index.segments.map(\.sequence) == [1, 2])
        #expect(rendition.object(name("source-7-0.m4s")) == .expired)
    }
}
