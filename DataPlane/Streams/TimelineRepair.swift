package import MediaModel
package import Timebase

/// Turns a publisher's timestamps into the stream's one growing timeline.
///
/// - The first unit of a tenure lands on the resume point, and none before it; tracks share one offset, so they stay in
///   sync.
/// - A jump (a restarted encoder, a looped file, a wrapped counter) moves the offset so that the timeline goes on. The other
///   tracks take the new offset over when their stamps have jumped too, and keep their own when not.
/// - A track that was silent comes back beside the others: only what is ahead of all tracks has jumped forward.
/// - Within a track decode times strictly grow, by at least a millisecond: RTMP and FLV cannot tell nearer ones apart. A picture
///   that is decoded later for that is still shown at its time: one of a new codec that reorders is decoded before the last
///   one of a codec that did not.
/// - Audio is laid on its own sample grid while it stays near it: millisecond rounding never reaches a packager.
package struct TimelineRepair: Sendable {
    private struct TrackClock {
        let track: TrackID
        var last: MediaTime
        var offset: MediaTime
        /// Where audio frames start if nothing is lost.
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

    /// The newest one of any track.
    private var sharedOffset: MediaTime?
    private let start: MediaTime
    private var latest: MediaTime
    /// One for each track, a handful: found by looking at each.
    private var clocks: [TrackClock] = []
    private let limits: TimelineLimits

    package init(startingAt start: MediaTime, limits: TimelineLimits = TimelineLimits()) {
        self.start = start
        latest = start
        self.limits = limits
    }

    /// A unit as its publisher stamped it, on the stream's timeline.
    package mutating func place(_ unit: AccessUnit, frame: AudioFrameDuration?) -> AccessUnit {
        let index = clocks.firstIndex { $0.track == unit.track }
        let clock = index.map { clocks[$0] }
        let offset = offset(for: unit.decodeTime, clock)
        let meant = unit.decodeTime + offset
        var time = max(meant, start)
        if let clock, time - clock.last < limits.stepMin, frame == nil { time = clock.last + limits.stepMin }
        var grid: SampleGrid?
        if let frame { (time, grid) = snap(time, to: clock, frame: frame) }
        latest = max(latest, time)
        let next = TrackClock(track: unit.track, last: time, offset: offset, grid: grid)
        if let index { clocks[index] = next } else { clocks.append(next) }
        var placed = unit
        placed.decodeTime = time
        if unit.compositionOffset > .zero {
            placed.compositionOffset = max(meant + unit.compositionOffset - time, .zero)
        }
        return placed
    }

    /// The time of a data message stamped `stamp`: beside the media, which it does not move. One that is stamped far from the
    /// media, as some always are with zero, goes where the media is.
    package func place(beside stamp: MediaTime) -> MediaTime {
        guard let sharedOffset else { return start }
        let time = stamp + sharedOffset
        return isJump(time, from: latest) ? latest : max(time, start)
    }

    private mutating func offset(for stamp: MediaTime, _ clock: TrackClock?) -> MediaTime {
        guard let shared = sharedOffset else {
            sharedOffset = start - stamp
            return start - stamp
        }
        let last = clock?.last ?? latest
        // How far outside the time between the track's newest unit and the stream's.
        func distance(_ offset: MediaTime) -> MediaTime { max(.zero, stamp + offset - latest, last - stamp - offset) }
        let own = clock?.offset ?? shared
        let nearer = distance(own) <= distance(shared) ? own : shared
        guard isJump(stamp + nearer, from: last) else { return nearer }
        jumpCount += 1
        let target = clock.map { $0.grid?.next ?? $0.last + limits.gapAfterJump } ?? latest
        let moved = max(target, latest - limits.interleaveMax) - stamp
        sharedOffset = moved
        return moved
    }

    private func isJump(_ time: MediaTime, from last: MediaTime) -> Bool {
        time - latest > limits.forwardJumpMin || last - time > limits.backwardJumpMin
    }

    /// Where an audio frame near `time` starts: next on the track's grid, or first of a new one.
    private func snap(
        _ time: MediaTime,
        to clock: TrackClock?,
        frame: AudioFrameDuration
    ) -> (MediaTime, SampleGrid) {
        if var grid = clock?.grid, grid.samplesPerFrame == frame.samples, grid.rate == frame.rate {
            let next = grid.next
            if time - next < limits.audioSnapMax, next - time < limits.audioSnapMax {
                grid.frames += 1
                return (next, grid)
            }
        }
        let anchor = clock.map { max(time, $0.last + limits.stepMin) } ?? time
        return (anchor, SampleGrid(anchor: anchor, frames: 1, samplesPerFrame: frame.samples, rate: frame.rate))
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
