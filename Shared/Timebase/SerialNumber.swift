/// A counter that wraps, compared as RFC 1982 says: `a` is before `b` when going forward from `a` to `b` is the shorter way.
package struct SerialNumber<Width: FixedWidthInteger & UnsignedInteger & Sendable>: Hashable, Sendable {
    package var value: Width

    package init(_ value: Width) { self.value = value }

    package func isBefore(_ other: Self) -> Bool {
        let forward = other.value &- value
        return forward != 0 && forward <= Width.max / 2
    }

    /// How far `other` lies ahead (positive) or behind (negative).
    package func distance(to other: Self) -> Int64 {
        let forward = other.value &- value
        return forward <= Width.max / 2 ? Int64(forward) : -Int64(0 &- forward)
    }

    package static func + (number: Self, step: Width) -> Self { Self(number.value &+ step) }
}
