import DequeModule
package import Timebase

package struct PacerLimits: Hashable, Sendable {
    /// Packets within this go out together: one system call for many, and no router minds.
    package var burst = Duration.milliseconds(10)
    /// A queue that would take longer is sent faster instead: late media is no use.
    package var queueDuration = Duration.milliseconds(500)
    /// A keyframe of a high bitrate; beyond it pictures are dropped up to the next keyframe.
    package var queueBytesMax = 4 << 20

    package init() {}
}

package enum PacketPriority: Int, CaseIterable, Hashable, Sendable {
    /// Sound is small and every hole is heard.
    case sound
    /// Someone waits for it and holds up all that follows.
    case repeated
    case picture
}

/// Spaces packets out, so that a keyframe does not overrun the queues on its way (a leaky bucket that starts empty).
package struct Pacer<Packet: Sendable>: Sendable {
    private let limits: PacerLimits
    private var queues: [Deque<(packet: Packet, bytes: Int)>] = Array(
        repeating: [],
        count: PacketPriority.allCases.count
    )
    package private(set) var queuedBytes = 0
    /// When what has been sent has left the bucket.
    private var emptyAt: MonotonicInstant?
    package var bitsPerSecond: Int

    package init(bitsPerSecond: Int, limits: PacerLimits = PacerLimits()) {
        self.bitsPerSecond = bitsPerSecond
        self.limits = limits
    }

    /// False when the queue is full; then the packet was not taken.
    package mutating func enqueue(_ packet: Packet, bytes: Int, priority: PacketPriority) -> Bool {
        guard queuedBytes + bytes <= limits.queueBytesMax else { return false }
        queues[priority.rawValue].append((packet, bytes))
        queuedBytes += bytes
        return true
    }

    /// Everything that waits at this priority is given up.
    package mutating func drop(_ priority: PacketPriority) {
        queuedBytes -= queues[priority.rawValue].reduce(0) { $0 + $1.bytes }
        queues[priority.rawValue].removeAll()
    }

    /// The next packet whose time has come. Sound does not wait.
    package mutating func next(at now: MonotonicInstant) -> Packet? {
        let isOpen = emptyAt.map { $0 <= now + limits.burst } ?? true
        for place in queues.indices where isOpen || place == PacketPriority.sound.rawValue {
            guard let first = queues[place].popFirst() else { continue }
            let rate = currentRate
            queuedBytes -= first.bytes
            let start = max(emptyAt ?? now, now)
            emptyAt = start + .nanoseconds(Int64(first.bytes) * 8_000_000_000 / Int64(rate))
            return first.packet
        }
        return nil
    }

    package var nextDeadline: MonotonicInstant? {
        guard queuedBytes > 0 else { return nil }
        // A nanosecond in the past is as good as now.
        return emptyAt.map { MonotonicInstant(nanoseconds: $0.nanoseconds - limits.burst.nanoseconds) }
            ?? MonotonicInstant(nanoseconds: 0)
    }

    private var currentRate: Int {
        let forQueue = queuedBytes * 8000 / Int(max(limits.queueDuration.milliseconds, 1))
        return max(bitsPerSecond, forQueue, 10_000)
    }
}
