import Codecs
import HLS
import MediaModel
import Timebase

/// The pictures or the sound of one rendition in one period.
struct Representation {
    /// Sound takes little of the bandwidth, and what it takes nobody counts apart.
    private static let soundBitsPerSecond: UInt64 = 160_000

    private let rendition: MediaPresentation.Rendition
    private let component: SegmentComponent
    private let codec: String
    private let sampleRate: Int?
    private let pictureSize: (width: Int, height: Int)?
    private let segments: [SegmentIndex.Segment]
    private let open: SegmentIndex.Segment?
    private let first: SegmentIndex.Segment
    private let offset: MediaTime

    /// Nil where the rendition has no such track, or no segment in the period.
    /// - Parameter offset: media time at which the period begins.
    init?(
        _ rendition: MediaPresentation.Rendition,
        _ component: SegmentComponent,
        _ discontinuity: UInt64,
        offset: MediaTime
    ) {
        let track = rendition.tracks[discontinuity]?.first { $0.kind == component.kind }
        segments = rendition.index.segments.filter { $0.discontinuity == discontinuity }
        open = rendition.index.listedOpen.first { $0.discontinuity == discontinuity }
        guard let codec = track?.codec.codecString, let first = segments.first ?? open else { return nil }
        self.rendition = rendition
        self.component = component
        self.codec = codec
        self.first = first
        self.offset = offset
        sampleRate = track?.codec.sampleRate
        pictureSize = track?.codec.pictureSize
    }

    func write(into text: inout PlaylistText, token: String?) {
        writeHead(into: &text)
        writeTemplate(token: token, into: &text)
        for segment in segments { write(segment.mediaTime, segment.duration, into: &text) }
        if let open { write(open.mediaTime, max(expectedDuration, open.duration), into: &text) }
        text.write("          </SegmentTimeline>\n        </SegmentTemplate>\n      </Representation>\n")
    }

    private func writeHead(into text: inout PlaylistText) {
        let bandwidth = rendition.bandwidth
        text.write("      <Representation id=\"")
        text.write(component.rendition(of: rendition.name))
        text.write("\" bandwidth=\"")
        text.write(component == .video ? bandwidth : min(bandwidth, Self.soundBitsPerSecond))
        text.write("\" codecs=\"")
        text.write(codec)
        text.write("\"")
        if let pictureSize {
            text.write(" width=\"")
            text.write(pictureSize.width)
            text.write("\" height=\"")
            text.write(pictureSize.height)
            text.write("\"")
        }
        if let sampleRate, component == .audio {
            text.write(" audioSamplingRate=\"")
            text.write(sampleRate)
            text.write("\"")
        }
        text.write(">\n")
    }

    private func writeTemplate(token: String?, into text: inout PlaylistText) {
        text.write("        <SegmentTemplate timescale=\"")
        text.write(MediaTime.ticksPerSecond)
        text.write("\" presentationTimeOffset=\"")
        text.write(offset.ticks)
        text.write("\"")
        if !rendition.index.isEnded {
            // From its first part on a segment can be had, before it is complete (§5.3.9.5.3).
            let early = expectedDuration - rendition.index.partTarget
            text.write(" availabilityTimeOffset=\"")
            text.write(thousandths: UInt64(max(early.ticks, 0)) / 90)
            text.write("\" availabilityTimeComplete=\"false\"")
        }
        text.write(" initialization=\"")
        writeStem(into: &text)
        text.write("init")
        text.write(first.discontinuity)
        text.write(".mp4")
        text.write(token: token)
        text.write("\" media=\"")
        writeStem(into: &text)
        text.write("t$Time$.m4s")
        text.write(token: token)
        text.write("\">\n          <SegmentTimeline>\n")
    }

    /// Like the one before: publishers place keyframes evenly.
    private var expectedDuration: MediaTime {
        segments.last?.duration ?? rendition.index.settings.segmentDuration
    }

    private func write(_ time: MediaTime, _ duration: MediaTime, into text: inout PlaylistText) {
        text.write("            <S t=\"")
        text.write(time.ticks)
        text.write("\" d=\"")
        text.write(duration.ticks)
        text.write("\"/>\n")
    }

    private func writeStem(into text: inout PlaylistText) {
        text.write(component.rendition(of: rendition.name))
        text.write("-")
        text.write(rendition.index.epoch.value)
        text.write("-")
    }
}

extension SegmentIndex {
    /// The segment that is being made; the first of a period once there is something of it, its initialization section with it.
    /// Others are listed from their beginning: ffmpeg's reader is lost when the next segment is not listed the moment it has
    /// read the last one, and then shows each twice.
    var listedOpen: [Segment] {
        guard let open, !open.parts.isEmpty || open.discontinuity == segments.last?.discontinuity else { return [] }
        return [open]
    }
}
