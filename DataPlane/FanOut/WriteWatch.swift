package import NIOCore
import Timebase

/// Tells a slow reader from one that has stopped: by what is still owed to it, not by how long a write takes.
package struct WriteWatch: Sendable {
    private var owedLeast = Int.max
    private var progressAt: NIODeadline

    package init(now: NIODeadline) { progressAt = now }

    /// `owed` are the bytes that have not reached the peer. True when they have not become fewer for longer than `stallMax`.
    package mutating func hasStalled(for stallMax: Duration, owed: Int, now: NIODeadline) -> Bool {
        if owed < owedLeast {
            // The first look only learns how much is owed: it counts from the start of the write.
            if owedLeast != .max { progressAt = now }
            owedLeast = owed
        }
        return now - progressAt > .nanoseconds(stallMax.nanoseconds)
    }
}
