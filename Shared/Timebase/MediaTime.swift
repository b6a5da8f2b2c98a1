/// A point on, or a span of, a stream's own timeline, in ticks of 90 kHz.
///
/// One timescale serves every protocol: RTMP's milliseconds, RTP video's and MPEG-TS's 90 kHz are exact in it, and audio
/// sample positions up to 90 kHz survive a round trip through `samples(atRate:)` unchanged.
package struct MediaTime: Hashable, Comparable, Sendable {
    package static let ticksPerSecond: Int64 = 90_000
    package static let zero = MediaTime(ticks: 0)

    package var ticks: Int64

    package init(ticks: Int64) { self.ticks = ticks }
    package init(milliseconds: Int64) { ticks = milliseconds * 90 }
    /// To the nearest tick. Another node's JSON may hold any number: beyond 3,000 years it is 3,000 years, and what is not
    /// a number is zero.
    package init(seconds: Double) {
        let exact = (seconds * 90_000).rounded()
        ticks = exact.isNaN ? 0 : Int64(min(max(exact, -0x1p53), 0x1p53))
    }

    /// The tick nearest to sample number `samples` of a clock that runs at `rate` samples a second.
    package init(samples: Int64, rate: Int64) {
        ticks = Self.rescale(samples, from: rate, to: Self.ticksPerSecond)
    }

    /// Whole milliseconds, rounded down: a timeline that grows in ticks never shrinks in milliseconds.
    package var milliseconds: Int64 { ticks >= 0 ? ticks / 90 : -((89 - ticks) / 90) }
    package var seconds: Double { Double(ticks) / 90_000 }

    /// The sample number nearest to this time.
    package func samples(atRate rate: Int64) -> Int64 {
        Self.rescale(ticks, from: Self.ticksPerSecond, to: rate)
    }

    package static func < (lhs: Self, rhs: Self) -> Bool { lhs.ticks < rhs.ticks }
    package static func + (lhs: Self, rhs: Self) -> Self { Self(ticks: lhs.ticks + rhs.ticks) }
    package static func - (lhs: Self, rhs: Self) -> Self { Self(ticks: lhs.ticks - rhs.ticks) }

    /// `value` × `to` ÷ `from`, to the nearest whole, halves away from zero, without overflow on the way.
    private static func rescale(_ value: Int64, from: Int64, to: Int64) -> Int64 {
        let magnitude = value.magnitude
        let product = magnitude.multipliedFullWidth(by: UInt64(to))
        let (sum, carry) = product.low.addingReportingOverflow(UInt64(from) / 2)
        let quotient = UInt64(from).dividingFullWidth((product.high &+ (carry ? 1 : 0), sum)).quotient
        return value < 0 ? -Int64(quotient) : Int64(quotient)
    }
}
