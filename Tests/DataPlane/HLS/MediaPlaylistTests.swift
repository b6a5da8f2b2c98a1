import HLS
import MediaFixtures
import MediaModel
import NIOCore
import Testing
import Timebase

@Suite struct MediaPlaylistTests {
    static func part(_ milliseconds: Int64, independent: Bool = false) -> SegmentIndex.Part {
        .init(duration: MediaTime(milliseconds: milliseconds), isIndependent: independent, byteCount: 1000)
    }

    static func segment(_ sequence: UInt64, discontinuity: UInt64 = 0, breaks: Bool = false) -> SegmentIndex.Segment {
        var segment = SegmentIndex.Segment(
            sequence: sequence,
            discontinuity: discontinuity,
            isDiscontinuous: breaks,
            wallTime: WallTime(milliseconds: 1_763_700_000_000 + Int64(sequence) * 2000)
        )
        segment.duration = MediaTime(milliseconds: 2000)
        segment.byteCount = 10_000
        return segment
    }

    static var index: SegmentIndex {
        var index = SegmentIndex(epoch: Epoch(17), settings: PackagingSettings())
        index.longestPart = MediaTime(milliseconds: 200)
        index.segments = [segment(4, discontinuity: 2, breaks: true), segment(5, discontinuity: 2)]
        index.segments[1].parts = [part(200, independent: true), part(200)]
        var open = segment(6, discontinuity: 3, breaks: true)
        open.parts = [part(200, independent: true)]
        index.open = open
        return index
    }

