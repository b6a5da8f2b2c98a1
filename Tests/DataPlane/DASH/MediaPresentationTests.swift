import Codecs
import DASH
import HLS
import MediaFixtures
import MediaModel
import NIOCore
import Testing
import Timebase

@Suite struct MediaPresentationTests {
    static let begin: Int64 = 1_763_700_000_000
    static let now = WallTime(milliseconds: begin + 9000)

    /// Segments of 2 s from 1,000 ms of media on, at the wall times they began.
    static func segment(_ sequence: UInt64, discontinuity: UInt64 = 0, timelineStart: Int64 = 0) -> SegmentIndex.Segment
    {
        let elapsed = Int64(sequence) * 2000
        var segment = SegmentIndex.Segment(
            sequence: sequence,
            discontinuity: discontinuity,
            isDiscontinuous: discontinuity > 0,
            wallTime: WallTime(milliseconds: begin + elapsed)
        )
        segment.mediaTime = MediaTime(milliseconds: 1000 + elapsed)
        segment.duration = MediaTime(milliseconds: 2000)
        segment.timelineStart = SegmentIndex.TimelineStart(
            wallTime: WallTime(milliseconds: begin + timelineStart),
            mediaTime: MediaTime(milliseconds: 1000 + timelineStart)
        )
        segment.byteCount = 10_000
        return segment
    }

    static func index(_ segments: [SegmentIndex.Segment]) -> SegmentIndex {
        var index = SegmentIndex(epoch: Epoch(17), settings: PackagingSettings())
        index.segments = segments
        return index
    }

    static func rendition(_ name: String, _ index: SegmentIndex, height: Int = 720) -> MediaPresentation.Rendition {
        let numbers = (index.segments + (index.open.map { [$0] } ?? [])).map(\.discontinuity)
        let tracks = Dictionary(numbers.map { ($0, Self.tracks(height: height)) }) { $1 }
        return .init(name: name, index: index, bandwidth: 40_000, tracks: tracks)
    }

    static func tracks(height: Int) -> [Track] {
        FixtureStream(seed: 1).tracks.map { track in
            guard case .h264(let configuration, _, _) = track.codec else { return track }
            let codec = CodecParameters.h264(configuration: configuration, width: height * 16 / 9, height: height)
            return Track(id: track.id, codec: codec)
        }
    }

    static func text(
        _ index: SegmentIndex,
        rungs: [MediaPresentation.Rendition] = [],
        token: String? = nil
    ) -> String {
        let presentation = MediaPresentation(source: rendition("source", index), rungs: rungs)
        return String(buffer: presentation.render(at: now, token: token))
    }

    /// The segment that is being made, with so many parts of 200 ms.
    static func open(_ sequence: UInt64, parts: Int) -> SegmentIndex.Segment {
        var segment = Self.segment(sequence)
        segment.duration = MediaTime(milliseconds: Int64(parts) * 200)
        let part = SegmentIndex.Part(
            duration: MediaTime(milliseconds: 200),
            isIndependent: true,
            byteCount: 1000
        )
        segment.parts = Array(repeating: part, count: parts)
        return segment
    }

