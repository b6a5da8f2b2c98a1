package import Timebase

package struct RenditionChoiceLimits: Hashable, Sendable {
    package var interval = Duration.milliseconds(500)
    /// Rates vary: pictures may fill so much of what a path is known to carry.
    package var usablePercent = 85
    /// In a row, before a step down; one is enough where the path loses what it does not carry.
    package var strikes = 2
    /// A path that carries the next rendition must have done so for this long.
    package var settling = Duration.seconds(4)
    /// What a path carries shows only when it is filled, so a quiet one is tried after so long, and later after each try that
    /// had to be taken back.
    package var tryAfter = Duration.seconds(10)
    package var tryAfterMax = Duration.seconds(160)
    /// A step up that is taken back within this was a try that failed.
    package var trial = Duration.seconds(20)

    package init() {}
}

/// Which rendition a player gets, by what its path has shown that it carries. Judged every `interval`.
package struct RenditionChoice: Sendable {
    private let limits: RenditionChoiceLimits
    private var strikes = 0
    private var quietSince: MonotonicInstant?
    private var steppedUpAt: MonotonicInstant?
    private var tryAfter: Duration

    package init(limits: RenditionChoiceLimits = RenditionChoiceLimits()) {
        self.limits = limits
        tryAfter = limits.tryAfter
    }

    /// The place in `heights`, the stream's own first, of what has so many lines or the next fewer; of the lowest where all have
    /// more.
    package static func place(of wanted: Int, heights: [Int]) -> Int {
        let fewer = heights.indices.filter { heights[$0] <= wanted }
        let nearest = fewer.max { heights[$0] < heights[$1] } ?? heights.indices.min { heights[$0] < heights[$1] }
        return nearest ?? 0
    }

    /// The place in `bitrates`, highest first, of what is to be played.
    package mutating func judge(
        _ path: PathReport,
        bitrates: [Int],
        current: Int,
        at now: MonotonicInstant
    ) -> Int {
        guard bitrates.indices.contains(current) else { return current }
        let capacity = path.capacityBitsPerSecond
        if !fits(bitrates[current], capacity) { return stepDown(path, bitrates, current, at: now) }
        strikes = 0
        let since = quietSince ?? now
        quietSince = since
        guard current > 0 else { return current }
        let isKnown = capacity != nil && fits(bitrates[current - 1], capacity)
        guard now - since >= (isKnown ? limits.settling : tryAfter) else { return current }
        if let steppedUpAt, now - steppedUpAt >= limits.trial { tryAfter = limits.tryAfter }
        (quietSince, steppedUpAt) = (now, now)
        return current - 1
    }

    private mutating func stepDown(
        _ path: PathReport,
        _ bitrates: [Int],
        _ current: Int,
        at now: MonotonicInstant
    ) -> Int {
        quietSince = nil
        strikes += 1
        guard path.isLosing || strikes >= limits.strikes, current < bitrates.count - 1 else { return current }
        strikes = 0
        if let steppedUpAt, now - steppedUpAt < limits.trial { tryAfter = min(tryAfter * 2, limits.tryAfterMax) }
        steppedUpAt = nil
        let capacity = path.capacityBitsPerSecond
        return bitrates.indices.first { $0 > current && fits(bitrates[$0], capacity) } ?? bitrates.count - 1
    }

    private func fits(_ bitrate: Int, _ capacity: Int?) -> Bool {
        capacity.map { bitrate <= $0 / 100 * limits.usablePercent } ?? true
    }
}
