package import NIOCore
package import Timebase

/// The one timer of an engine. A deadline that moves later keeps the timer that is armed: it finds out when it fires, so a
/// connection that receives all the time does not pay for a timer each time.
package struct EngineTimer {
    private var task: Scheduled<Void>?
    private var armedFor: MonotonicInstant?

    package init() {}

    /// Runs `fired` on the loop no later than needed and not before `deadline` was due when it was armed. The engine is to
    /// check for itself; then arm again.
    package mutating func arm(
        for deadline: MonotonicInstant?,
        on loop: any EventLoop,
        _ fired: @escaping (MonotonicInstant) -> Void
    ) {
        guard let deadline else { return cancel() }
        if covers(deadline, on: loop) { return }
        task?.cancel()
        armedFor = deadline
        task = loop.assumeIsolated().scheduleTask(deadline: deadline.nioDeadline) { fired(loop.instant) }
    }

    /// Whether arming for it would change nothing: for those who would make a closure for that many times a second.
    package func covers(_ deadline: MonotonicInstant, on loop: any EventLoop) -> Bool {
        armedFor.map { $0 <= deadline && $0 > loop.instant } ?? false
    }

    package mutating func cancel() {
        task?.cancel()
        task = nil
        armedFor = nil
    }
}

extension EventLoop {
    /// The loop's clock, as engines see it.
    package var instant: MonotonicInstant { MonotonicInstant(nanoseconds: Int64(now.uptimeNanoseconds)) }
}

extension MonotonicInstant {
    package var nioDeadline: NIODeadline { .uptimeNanoseconds(UInt64(max(0, nanoseconds))) }
}