    static let golden = """
        <?xml version="1.0" encoding="UTF-8"?>
        <MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-live:2011" type="dynamic" \
        availabilityStartTime="1970-01-01T00:00:00Z" publishTime="2025-11-21T04:40:08.000Z" \
        minimumUpdatePeriod="PT2.000S" timeShiftBufferDepth="PT4.000S" maxSegmentDuration="PT2.000S" \
        minBufferTime="PT2.000S" suggestedPresentationDelay="PT4.000S">
          <ServiceDescription id="0">
            <Latency target="2000" min="1000" max="6000"/>
            <PlaybackRate min="0.96" max="1.04"/>
          </ServiceDescription>
          <Period id="17-0" start="PT1763700000.000S">
            <AdaptationSet id="0" contentType="video" mimeType="video/mp4" segmentAlignment="true" startWithSAP="1">
              <Representation id="source_video" bandwidth="40000" codecs="VIDEO" width="1280" height="720">
                <SegmentTemplate timescale="90000" presentationTimeOffset="90000" \
        availabilityTimeOffset="1.800" availabilityTimeComplete="false" \
        initialization="source_video-17-init0.mp4" media="source_video-17-t$Time$.m4s">
                  <SegmentTimeline>
                    <S t="450000" d="180000"/>
                    <S t="630000" d="180000"/>
                  </SegmentTimeline>
                </SegmentTemplate>
              </Representation>
            </AdaptationSet>
            <AdaptationSet id="1" contentType="audio" mimeType="audio/mp4" segmentAlignment="true" startWithSAP="1">
              <Representation id="source_audio" bandwidth="40000" codecs="AUDIO" audioSamplingRate="44100">
                <SegmentTemplate timescale="90000" presentationTimeOffset="90000" \
        availabilityTimeOffset="1.800" availabilityTimeComplete="false" \
        initialization="source_audio-17-init0.mp4" media="source_audio-17-t$Time$.m4s">
                  <SegmentTimeline>
                    <S t="450000" d="180000"/>
                    <S t="630000" d="180000"/>
                  </SegmentTimeline>
                </SegmentTemplate>
              </Representation>
            </AdaptationSet>
          </Period>
          <UTCTiming schemeIdUri="urn:mpeg:dash:utc:direct:2014" value="2025-11-21T04:40:09.000Z"/>
        </MPD>

        """

    @Test func `a stream in its window is told as one period of segments, named by their times`() {
        let codecs = FixtureStream(seed: 1).tracks.compactMap(\.codec.codecString)
        let wanted = Self.golden.replacing("VIDEO", with: codecs[0]).replacing("AUDIO", with: codecs[1])
        #expect(Self.text(Self.index([Self.segment(2), Self.segment(3)])) == wanted)
    }

    @Test func `a period begins where its timeline did, however far the window has moved`() {
        let (early, late) = (Self.index([Self.segment(0), Self.segment(1)]), Self.index([Self.segment(8)]))
        let start = "<Period id=\"17-0\" start=\"PT1763700000.000S\">"
        for text in [early, late].map({ Self.text($0) }) {
            #expect(text.contains(start))
            #expect(text.contains("presentationTimeOffset=\"90000\""))
        }
        #expect(Self.text(late).contains("<S t=\"1530000\" d=\"180000\"/>"))
    }

    @Test func `a new initialization section opens a period`() {
        let text = Self.text(
            Self.index([
                Self.segment(1),
                Self.segment(2, discontinuity: 1, timelineStart: 4000),
                Self.segment(3, discontinuity: 1, timelineStart: 4000),
            ])
        )
        #expect(text.ranges(of: "<Period ").count == 2)
        #expect(text.contains("<Period id=\"17-1\" start=\"PT1763700004.000S\">"))
        #expect(text.contains("presentationTimeOffset=\"450000\" "))
        #expect(text.contains("initialization=\"source_video-17-init1.mp4\""))
    }

    @Test func `each period has the tracks that its segments have`() {
        let index = Self.index([Self.segment(1), Self.segment(2, discontinuity: 1, timelineStart: 4000)])
        let small = Self.tracks(height: 360)
        let source = MediaPresentation.Rendition(
            name: "source",
            index: index,
            bandwidth: 40_000,
            // The first had no sound.
            tracks: [0: Self.tracks(height: 720).filter { $0.kind == .video }, 1: small]
        )
        let periods = String(buffer: MediaPresentation(source: source).render(at: Self.now)).split(
            separator: "<Period "
        )
        #expect(periods.count == 3)
        #expect(periods[1].contains("height=\"720\"") && !periods[1].contains("contentType=\"audio\""))
        #expect(periods[2].contains("height=\"360\"") && periods[2].contains("contentType=\"audio\""))
    }

