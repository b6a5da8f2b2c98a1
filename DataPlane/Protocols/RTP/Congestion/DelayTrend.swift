/// Finds out from when packets were sent and when they arrived whether a queue on their way grows: the trendline filter and
/// the adaptive threshold of draft-ietf-rmcat-gcc-02 (§5.2–5.4), with a line fitted by least squares in place of the Kalman
/// filter.
package struct DelayTrend: Sendable {
    package enum Usage: Hashable, Sendable {
        case normal
        case over
        case under
    }

    private struct Group {
        var firstSend: Int64
        var lastSend: Int64
        var lastArrival: Int64
    }

    /// Packets sent within this are one group: pacers and video frames send in bursts.
    private static let groupMicroseconds: Int64 = 5000
    private static let windowCount = 20
    private static let smoothing = 0.9
    private static let gain = 4.0
    private static let overuseMilliseconds = 10.0

    package private(set) var usage = Usage.normal

    private var current: Group?
    private var previous: Group?
    private var samples: [(time: Double, delay: Double)] = []
    private var firstArrival: Int64?
    private var accumulated = 0.0
    private var smoothed = 0.0
    private var groupsSeen = 0
    private var threshold = 12.5
    private var lastUpdate: Double?
    private var overFor = 0.0
    private var lastTrend = 0.0

    package init() {}

    /// Times in microseconds, each on its own clock.
    package mutating func add(sent: Int64, arrived: Int64) {
        guard var group = current else {
            current = Group(firstSend: sent, lastSend: sent, lastArrival: arrived)
            return
        }
        guard sent >= group.firstSend else { return }
        if sent - group.firstSend <= Self.groupMicroseconds {
            group.lastSend = max(group.lastSend, sent)
            group.lastArrival = max(group.lastArrival, arrived)
            current = group
            return
        }
        if let previous { measure(previous, group) }
        previous = group
        current = Group(firstSend: sent, lastSend: sent, lastArrival: arrived)
    }

    private mutating func measure(_ earlier: Group, _ later: Group) {
        let sendDelta = Double(later.lastSend - earlier.lastSend) / 1000
        let arrivalDelta = Double(later.lastArrival - earlier.lastArrival) / 1000
        // A path that changed, or a clock that stepped: nothing of before compares.
        guard abs(arrivalDelta - sendDelta) < 3000 else {
            samples.removeAll()
            (accumulated, smoothed) = (0, 0)
            return
        }
        groupsSeen += 1
        firstArrival = firstArrival ?? later.lastArrival
        accumulated += arrivalDelta - sendDelta
        smoothed = Self.smoothing * smoothed + (1 - Self.smoothing) * accumulated
        let time = Double(later.lastArrival - (firstArrival ?? 0)) / 1000
        samples.append((time, smoothed))
        if samples.count > Self.windowCount { samples.removeFirst() }
        guard samples.count == Self.windowCount, let slope else { return }
        detect(Double(min(groupsSeen, 60)) * slope * Self.gain, slope, sendDelta, time)
    }

    /// Of the line through the samples; nil when they lie on one instant.
    private var slope: Double? {
        let count = Double(samples.count)
        let meanTime = samples.reduce(0) { $0 + $1.time } / count
        let meanDelay = samples.reduce(0) { $0 + $1.delay } / count
        let spread = samples.reduce(0) { $0 + ($1.time - meanTime) * ($1.time - meanTime) }
        guard spread > 0 else { return nil }
        return samples.reduce(0) { $0 + ($1.time - meanTime) * ($1.delay - meanDelay) } / spread
    }

    private mutating func detect(_ trend: Double, _ slope: Double, _ sendDelta: Double, _ time: Double) {
        if trend > threshold {
            overFor += sendDelta
            if overFor > Self.overuseMilliseconds, slope >= lastTrend { usage = .over }
        } else {
            overFor = 0
            usage = trend < -threshold ? .under : .normal
        }
        lastTrend = slope
        adaptThreshold(to: abs(trend), time)
    }

    /// §5.4: up fast, down slowly, so that TCP beside us does not starve us.
    private mutating func adaptThreshold(to trend: Double, _ time: Double) {
        let elapsed = min(time - (lastUpdate ?? time), 100)
        lastUpdate = time
        guard trend <= threshold + 15 else { return }
        let speed = trend < threshold ? 0.039 : 0.0087
        threshold = min(max(threshold + speed * (trend - threshold) * elapsed, 6), 600)
    }
}
