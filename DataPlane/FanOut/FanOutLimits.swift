package import Timebase

/// What a lane keeps for slow viewers, and when it stops waiting for them.
package struct FanOutLimits: Sendable {
    package enum SlowViewer: Sendable {
        /// Skip ahead to the newest keyframe; a viewer that never catches up is dropped.
        case skip
        /// Close: whoever reads must have everything (a relay child).
        case close
    }

    package var slowViewer = SlowViewer.skip
    /// A viewer further behind than this is skipped: about 8 s of a 4 Mbit/s stream.
    package var lagBytesMax = 4 << 20
    package var lagDurationMax = MediaTime(seconds: 8)
    /// Skips in a row, without catching up between, before a viewer is dropped.
    package var skipsMax = 3
    /// A write of which the peer takes nothing for this long belongs to a dead or stopped one.
    package var stallMax = Duration.seconds(10)
    /// Frames kept in one lane, whatever viewers wait for.
    package var ringBytesMax = 16 << 20
    /// As above, for frames that are nearly all header: 16 s of 1,000 frames a second.
    package var ringFramesMax = 16_000
    /// A keyframe older than this starts nobody: a late comer would play that far behind. As long as the GOP cache.
    package var startAgeMax = MediaTime(seconds: 12)
    /// Control messages one viewer may have waiting.
    package var controlBytesMax = 64 << 10
    /// Bytes gathered into one write where the socket cannot be written directly (TLS).
    package var gatherBytesMax = 256 << 10

    package init() {}
}
