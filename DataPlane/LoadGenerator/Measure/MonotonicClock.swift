import Glibc
package import Timebase

/// The clock that publisher and players on one machine have in common (CLOCK_MONOTONIC).
package enum MonotonicClock {
    package static var now: MonotonicInstant {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return MonotonicInstant(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }
}