    @Test func `other renditions are reported where this one is`() {
        let siblings = ["s1_240p300kbps.m3u8", "s1_144p100kbps.m3u8"]
        func reports(_ index: SegmentIndex, token: String? = nil) -> [Substring] {
            String(buffer: MediaPlaylist(index: index, streamID: "s1", siblings: siblings).render(token: token))
                .split(separator: "\n").filter { $0.hasPrefix("#EXT-X-RENDITION-REPORT") }
        }
        var index = Self.index
        #expect(
            reports(index, token: "a") == [
                "#EXT-X-RENDITION-REPORT:URI=\"s1_240p300kbps.m3u8?token=a\",LAST-MSN=6,LAST-PART=0",
                "#EXT-X-RENDITION-REPORT:URI=\"s1_144p100kbps.m3u8?token=a\",LAST-MSN=6,LAST-PART=0",
            ]
        )
        index.open?.parts = []
        #expect(reports(index).first == "#EXT-X-RENDITION-REPORT:URI=\"s1_240p300kbps.m3u8\",LAST-MSN=5,LAST-PART=1")
        index.open = nil
        index.isEnded = true
        #expect(reports(index).isEmpty)
    }

    static let golden = """
        #EXTM3U
        #EXT-X-VERSION:9
        #EXT-X-TARGETDURATION:2
        #EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.00000,CAN-SKIP-UNTIL=12
        #EXT-X-PART-INF:PART-TARGET=0.20000
        #EXT-X-MEDIA-SEQUENCE:4
        #EXT-X-DISCONTINUITY-SEQUENCE:1
        #EXT-X-INDEPENDENT-SEGMENTS
        #EXT-X-DISCONTINUITY
        #EXT-X-MAP:URI="s1/source-17-init2.mp4"
        #EXT-X-PROGRAM-DATE-TIME:2025-11-21T04:40:08.000Z
        #EXTINF:2.00000,
        s1/source-17-4.m4s
        #EXT-X-PROGRAM-DATE-TIME:2025-11-21T04:40:10.000Z
        #EXT-X-PART:DURATION=0.20000,URI="s1/source-17-5.0.m4s",INDEPENDENT=YES
        #EXT-X-PART:DURATION=0.20000,URI="s1/source-17-5.1.m4s"
        #EXTINF:2.00000,
        s1/source-17-5.m4s
        #EXT-X-DISCONTINUITY
        #EXT-X-MAP:URI="s1/source-17-init3.mp4"
        #EXT-X-PROGRAM-DATE-TIME:2025-11-21T04:40:12.000Z
        #EXT-X-PART:DURATION=0.20000,URI="s1/source-17-6.0.m4s",INDEPENDENT=YES
        #EXT-X-PRELOAD-HINT:TYPE=PART,URI="s1/source-17-6.1.m4s"

        """

    @Test func `a live playlist reads as the specification wants it`() {
        let playlist = MediaPlaylist(index: Self.index, streamID: "s1")
        #expect(String(buffer: playlist.render()) == Self.golden)
    }

    @Test func `the viewer's token stands on every address and cannot break out of it`() {
        let text = String(buffer: MediaPlaylist(index: Self.index, streamID: "s1").render(token: "a.b-c\"\n&é"))
        let addresses = text.split(separator: "\n").filter { $0.contains("s1/") }
        #expect(addresses.count == 8)
        #expect(addresses.allSatisfy { $0.contains("?token=a.b-c%22%0A%26%C3%A9") })
    }

    @Test func `an ended playlist hints at nothing and says so`() {
        var index = Self.index
        index.open = nil
        index.isEnded = true
        let text = String(buffer: MediaPlaylist(index: index, streamID: "s1").render())
        #expect(text.hasSuffix("s1/source-17-5.m4s\n#EXT-X-ENDLIST\n"))
        #expect(!text.contains("PRELOAD-HINT"))
    }

    @Test func `a delta update counts what lies before the skip boundary`() {
        var index = Self.index
        index.segments = (0..<12).map { Self.segment($0, discontinuity: 3) }
        index.open = Self.segment(12, discontinuity: 3)
        index.open?.duration = MediaTime(milliseconds: 200)
        let playlist = MediaPlaylist(index: index, streamID: "s1")
        // 0.2 s open and six of 2 s reach the 12 s of the boundary.
        #expect(playlist.skippableSegments == 6)
        let lines = String(buffer: playlist.render(skip: true)).split(separator: "\n")
        #expect(lines.contains("#EXT-X-SKIP:SKIPPED-SEGMENTS=6"))
        #expect(lines.contains("#EXT-X-MEDIA-SEQUENCE:0"))
        #expect(!lines.contains("s1/source-17-5.m4s"))
        #expect(lines.contains("s1/source-17-6.m4s"))
        #expect(!lines.contains { $0.hasPrefix("#EXT-X-MAP") })
    }

    @Test func `a short playlist is not skipped in`() {
        let playlist = MediaPlaylist(index: Self.index, streamID: "s1")
        #expect(playlist.render(skip: true) == playlist.render())
    }

    @Test func `the discontinuity number goes up when a break leaves the window`() {
        var index = Self.index
        index.segments.removeFirst()
        let text = String(buffer: MediaPlaylist(index: index, streamID: "s1").render())
        #expect(text.contains("#EXT-X-DISCONTINUITY-SEQUENCE:2\n"))
    }

    @Test func `no segment makes a playlist change its target duration`() {
        var stream = FixtureStream(seed: 3)
        stream.keyframeInterval = 60
        var items = stream.items(seconds: 4)
        stream.keyframeInterval = 300
        stream.start = MediaTime(milliseconds: 4000)
        items += stream.units(seconds: 30).map(StreamItem.unit)
        var rendition = LiveRendition()
        var targets: Set<Int64> = []
        for item in marked(items) {
            rendition.receive(item)
            if rendition.listed.isPlayable { targets.insert(rendition.index.targetDurationSeconds) }
        }
        #expect(targets == [2])
        #expect(rendition.index.segments.contains { !$0.isIndependent })
        #expect(rendition.index.segments.allSatisfy { $0.duration.milliseconds < 2500 })
    }

    @Test func `target durations grow with what was made and never shrink`() {
        var stream = FixtureStream(seed: 3)
        stream.keyframeInterval = 150
        var items = stream.items(seconds: 10.1)
        stream.keyframeInterval = 60
        stream.start = MediaTime(milliseconds: 10_100)
        items += stream.units(seconds: 20).map(StreamItem.unit)
        let rendition = LiveRendition(items: marked(items))
        #expect(rendition.index.targetDurationSeconds == 5)
        #expect(rendition.index.segments.allSatisfy { $0.duration.milliseconds <= 2100 })
    }

    @Test func `a rendition without a whole segment needs what there is of its first`() {
        var index = Self.index
        index.segments = []
        index.open = Self.segment(6)
        let variant = MultivariantPlaylist.Variant(uri: "s1.m3u8", index: index, tracks: [])
        #expect(variant.bandwidth == 40_000 && variant.averageBandwidth == 40_000)
    }

    @Test func `the multivariant playlist says what the media needs`() throws {
        let rendition = LiveRendition(items: marked(try SampleClip.items(seconds: 7)))
        let variant = MultivariantPlaylist.Variant(
            uri: "s1.m3u8",
            index: rendition.index,
            tracks: try SampleClip.tracks()
        )
        let lines = String(buffer: MultivariantPlaylist.render([variant], token: "t")).split(separator: "\n")
        let size = rendition.index.segments.map(\.byteCount).max() ?? 0
        #expect(variant.bandwidth == UInt64(size * 8 / 2))
        #expect(
            lines == [
                "#EXTM3U", "#EXT-X-VERSION:9",
                "#EXT-X-STREAM-INF:BANDWIDTH=\(variant.bandwidth),AVERAGE-BANDWIDTH=\(variant.averageBandwidth),"
                    + "CODECS=\"avc1.640009,mp4a.40.2\",RESOLUTION=128x72,FRAME-RATE=30.000",
                "s1.m3u8?token=t",
            ]
        )
    }
}
