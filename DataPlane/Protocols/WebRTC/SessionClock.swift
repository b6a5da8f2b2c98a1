package import Timebase

/// The wall clock of a session's reports. It runs evenly from where the node's clock stood when the session began.
package struct SessionClock: Hashable, Sendable {
    private let start: MonotonicInstant
    private let ntp: NTPTime

    package init(_ wall: WallTime, at now: MonotonicInstant) { (start, ntp) = (now, NTPTime(wall)) }

    package func ntp(at now: MonotonicInstant) -> NTPTime { ntp + (now - start) }
}
