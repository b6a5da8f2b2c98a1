import Glibc
package import Timebase

/// Time as the shell needs it, so that a held claim can be tested without waiting for it.
package struct CoordinatorClock: Sendable {
    package var now: @Sendable () -> MonotonicInstant
    /// Returns after the duration, or early when the task is cancelled.
    package var sleep: @Sendable (Duration) async -> Void
    /// This machine's time of day, only to be compared with the store's.
    package var wall: @Sendable () -> WallTime

    package init(
        now: @escaping @Sendable () -> MonotonicInstant,
        sleep: @escaping @Sendable (Duration) async -> Void,
        wall: @escaping @Sendable () -> WallTime = CoordinatorClock.systemWall
    ) {
        self.now = now
        self.sleep = sleep
        self.wall = wall
    }

    @Sendable package static func systemWall() -> WallTime {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return WallTime(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }

    package static let system: CoordinatorClock = {
        let start = ContinuousClock.now
        return CoordinatorClock(
            now: { MonotonicInstant(nanoseconds: (ContinuousClock.now - start).nanoseconds) },
            sleep: { try? await Task.sleep(for: $0) }
        )
    }()
}

/// The store's time between its answers: what it last said plus what has passed here since.
struct StoreTimeEstimate: Sendable {
    private var said = WallTime(milliseconds: 0)
    private var heardAt = MonotonicInstant(nanoseconds: 0)

    /// An answer is as old as its way back took, so of two the one that puts the store's clock further is nearer.
    mutating func heard(_ time: WallTime, at instant: MonotonicInstant) {
        let estimated = now(at: instant)
        // A store whose clock was set back is believed, or its leases would seem to end early.
        if time > estimated || estimated - time > .seconds(1) { (said, heardAt) = (time, instant) }
    }

    func now(at instant: MonotonicInstant) -> WallTime { said + (instant - heardAt) }
}
