import Timebase

/// Keeps decoded sound in step with its time stamps: encoders count samples, publishers lose and repeat them.
package struct SampleAligner: Sendable {
    package enum Placement: Hashable, Sendable {
        /// The block follows the last one.
        case follows
        /// Something is missing before it.
        case afterSilence(frames: Int)
        /// Its beginning was heard already.
        case withoutFirst(frames: Int)
        /// It belongs elsewhere: count from its time.
        case restarts
    }

    /// Half of the sync error that is allowed: rounding of time stamps stays below.
    private static let tolerance = MediaTime(milliseconds: 10)
    /// What a longer hole or overlap is filled with or cut by would not be sound any more.
    private static let correctionMax = MediaTime(seconds: 1)

    private var anchor: MediaTime?
    private var rate: Int64 = 0
    private var frames: Int64 = 0

    package init() {}

    package mutating func place(_ block: SampleBlock) -> Placement {
        let count = Int64(block.frames)
        guard let anchor, rate == Int64(block.rate) else { return restart(block) }
        let deviation = block.time - (anchor + MediaTime(samples: frames, rate: rate))
        let magnitude = deviation < .zero ? .zero - deviation : deviation
        if magnitude >= Self.correctionMax { return restart(block) }
        guard magnitude >= Self.tolerance else {
            frames += count
            return .follows
        }
        let distance = magnitude.samples(atRate: rate)
        if deviation > .zero {
            frames += distance + count
            return .afterSilence(frames: Int(distance))
        }
        let dropped = min(distance, count)
        frames += count - dropped
        return .withoutFirst(frames: Int(dropped))
    }

    private mutating func restart(_ block: SampleBlock) -> Placement {
        anchor = block.time
        rate = Int64(block.rate)
        frames = Int64(block.frames)
        return .restarts
    }
}
