import Glibc
package import Timebase

/// The clock that publisher and players on one machine have in common (CLOCK_MONOTONIC).
package enum MonotonicClock {
    package static var now: MonotonicInstant { read(CLOCK_MONOTONIC) }

    /// What the kernel's time stamps are of; only its difference to `now` means something here.
    static var realtime: MonotonicInstant { read(CLOCK_REALTIME) }

    private static func read(_ clock: clockid_t) -> MonotonicInstant {
        var time = timespec()
        clock_gettime(clock, &time)
        return MonotonicInstant(time)
    }
}

extension MonotonicInstant {
    init(_ time: timespec) { self.init(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)) }
}
