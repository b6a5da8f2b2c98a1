/// Seconds since 1900 in 32.32 fixed point (RFC 3550 §4). Wraps in 2036; differences survive that.
package struct NTPTime: Hashable, Sendable {
    package var value: UInt64

    package init(_ value: UInt64) { self.value = value }

    /// From 1900 to 1970.
    private static let unixEpochSeconds: Int64 = 2_208_988_800

    package init(_ wall: WallTime) {
        let seconds = wall.milliseconds / 1000
        let fraction = (UInt64(max(0, wall.milliseconds % 1000)) << 32) / 1000
        value = UInt64(truncatingIfNeeded: seconds &+ Self.unixEpochSeconds) << 32 | fraction
    }

    /// The middle 32 bits, as LSR and DLSR carry it.
    package var middle: UInt32 { UInt32(truncatingIfNeeded: value >> 16) }

    /// What to add to `other` to get this, in units of 2⁻³² s, right across the wrap.
    package func offset(from other: Self) -> Int64 { Int64(bitPattern: value &- other.value) }

    package static func + (time: Self, duration: Duration) -> Self {
        Self(time.value &+ UInt64(bitPattern: fixedPoint(duration)))
    }

    /// Signed, and right across the wrap.
    package static func - (later: Self, earlier: Self) -> Duration {
        let difference = later.offset(from: earlier)
        let seconds = difference >> 32
        let fraction = Int64(((UInt64(bitPattern: difference) & 0xFFFF_FFFF) * 1_000_000_000) >> 32)
        return .nanoseconds(seconds * 1_000_000_000 + fraction)
    }

    private static func fixedPoint(_ duration: Duration) -> Int64 {
        let (seconds, attoseconds) = duration.components
        return (seconds << 32) &+ ((attoseconds / 1_000_000_000) << 32) / 1_000_000_000
    }
}
