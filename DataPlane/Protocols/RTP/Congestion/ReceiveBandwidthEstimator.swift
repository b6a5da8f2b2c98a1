package import Timebase

/// Receive-side estimation from abs-send-time, told to the sender by REMB: for peers without transport-wide feedback.
package struct ReceiveBandwidthEstimator: Sendable {
    private static let reportInterval = Duration.seconds(1)
    /// A lower estimate is told at once.
    private static let notableDecrease = 0.97

    private var sendTimes = Unwrapper<UInt32>()
    private var trend = DelayTrend()
    private var incoming = RateMeter()
    private var control: RateControl
    private var lastReport: (at: MonotonicInstant, bitsPerSecond: Double)?

    package init(limits: BandwidthLimits = BandwidthLimits()) { control = RateControl(limits: limits) }

    package var bitsPerSecond: UInt64 { UInt64(control.bitsPerSecond) }

    package mutating func received(bytes: Int, absoluteSendTime: UInt32, at now: MonotonicInstant) {
        let arrival = now.nanoseconds / 1000
        // 6.18 fixed point, moved up to wrap at 32 bits: then 26 of them are below the second.
        let units = sendTimes.unwrap(absoluteSendTime << 8)
        incoming.add(bytes: bytes, at: arrival)
        trend.add(sent: ((units >> 8) * 1_000_000) >> 18, arrived: arrival)
        control.update(trend.usage, carried: incoming.bitsPerSecond, roundTrip: 0.1, at: arrival)
    }

    /// The rate to report, when one is due.
    package mutating func report(at now: MonotonicInstant) -> UInt64? {
        guard incoming.bitsPerSecond != nil else { return nil }
        if let lastReport, now < lastReport.at + Self.reportInterval,
            control.bitsPerSecond > lastReport.bitsPerSecond * Self.notableDecrease
        {
            return nil
        }
        lastReport = (now, control.bitsPerSecond)
        return bitsPerSecond
    }
}
