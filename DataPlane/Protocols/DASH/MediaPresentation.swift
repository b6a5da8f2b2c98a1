package import HLS
package import MediaModel
package import Timebase

package import struct NIOCore.ByteBuffer

/// Renders the media presentation description of a live stream (ISO/IEC 23009-1, live profile) from the indexes of its
/// renditions.
///
/// The description lies in `/{app}/streams/{id}/`, beside the objects that HLS plays too. Each discontinuity number of the
/// source is a period, in which every rendition that has segments is a representation. The segment that is being made is
/// listed too: who asks for it gets its chunks as they come. The bytes depend on nothing but the arguments, and but for `now`
/// they are equal on all nodes for equal indexes.
package struct MediaPresentation: Sendable {
    /// Target durations a player keeps between itself and the end, as HLS players do; less where there are fewer.
    package static let presentationDelayTargets: Int64 = 3

    private let source: Rendition
    private let renditions: [Rendition]
    private var index: SegmentIndex { source.index }

    /// - Parameter rungs: of the same source; those of another epoch are left out.
    package init(source: Rendition, rungs: [Rendition] = []) {
        self.source = source
        renditions = [source] + rungs.filter { $0.index.epoch == source.index.epoch }
    }

    /// - Parameters:
    ///   - now: this node's time of day, for players whose clocks are wrong.
    ///   - token: the request's own token, repeated on every URL.
    package func render(at now: WallTime, token: String? = nil) -> ByteBuffer {
        var text = PlaylistText(capacity: 2048 + renditions.count * index.segments.count * 64)
        text.write("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")
        writeRoot(into: &text)
        writeService(into: &text)
        for period in periods { write(period, token: token, into: &text) }
        text.write("  <UTCTiming schemeIdUri=\"urn:mpeg:dash:utc:direct:2014\" value=\"")
        text.write(now.rfc3339)
        text.write("\"/>\n</MPD>\n")
        return text.bytes
    }

    /// Times of day count from 1970, so that a period begins where its first segment did, on every node.
    private func writeRoot(into text: inout PlaylistText) {
        let target = MediaTime(seconds: Double(index.targetDurationSeconds))
        let depth = index.segments.reduce(.zero) { $0 + $1.duration }
        text.write("<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" profiles=\"urn:mpeg:dash:profile:isoff-live:2011\"")
        text.write(" type=\"dynamic\" availabilityStartTime=\"1970-01-01T00:00:00Z\" publishTime=\"")
        text.write(end.rfc3339)
        text.write("\"")
        // Without it the description is the last one (§5.3.1.2).
        if index.isEnded {
            text.write("mediaPresentationDuration", sinceEpoch: end)
        } else {
            text.write("minimumUpdatePeriod", index.settings.segmentDuration)
        }
        text.write("timeShiftBufferDepth", depth)
        text.write("maxSegmentDuration", target)
        text.write("minBufferTime", target)
        let delay = MediaTime(ticks: target.ticks * Self.presentationDelayTargets)
        text.write("suggestedPresentationDelay", min(depth, delay))
        text.write(">\n")
    }

    /// Parts a low-latency player keeps between itself and the end, and those at which it hurries or jumps.
    private static let latencyParts = (target: Int64(10), min: Int64(5), max: Int64(30))

    /// What a low-latency player aims at (annex K); others keep the suggested delay.
    private func writeService(into text: inout PlaylistText) {
        guard !index.isEnded else { return }
        let part = index.partTarget.milliseconds
        text.write("  <ServiceDescription id=\"0\">\n    <Latency target=\"")
        text.write(part * Self.latencyParts.target)
        text.write("\" min=\"")
        text.write(part * Self.latencyParts.min)
        text.write("\" max=\"")
        text.write(part * Self.latencyParts.max)
        text.write("\"/>\n    <PlaybackRate min=\"0.96\" max=\"1.04\"/>\n  </ServiceDescription>\n")
    }

    /// Where the last segment ends, by the time of day at which its timeline began.
    private var end: WallTime {
        guard let last = index.segments.last else { return WallTime(milliseconds: 0) }
        let media = last.mediaTime + last.duration - last.timelineStart.mediaTime
        return WallTime(milliseconds: last.timelineStart.wallTime.milliseconds + media.ticks / 90)
    }

    // MARK: Periods

    /// Segments of one discontinuity number: one initialization section and one timeline.
    private struct Period {
        let discontinuity: UInt64
        /// The source's: a rung may have begun later.
        let start: SegmentIndex.TimelineStart
    }

    private var periods: [Period] {
        (index.segments + index.listedOpen).reduce(into: []) { periods, segment in
            guard periods.last?.discontinuity != segment.discontinuity, source.tracks[segment.discontinuity] != nil
            else { return }
            periods.append(Period(discontinuity: segment.discontinuity, start: segment.timelineStart))
        }
    }

    private func write(_ period: Period, token: String?, into text: inout PlaylistText) {
        text.write("  <Period id=\"")
        text.write(index.epoch.value)
        text.write("-")
        text.write(period.discontinuity)
        text.write("\"")
        text.write("start", sinceEpoch: period.start.wallTime)
        text.write(">\n")
        var number = 0
        for component in SegmentComponent.allCases {
            // Who changes between pictures keeps the sound: there is one for all, the source's.
            let choice = component == .audio ? [source] : renditions
            let representations = choice.compactMap {
                Representation($0, component, period.discontinuity, offset: period.start.mediaTime)
            }
            guard !representations.isEmpty else { continue }
            text.write("    <AdaptationSet id=\"")
            text.write(number)
            text.write("\" contentType=\"")
            text.write(component.rawValue)
            text.write("\" mimeType=\"")
            text.write(component.rawValue)
            text.write("/mp4\" segmentAlignment=\"true\" startWithSAP=\"1\">\n")
            for representation in representations { representation.write(into: &text, token: token) }
            text.write("    </AdaptationSet>\n")
            number += 1
        }
        text.write("  </Period>\n")
    }
}

extension MediaPresentation {
    /// What a description says of one rendition.
    package struct Rendition: Sendable {
        package let name: String
        package let index: SegmentIndex
        /// As the multivariant playlist says it.
        package var bandwidth: UInt64
        /// By discontinuity number, as its initialization section has them. A period whose tracks are not known is left out.
        package let tracks: [UInt64: [Track]]

        package init(
            name: String,
            index: SegmentIndex,
            bandwidth: UInt64,
            tracks: [UInt64: [Track]]
        ) {
            self.name = name
            self.index = index
            self.bandwidth = bandwidth
            self.tracks = tracks
        }
    }
}