    @Test func `a period of which the tracks are not known is left out`() {
        let index = Self.index([Self.segment(1), Self.segment(2, discontinuity: 1, timelineStart: 4000)])
        let source = MediaPresentation.Rendition(
            name: "source",
            index: index,
            bandwidth: 40_000,
            tracks: [1: Self.tracks(height: 360)]
        )
        let text = String(buffer: MediaPresentation(source: source).render(at: Self.now))
        #expect(text.ranges(of: "<Period ").count == 1)
        #expect(text.contains("<Period id=\"17-1\""))
    }

    @Test func `a stream that has ended names its end and asks for no more updates`() {
        var index = Self.index([Self.segment(0)])
        index.isEnded = true
        let text = Self.text(index)
        #expect(text.contains(" mediaPresentationDuration=\"PT1763700002.000S\""))
        #expect(!text.contains("minimumUpdatePeriod") && !text.contains("availabilityTimeOffset"))
    }

    @Test func `a token stands on every URL and cannot leave its quotes`() {
        let text = Self.text(Self.index([Self.segment(0)]), token: "a\"$b")
        #expect(text.contains("initialization=\"source_audio-17-init0.mp4?token=a%22%24b\""))
        #expect(text.contains("media=\"source_video-17-t$Time$.m4s?token=a%22%24b\""))
    }

    @Test func `the segment that is being made is listed as long as the one before, and early`() {
        var index = Self.index([Self.segment(2)])
        index.longestPart = MediaTime(milliseconds: 200)
        index.open = Self.open(3, parts: 1)
        let text = Self.text(index)
        #expect(text.contains("<S t=\"450000\" d=\"180000\"/>\n            <S t=\"630000\" d=\"180000\"/>"))
        #expect(text.ranges(of: " availabilityTimeOffset=\"1.800\" availabilityTimeComplete=\"false\"").count == 2)

        index.open = Self.open(3, parts: 12)
        #expect(Self.text(index).contains("<S t=\"630000\" d=\"216000\"/>"), "it is longer than was expected")

        // Who has read the last one finds the next, of which nothing is there yet.
        index.open = Self.open(3, parts: 0)
        #expect(Self.text(index).contains("<S t=\"630000\" d=\"180000\"/>"))
        // But a new initialization section comes with the first part behind it.
        index.open?.discontinuity = 1
        #expect(!Self.text(index).contains("t=\"630000\""))
    }

    @Test func `rungs are representations of their own beside the source, whose sound all have`() {
        let source = Self.index([Self.segment(2), Self.segment(3)])
        let late = Self.rendition("240p300kbps", Self.index([Self.segment(3)]), height: 240)
        let text = Self.text(source, rungs: [late])
        #expect(text.ranges(of: "<AdaptationSet ").count == 2)
        #expect(text.ranges(of: "<Representation ").count == 3)
        #expect(text.contains("<Representation id=\"240p300kbps_video\""))
        #expect(text.contains("height=\"240\""))
        #expect(text.contains("initialization=\"240p300kbps_video-17-init0.mp4\""))
        #expect(!text.contains("240p300kbps_audio"))
    }

    /// Its own timeline is known from its first segment on only, while the period began earlier.
    @Test func `a rung that began late counts its times from where the source's period began`() {
        let rung = Self.rendition("240p300kbps", Self.index([Self.segment(3, timelineStart: 6000)]), height: 240)
        let text = Self.text(Self.index([Self.segment(2), Self.segment(3)]), rungs: [rung])
        #expect(text.ranges(of: "presentationTimeOffset=\"90000\"").count == 3)
    }

    @Test func `a rung without a segment in a period, or of another owner, is left out of it`() {
        let source = Self.index([Self.segment(1), Self.segment(2, discontinuity: 1, timelineStart: 4000)])
        let rung = Self.index([Self.segment(2, discontinuity: 1, timelineStart: 4000)])
        let text = Self.text(source, rungs: [Self.rendition("240p300kbps", rung)])
        #expect(text.ranges(of: "240p300kbps_video\"").count == 1)

        var other = rung
        other.epoch = Epoch(16)
        #expect(!Self.text(source, rungs: [Self.rendition("240p300kbps", other)]).contains("240p300kbps"))
    }
}
