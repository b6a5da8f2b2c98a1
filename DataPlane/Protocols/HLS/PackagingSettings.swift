package import Timebase

/// What segments are.
package enum SegmentContainer: UInt8, Hashable, Sendable {
    /// CMAF: fragments, and initialization sections beside them. What DASH plays too.
    case fragmentedMP4
    /// MPEG-TS: each segment begins with its tables, for old players.
    case transportStream
}

/// How a stream is cut. Chosen at the origin; other nodes learn them from the `SegmentIndex`.
package struct PackagingSettings: Hashable, Sendable {
    /// A segment ends at the first keyframe at least this far in.
    package var segmentDuration = MediaTime(milliseconds: 2000)
    /// Longest part. Shorter means less latency and more requests.
    package var partDuration = MediaTime(milliseconds: 200)
    /// Complete segments in a playlist.
    package var windowSegments = 6
    package var container = SegmentContainer.fragmentedMP4

    package init() {}

    package init(
        segmentDuration: MediaTime,
        partDuration: MediaTime,
        windowSegments: Int,
        container: SegmentContainer = .fragmentedMP4
    ) {
        self.segmentDuration = segmentDuration
        self.partDuration = partDuration
        self.windowSegments = windowSegments
        self.container = container
    }
}

/// Bounds on what a publisher can make the cutter do.
package struct CutterLimits: Hashable, Sendable {
    /// A segment without a keyframe is cut hard after this many segment durations: a player that joins there waits for the
    /// next keyframe, but memory and target duration stay bounded.
    package var segmentDurationsMax: Int64 = 10
    /// Video that pauses longer than this no longer holds the audio back.
    package var videoPauseMax = MediaTime(milliseconds: 1000)
    /// A jump longer than this between two access units is a break in the timeline, not a long frame.
    package var timelineGapMax = MediaTime(milliseconds: 3000)
    /// Millisecond clocks put a 2 s group of pictures at 1,999 ms, and six 30 Hz frames at 201 ms.
    package var segmentRounding = MediaTime(milliseconds: 20)
    package var partRounding = MediaTime(milliseconds: 1)

    package init() {}
}
