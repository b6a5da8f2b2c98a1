package struct BandwidthLimits: Hashable, Sendable {
    package var bitsPerSecondMin = 50_000.0
    package var bitsPerSecondStart = 1_000_000.0
    package var bitsPerSecondMax = 100_000_000.0

    package init() {}
}

/// Additive and multiplicative increase, multiplicative decrease (draft-ietf-rmcat-gcc-02 §5.5).
struct RateControl: Sendable {
    private enum State {
        case increase
        case hold
        case decrease
    }

    private static let backOff = 0.85

    private let limits: BandwidthLimits
    private(set) var bitsPerSecond: Double
    private var state = State.increase
    private var lastChange: Int64?
    /// What the path carried when it was last overused, smoothed, and how far that varied.
    private var linkCapacity: (mean: Double, deviation: Double)?

    /// Of a burst, in bits per second, until more has come through by half.
    private var shownLimit: Double?
    var wasShownLimit: Bool { shownLimit != nil }

    var hasMetLimit: Bool { linkCapacity != nil }

    init(limits: BandwidthLimits) {
        self.limits = limits
        bitsPerSecond = limits.bitsPerSecondStart
    }

    /// `time` in microseconds; `carried` is what arrived at the other side.
    mutating func update(_ usage: DelayTrend.Usage, carried: Double?, roundTrip: Double, at time: Int64) {
        let elapsed = min(Double(time - (lastChange ?? time)) / 1_000_000, 1)
        lastChange = time
        switch usage {
        case .over: state = .decrease
        case .under: state = .hold
        case .normal: state = .increase
        }
        switch state {
        case .hold: break
        case .increase: increase(carried, elapsed, roundTrip)
        case .decrease: decrease(carried)
        }
        bitsPerSecond = min(max(bitsPerSecond, limits.bitsPerSecondMin), limits.bitsPerSecondMax)
    }

    private mutating func increase(_ carried: Double?, _ elapsed: Double, _ roundTrip: Double) {
        if let carried, let capacity = linkCapacity, carried > capacity.mean + 3 * capacity.deviation {
            linkCapacity = nil
        }
        if let carried, let shownLimit, carried > 1.5 * shownLimit { self.shownLimit = nil }
        let before = bitsPerSecond
        if linkCapacity != nil {
            // Near what it carried: a packet more per response time.
            let response = roundTrip + 0.1
            bitsPerSecond += max(4000, 1200 * 8 / response) * elapsed
        } else {
            bitsPerSecond *= 1 + 0.08 * elapsed
        }
        // Without traffic there is no proof that more would go.
        if let carried { bitsPerSecond = max(before, min(bitsPerSecond, 1.5 * carried + 10_000)) }
    }

    private mutating func decrease(_ carried: Double?) {
        let carried = carried ?? bitsPerSecond
        if let capacity = linkCapacity, carried < capacity.mean - 3 * capacity.deviation { linkCapacity = nil }
        let mean = linkCapacity.map { $0.mean * 0.95 + carried * 0.05 } ?? carried
        linkCapacity = (mean, max(mean * 0.05, 10_000))
        bitsPerSecond = min(bitsPerSecond, Self.backOff * carried)
    }

    /// A train of packets has shown what the path carries.
    mutating func limitShown(_ carried: Double) {
        linkCapacity = (carried, max(carried * 0.05, 10_000))
        shownLimit = carried
        bitsPerSecond = min(max(Self.backOff * carried, limits.bitsPerSecondMin), limits.bitsPerSecondMax)
    }

    mutating func cap(at limit: Double) { bitsPerSecond = min(bitsPerSecond, max(limit, limits.bitsPerSecondMin)) }
}
