import Codecs
package import HLS
package import MediaModel
package import Timebase

package import struct NIOCore.ByteBuffer

/// Renders the media presentation description of a live stream (ISO/IEC 23009-1, live profile) from an index.
///
/// The description lies at `/{app}/streams/{id}/{id}.mpd`, beside the objects that HLS plays too. Each discontinuity number is
/// a period. The bytes depend on nothing but the arguments, and but for `now` they are equal on all nodes for equal indexes.
package struct MediaPresentation: Sendable {
    /// Target durations a player keeps between itself and the end, as HLS players do.
    package static let presentationDelayTargets: Int64 = 3

    package let index: SegmentIndex
    package let rendition: String
    /// Bandwidth and picture, as the multivariant playlist says them.
    package let variant: MultivariantPlaylist.Variant
    private let components: [(component: SegmentComponent, codec: String, sampleRate: Int?)]

    package init(
        index: SegmentIndex,
        rendition: String,
        variant: MultivariantPlaylist.Variant,
        tracks: [Track]
    ) {
        self.index = index
        self.rendition = rendition
        self.variant = variant
        components = SegmentComponent.allCases.compactMap { component in
            let track = tracks.first { $0.kind == component.kind }
            return track?.codec.codecString.map { (component, $0, track?.codec.sampleRate) }
        }
    }

    /// - Parameters:
    ///   - now: this node's time of day, for players whose clocks are wrong.
    ///   - token: the request's own token, repeated on every URL.
    package func render(at now: WallTime, token: String? = nil) -> ByteBuffer {
        var text = PlaylistText(capacity: 2048 + index.segments.count * 32)
        text.write("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")
        writeRoot(into: &text)
        for period in periods { write(period, token: token, into: &text) }
        text.write("  <UTCTiming schemeIdUri=\"urn:mpeg:dash:utc:direct:2014\" value=\"")
        text.write(now.rfc3339)
        text.write("\"/>\n</MPD>\n")
        return text.bytes
    }

    /// Segments of one discontinuity number: one initialization section and one timeline.
    private var periods: [ArraySlice<SegmentIndex.Segment>] {
        index.segments.indices.reduce(into: []) { periods, position in
            let segment = index.segments[position]
            if let last = periods.last, last.first?.discontinuity == segment.discontinuity {
                periods[periods.count - 1] = index.segments[last.startIndex...position]
            } else {
                periods.append(index.segments[position...position])
            }
        }
    }

    /// Times of day count from 1970, so that a period begins where its first segment did, on every node.
    private func writeRoot(into text: inout PlaylistText) {
        let target = MediaTime(seconds: Double(index.targetDurationSeconds))
        text.write("<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" profiles=\"urn:mpeg:dash:profile:isoff-live:2011\"")
        text.write(" type=\"dynamic\" availabilityStartTime=\"1970-01-01T00:00:00Z\" publishTime=\"")
        text.write(end.rfc3339)
        text.write("\"")
        // Without it the description is the last one (§5.3.1.2).
        if index.isEnded {
            write("mediaPresentationDuration", sinceEpoch: end, into: &text)
        } else {
            write("minimumUpdatePeriod", index.settings.segmentDuration, into: &text)
        }
        write("timeShiftBufferDepth", index.segments.reduce(.zero) { $0 + $1.duration }, into: &text)
        write("maxSegmentDuration", target, into: &text)
        write("minBufferTime", target, into: &text)
        let delay = MediaTime(ticks: target.ticks * Self.presentationDelayTargets)
        write("suggestedPresentationDelay", delay, into: &text)
        text.write(">\n")
    }

    /// Where the last segment ends, by the time of day at which its timeline began.
    private var end: WallTime {
        guard let last = index.segments.last else { return WallTime(milliseconds: 0) }
        let media = last.mediaTime + last.duration - last.timelineStart.mediaTime
        return WallTime(milliseconds: last.timelineStart.wallTime.milliseconds + media.ticks / 90)
    }

    // MARK: Periods

    private func write(
        _ segments: ArraySlice<SegmentIndex.Segment>,
        token: String?,
        into text: inout PlaylistText
    ) {
        guard let first = segments.first else { return }
        text.write("  <Period id=\"")
        text.write(index.epoch.value)
        text.write("-")
        text.write(first.discontinuity)
        text.write("\"")
        write("start", sinceEpoch: first.timelineStart.wallTime, into: &text)
        text.write(">\n")
        for (number, one) in components.enumerated() {
            text.write("    <AdaptationSet id=\"")
            text.write(number)
            text.write("\" contentType=\"")
            text.write(one.component.rawValue)
            text.write("\" mimeType=\"")
            text.write(one.component.rawValue)
            text.write("/mp4\" segmentAlignment=\"true\" startWithSAP=\"1\">\n")
            writeRepresentation(one.component, one.codec, sampleRate: one.sampleRate, into: &text)
            writeTemplate(first, one.component, token: token, into: &text)
            for segment in segments {
                text.write("            <S t=\"")
                text.write(segment.mediaTime.ticks)
                text.write("\" d=\"")
                text.write(segment.duration.ticks)
                text.write("\"/>\n")
            }
            text.write("          </SegmentTimeline>\n        </SegmentTemplate>\n      </Representation>\n")
            text.write("    </AdaptationSet>\n")
        }
        text.write("  </Period>\n")
    }

    /// Sound takes little of the bandwidth, and what it takes nobody counts apart.
    private static let soundBitsPerSecond: UInt64 = 160_000

    private func writeRepresentation(
        _ component: SegmentComponent,
        _ codec: String,
        sampleRate: Int?,
        into text: inout PlaylistText
    ) {
        text.write("      <Representation id=\"")
        text.write(component.rendition(of: rendition))
        text.write("\" bandwidth=\"")
        text.write(component == .video ? variant.bandwidth : min(variant.bandwidth, Self.soundBitsPerSecond))
        text.write("\" codecs=\"")
        text.write(codec)
        text.write("\"")
        if component == .video, variant.width > 0, variant.height > 0 {
            text.write(" width=\"")
            text.write(variant.width)
            text.write("\" height=\"")
            text.write(variant.height)
            text.write("\"")
        }
        if let sampleRate, component == .audio {
            text.write(" audioSamplingRate=\"")
            text.write(sampleRate)
            text.write("\"")
        }
        text.write(">\n")
    }

    private func writeTemplate(
        _ first: SegmentIndex.Segment,
        _ component: SegmentComponent,
        token: String?,
        into text: inout PlaylistText
    ) {
        text.write("        <SegmentTemplate timescale=\"")
        text.write(MediaTime.ticksPerSecond)
        text.write("\" presentationTimeOffset=\"")
        text.write(first.timelineStart.mediaTime.ticks)
        text.write("\" startNumber=\"")
        text.write(first.sequence)
        text.write("\" initialization=\"")
        writeStem(component, into: &text)
        text.write("init")
        text.write(first.discontinuity)
        text.write(".mp4")
        write(token: token, into: &text)
        text.write("\" media=\"")
        writeStem(component, into: &text)
        text.write("$Number$.m4s")
        write(token: token, into: &text)
        text.write("\">\n          <SegmentTimeline>\n")
    }

    private func writeStem(_ component: SegmentComponent, into text: inout PlaylistText) {
        text.write(component.rendition(of: rendition))
        text.write("-")
        text.write(index.epoch.value)
        text.write("-")
    }

    private func write(token: String?, into text: inout PlaylistText) {
        guard let token else { return }
        text.write("?token=")
        text.write(percentEncoding: token)
    }

    // MARK: Durations

    private func write(_ name: StaticString, _ duration: MediaTime, into text: inout PlaylistText) {
        text.write(" ")
        text.write(name)
        text.write("=\"PT")
        text.write(thousandths: UInt64(max(duration.ticks, 0)) / 90)
        text.write("S\"")
    }

    private func write(_ name: StaticString, sinceEpoch time: WallTime, into text: inout PlaylistText) {
        text.write(" ")
        text.write(name)
        text.write("=\"PT")
        text.write(thousandths: UInt64(max(time.milliseconds, 0)))
        text.write("S\"")
    }
}
