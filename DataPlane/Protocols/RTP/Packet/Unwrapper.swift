import Timebase

/// Makes a wrapping counter grow for ever: the extended sequence number and timestamp of RFC 3550 appendix A.1.
///
/// Each value is taken as the one nearest to the greatest seen, so reordering around a wrap does no harm.
package struct Unwrapper<Width: FixedWidthInteger & UnsignedInteger & Sendable>: Sendable {
    package private(set) var greatest: Int64?

    package init() {}

    init(startingAt extended: Int64) { greatest = extended }

    /// Where `value` would stand, without taking note of it.
    package func peek(_ value: Width) -> Int64 {
        guard let greatest else { return Int64(value) }
        return greatest + SerialNumber(Width(truncatingIfNeeded: greatest)).distance(to: SerialNumber(value))
    }

    package mutating func unwrap(_ value: Width) -> Int64 {
        let extended = peek(value)
        greatest = Swift.max(greatest ?? extended, extended)
        return extended
    }
}
