import Histogram
import Timebase

/// How a span of time was distributed: microseconds up to two minutes, three digits.
struct Spread {
    private var histogram = Histogram<UInt32>(highestTrackableValue: highestMicroseconds)
    private static let highestMicroseconds: UInt64 = 120_000_000

    mutating func record(_ duration: Duration) {
        let microseconds = UInt64(max(0, duration.nanoseconds / 1000))
        histogram.record(min(microseconds, Self.highestMicroseconds))
    }

    mutating func reset() { histogram.reset() }

    /// Nil when nothing was recorded.
    var summary: SpreadSummary? {
        guard histogram.totalCount > 0 else { return nil }
        func milliseconds(_ percentile: Double) -> Double {
            Double(histogram.valueAtPercentile(percentile)) / 1000
        }
        return SpreadSummary(
            count: Int(histogram.totalCount),
            p50: milliseconds(50),
            p99: milliseconds(99),
            max: milliseconds(100)
        )
    }
}

/// Milliseconds.
package struct SpreadSummary: Codable, Hashable, Sendable {
    package var count: Int
    package var p50: Double
    package var p99: Double
    package var max: Double
}
