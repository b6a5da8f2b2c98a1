package import MediaModel
package import Timebase

/// Turns a publisher's timestamps into the stream's one growing timeline.
///
/// - The first unit of a tenure lands on the resume point; all tracks share one offset, so they stay in sync.
/// - A jump (a restarted encoder, a looped file, a wrapped counter) moves the offset so that the timeline goes on.
/// - Within a track decode times strictly grow, by at least a millisecond: RTMP and FLV cannot tell nearer ones apart.
/// - Audio is laid on its own sample grid while it stays near it: millisecond rounding never reaches a packager.
package struct TimelineRepair: Sendable {
    private struct TrackClock {
        var last: MediaTime
        /// Where the next audio frame starts if nothing was lost.
        var expectedNext: MediaTime?
        /// Samples since the grid was last anchored, for exact multiples of the frame duration.
        var grid: SampleGrid?
    }

    /// An anchor and a count of frames: frame n starts at `anchor` + n × `samplesPerFrame` ÷ `rate`, without drift.
    private struct SampleGrid {
        var anchor: MediaTime
        var frames: Int64
        let samplesPerFrame: Int64
        let rate: Int64

        var next: MediaTime { anchor + MediaTime(samples: frames * samplesPerFrame, rate: rate) }
    }

    package private(set) var jumpCount = 0

    private var offset: MediaTime?
    private let start: MediaTime
    private var latest: MediaTime
    private var clocks: [TrackID: TrackClock] = [:]
    private let limits: TimelineLimits

    package init(startingAt start: MediaTime, limits: TimelineLimits = TimelineLimits()) {
        self.start = start
        latest = start
        self.limits = limits
    }

    /// The decode time on the stream's timeline for a unit that its publisher stamped `stamp`.
    package mutating func place(_ stamp: MediaTime, track: TrackID, frame: AudioFrameDuration?) -> MediaTime {
        var time = stamp + offsetForFirst(stamp)
        if isJump(time, track: track) {
            jumpCount += 1
            // The other tracks will arrive with stamps near this one, so they follow the same offset.
            let target = clocks[track].map { $0.expectedNext ?? $0.last + limits.gapAfterJump } ?? latest
            offset = max(target, latest - limits.interleaveMax) - stamp
            time = stamp + (offset ?? .zero)
            clocks[track]?.grid = nil
        }
        if let clock = clocks[track], time - clock.last < limits.stepMin, frame == nil {
            time = clock.last + limits.stepMin
        }
        if let frame { time = snap(time, track: track, frame: frame) }
        latest = max(latest, time)
        let grid = clocks[track]?.grid
        clocks[track] = TrackClock(last: time, expectedNext: grid?.next, grid: grid)
        return time
    }

    private mutating func offsetForFirst(_ stamp: MediaTime) -> MediaTime {
        if let offset { return offset }
        let first = start - stamp
        offset = first
        return first
    }

    private func isJump(_ time: MediaTime, track: TrackID) -> Bool {
        let reference = clocks[track]?.last ?? latest
        return time - reference > limits.forwardJumpMin || reference - time > limits.backwardJumpMin
    }

    private mutating func snap(_ time: MediaTime, track: TrackID, frame: AudioFrameDuration) -> MediaTime {
        if var clock = clocks[track], var grid = clock.grid, grid.samplesPerFrame == frame.samples,
            grid.rate == frame.rate
        {
            let difference = time - grid.next
            if difference < limits.audioSnapMax, MediaTime.zero - difference < limits.audioSnapMax {
                let snapped = grid.next
                grid.frames += 1
                clock.grid = grid
                clocks[track] = clock
                return snapped
            }
        }
        let anchor = clocks[track].map { max(time, $0.last + limits.stepMin) } ?? time
        let grid = SampleGrid(anchor: anchor, frames: 1, samplesPerFrame: frame.samples, rate: frame.rate)
        clocks[track] = TrackClock(last: anchor, expectedNext: grid.next, grid: grid)
        return anchor
    }
}

/// How long one audio frame of a track plays.
package struct AudioFrameDuration: Hashable, Sendable {
    package var samples: Int64
    package var rate: Int64

    package init(samples: Int64, rate: Int64) {
        self.samples = samples
        self.rate = rate
    }
}

package struct TimelineLimits: Sendable {
    /// The least distance between two units of one track.
    package var stepMin = MediaTime(milliseconds: 1)
    /// A pause shorter than this is a pause of the picture and is kept.
    package var forwardJumpMin = MediaTime(seconds: 3)
    /// Interleaving and reordering stay well below.
    package var backwardJumpMin = MediaTime(seconds: 1)
    /// Where a track goes on after a jump when its frame duration is unknown: one frame at 25 fps.
    package var gapAfterJump = MediaTime(milliseconds: 40)
    /// How far behind the newest unit of the stream another track may go on after a jump.
    package var interleaveMax = MediaTime(seconds: 1)
    /// Beyond this, audio has really moved; below, it is rounding or jitter of the sender's clock.
    package var audioSnapMax = MediaTime(milliseconds: 40)

    package init() {}
}
