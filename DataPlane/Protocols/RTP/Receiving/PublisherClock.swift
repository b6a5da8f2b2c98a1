import DequeModule
package import Timebase

/// How a publisher's clock stands to ours, from when its sender reports come. The one that was quickest shows it best; what
/// it took on its way stays in the result.
package struct PublisherClock: Sendable {
    /// A report a second, so that drifting clocks are followed.
    private static let reportsMax = 32

    private var offsets: Deque<Int64> = []

    package init() {}

    /// What to add to our clock to get the publisher's, in units of 2⁻³² s. Nil before its first report.
    package var offset: Int64? { offsets.max() }

    package mutating func received(_ report: SenderReport, ntp now: NTPTime) {
        if offsets.count >= Self.reportsMax { offsets.removeFirst() }
        offsets.append(report.ntpTime.offset(from: now))
    }
}
