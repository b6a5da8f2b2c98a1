package import NIOCore

/// When frames that wait are written to all viewers of a lane.
///
/// Nearly all the cost of a fan-out is the number of writes, so under load frames travel together; without load nothing
/// waits.
package struct MergePolicy: Sendable {
    package enum Mode: Hashable, Sendable {
        case immediate
        /// Sound waits for the next picture, at most `audioHoldMax`; pictures go at once.
        case holdAudio
        /// Everything waits up to this long after the first frame that waits.
        case window(TimeAmount)
    }

    /// A frame interval at 25 fps: sound seldom waits longer for a picture.
    package static let audioHoldMax = TimeAmount.milliseconds(40)
    private static let adaptiveWindowMax = 50.0

    /// Share of the loop's time spent on writes at which sound begins, and stops, to be held. Holding itself halves the
    /// load, hence the distance.
    private static let holdFrom = 0.10
    private static let holdUntil = 0.03
    /// Load at which pictures begin to wait, and at which they wait longest.
    private static let windowFrom = 0.60
    private static let windowFull = 0.90

    package private(set) var mode = Mode.immediate
    private let fixedMilliseconds: Int?

    /// `fixedMilliseconds` is the app's setting; nil adapts to the load.
    package init(fixedMilliseconds: Int?) {
        self.fixedMilliseconds = fixedMilliseconds
        if let fixedMilliseconds, fixedMilliseconds > 0 { mode = .window(.milliseconds(Int64(fixedMilliseconds))) }
    }

    package mutating func update(load: Double) {
        guard fixedMilliseconds == nil else { return }
        if load >= Self.windowFrom {
            let share = min(1, (load - Self.windowFrom) / (Self.windowFull - Self.windowFrom))
            mode = .window(.milliseconds(Int64(1 + share * (Self.adaptiveWindowMax - 1))))
        } else if load >= Self.holdFrom || (load >= Self.holdUntil && mode != .immediate) {
            mode = .holdAudio
        } else {
            mode = .immediate
        }
    }

    /// How long the frames at hand may still wait, counted from the first of them; zero is now.
    package func delay(allMayWait: Bool) -> TimeAmount {
        switch mode {
        case .immediate: .zero
        case .holdAudio: allMayWait ? Self.audioHoldMax : .zero
        case .window(let window): window
        }
    }
}

/// The share of an event loop's time that goes into fan-out writes, over about the last second. Used on its loop only.
package final class LoopLoad {
    private static let period = TimeAmount.milliseconds(250)
    private static let weight = 0.3

    package private(set) var share = 0.0
    private var busy = TimeAmount.zero
    private var periodStart: NIODeadline

    package init(now: NIODeadline) { periodStart = now }

    package func record(busy amount: TimeAmount, now: NIODeadline) {
        busy = busy + amount
        let elapsed = now - periodStart
        guard elapsed >= Self.period else { return }
        let current = min(1, Double(busy.nanoseconds) / Double(elapsed.nanoseconds))
        share += (current - share) * Self.weight
        busy = .zero
        periodStart = now
    }
}
