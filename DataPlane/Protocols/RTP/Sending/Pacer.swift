import DequeModule
package import Timebase

package struct PacerLimits: Hashable, Sendable {
    /// Packets within this go out together: one system call for many, and no router minds. At the least rate of a session that is
    /// 50 kB, a whole picture of 8 Mbit/s.
    package var burst = Duration.milliseconds(20)
    /// A queue that would take longer is sent faster instead: late media is no use.
    package var queueDuration = Duration.milliseconds(500)
    /// The same on a path that has shown its limit: what is sent faster is lost on its way. But the limit may be an error, and
    /// a first GOP is two seconds.
    package var limitedQueueDuration = Duration.milliseconds(2500)
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
package struct Pacer: Sendable {
    /// What waits, or goes out: packets of one of the viewer's streams.
    package struct Item: Sendable {
        package let stream: Int
        package fileprivate(set) var packets: OutgoingPackets
    }

    /// In nanoseconds; these are looked at for every packet.
    private let burst: Int64
    private let queueMilliseconds: Int
    private let limitedQueueMilliseconds: Int
    private let queueBytesMax: Int
    private var queues: [Deque<Item>] = Array(repeating: [], count: PacketPriority.allCases.count)
    package private(set) var queuedBytes = 0
    /// When what has been sent has left the bucket.
    private var emptyAt: Int64?
    package var bitsPerSecond: Int
    /// The rate is what the path carries.
    package var isLimited = false
    private var hurried = (bytes: 0, bitsPerSecond: 0)

    package init(bitsPerSecond: Int, limits: PacerLimits = PacerLimits()) {
        self.bitsPerSecond = bitsPerSecond
        burst = limits.burst.nanoseconds
        queueMilliseconds = Int(max(limits.queueDuration.milliseconds, 1))
        limitedQueueMilliseconds = Int(max(limits.limitedQueueDuration.milliseconds, 1))
        queueBytesMax = limits.queueBytesMax
    }

    /// False when the queue is full; then nothing was taken.
    package mutating func enqueue(_ packets: OutgoingPackets, of stream: Int, priority: PacketPriority) -> Bool {
        let bytes = packets.bytes
        guard queuedBytes + bytes <= queueBytesMax else { return false }
        queues[priority.rawValue].append(Item(stream: stream, packets: packets))
        queuedBytes += bytes
        return true
    }

    /// So many of the next bytes go out no slower than this.
    package mutating func hurry(bytes: Int, bitsPerSecond: Int) { hurried = (bytes, bitsPerSecond) }

    /// Everything that waits at this priority is given up.
    @discardableResult
    package mutating func drop(_ priority: PacketPriority) -> [OutgoingPackets] {
        let dropped = queues[priority.rawValue].map(\.packets)
        queuedBytes -= dropped.reduce(0) { $0 + $1.bytes }
        queues[priority.rawValue].removeAll()
        return dropped
    }

    /// The next packets whose time has come, all of one frame. Sound does not wait.
    package mutating func next(at now: MonotonicInstant) -> Item? {
        for place in queues.indices {
            let waits = place != PacketPriority.sound.rawValue
            if waits, !isOpen(at: now.nanoseconds) { return nil }
            guard var item = queues[place].popFirst() else { continue }
            let (sent, rest) = take(item.packets, waits: waits, at: now.nanoseconds)
            item.packets = sent
            if !rest.isEmpty { queues[place].prepend(Item(stream: item.stream, packets: rest)) }
            return item
        }
        return nil
    }

    private mutating func take(
        _ packets: OutgoingPackets,
        waits: Bool,
        at now: Int64
    ) -> (sent: OutgoingPackets, rest: OutgoingPackets) {
        var count = 0
        while count < packets.count, !waits || isOpen(at: now) {
            fill(packets.bytes(at: packets.startIndex + count), at: now)
            count += 1
        }
        return packets.split(behind: count)
    }

    private func isOpen(at now: Int64) -> Bool { emptyAt.map { $0 <= now + burst } ?? true }

    private mutating func fill(_ bytes: Int, at now: Int64) {
        let queueMilliseconds = isLimited ? limitedQueueMilliseconds : queueMilliseconds
        var rate = max(bitsPerSecond, queuedBytes * 8000 / queueMilliseconds, 10_000)
        if hurried.bytes > 0 {
            rate = max(rate, hurried.bitsPerSecond)
            hurried.bytes -= bytes
        }
        queuedBytes -= bytes
        emptyAt = max(emptyAt ?? now, now) + Int64(bytes) * 8_000_000_000 / Int64(rate)
    }

    package var nextDeadline: MonotonicInstant? {
        guard queuedBytes > 0 else { return nil }
        // Half the bucket at a time: a timer for each packet costs more than the packet. One in the past is as good as now.
        return MonotonicInstant(nanoseconds: emptyAt.map { $0 - burst / 2 } ?? 0)
    }
}
