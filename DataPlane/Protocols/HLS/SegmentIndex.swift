package import MediaModel
package import Timebase

/// All that a media playlist says, as plain data. A node that joins late gets its parent's and lists the same playlist.
package struct SegmentIndex: Hashable, Sendable {
    package struct Part: Hashable, Sendable {
        package var duration: MediaTime
        package var isIndependent: Bool
        package var byteCount: Int

        package init(duration: MediaTime, isIndependent: Bool, byteCount: Int) {
            self.duration = duration
            self.isIndependent = isIndependent
            self.byteCount = byteCount
        }
    }

    /// Where media of one continuous timeline began.
    package struct TimelineStart: Hashable, Sendable {
        package var wallTime: WallTime
        package var mediaTime: MediaTime

        package init(wallTime: WallTime, mediaTime: MediaTime) {
            self.wallTime = wallTime
            self.mediaTime = mediaTime
        }
    }

    package struct Segment: Hashable, Sendable {
        package var sequence: UInt64
        /// Also the number of its initialization section.
        package var discontinuity: UInt64
        package var isDiscontinuous: Bool
        package var wallTime: WallTime
        package var mediaTime = MediaTime.zero
        /// The first segment of this discontinuity number, as far back as this index has known it.
        package var timelineStart: TimelineStart
        package var isIndependent = true
        package var duration = MediaTime.zero
        package var byteCount = 0
        /// Empty once the segment is too far from the end for a player to want its parts.
        package var parts: [Part] = []

        package init(sequence: UInt64, discontinuity: UInt64, isDiscontinuous: Bool, wallTime: WallTime) {
            self.sequence = sequence
            self.discontinuity = discontinuity
            self.isDiscontinuous = isDiscontinuous
            self.wallTime = wallTime
            timelineStart = TimelineStart(wallTime: wallTime, mediaTime: .zero)
        }

        mutating func append(_ part: Part) {
            if parts.isEmpty { isIndependent = part.isIndependent }
            duration = duration + part.duration
            byteCount += part.byteCount
            parts.append(part)
        }
    }

    package var epoch: Epoch
    package var settings: PackagingSettings
    /// EXT-X-TARGETDURATION. Set by the first segment, which the cutter lets no other exceed; grows only when media is
    /// missing where it would have cut.
    package var targetDurationSeconds: Int64
    /// Longest part of this epoch, rounded up to 10 ms; zero before the first.
    package var longestPart = MediaTime.zero
    /// Complete segments, oldest first, without holes.
    package var segments: [Segment] = []
    /// The segment whose parts are being made.
    package var open: Segment?
    package var isEnded = false

    /// The index of a stream that has yet to begin.
    package init(epoch: Epoch, settings: PackagingSettings) {
        self.epoch = epoch
        self.settings = settings
        targetDurationSeconds = max(settings.segmentDuration.wholeSeconds, 1)
    }

    /// Upper bound of a part's duration: what was seen, and before the first part what is wanted.
    package var partTarget: MediaTime { longestPart > .zero ? longestPart : settings.partDuration }
}

extension MediaTime {
    /// To the nearest second, as EXT-X-TARGETDURATION is compared (RFC 8216 §4.3.3.1).
    var wholeSeconds: Int64 { (ticks + Self.ticksPerSecond / 2) / Self.ticksPerSecond }

    func roundedUp(toMilliseconds step: Int64) -> MediaTime {
        let unit = step * 90
        return MediaTime(ticks: (ticks + unit - 1) / unit * unit)
    }
}
