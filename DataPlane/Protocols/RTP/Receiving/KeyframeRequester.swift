package import Timebase

/// Lets at most one keyframe request a second through, however many ask.
package struct KeyframeRequester: Sendable {
    package static let interval = Duration.seconds(1)

    private var lastRequest: MonotonicInstant?
    private var isWanted = false

    package init() {}

    /// Somebody needs a keyframe. True when to send the request now; otherwise the deadline does.
    package mutating func want(at now: MonotonicInstant) -> Bool {
        isWanted = true
        return sendIfDue(at: now)
    }

    /// Requests get lost too: as long as no keyframe comes, one goes out each second.
    package mutating func sendIfDue(at now: MonotonicInstant) -> Bool {
        guard isWanted, nextDeadline.map({ now >= $0 }) ?? true else { return false }
        lastRequest = now
        return true
    }

    package mutating func keyframeArrived() { isWanted = false }

    /// Nil before the first request and when nobody waits.
    package var nextDeadline: MonotonicInstant? { isWanted ? lastRequest.map { $0 + Self.interval } : nil }
}
