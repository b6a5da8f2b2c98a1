import DequeModule
import Timebase

package struct PacketHistoryLimits: Hashable, Sendable {
    /// Payloads are shared by all viewers of a stream: what is counted here is what this viewer alone could keep alive.
    package var bytesMax = 1 << 20
    /// Whoever waits longer has asked for a keyframe.
    package var age = Duration.seconds(1)
    /// Where packets wait for a narrow path, first here and then on their way.
    package var ageOnNarrowPath = Duration.seconds(5)

    package init() {}
}

/// The frames a viewer was sent lately, to send packets of them again when asked. It keeps references, not copies.
struct PacketHistory: Sendable {
    private struct Entry: Sendable {
        var packets: OutgoingPackets
        var sentAt: MonotonicInstant
        /// Of packets that were sent more than once, by their places.
        var repeatedAt: [Int: MonotonicInstant] = [:]
    }

    private let bytesMax: Int
    private let ages: (wide: Int64, narrow: Int64)
    var isPathNarrow = false
    private var entries: Deque<Entry> = []
    private var bytes = 0

    init(limits: PacketHistoryLimits = PacketHistoryLimits()) {
        bytesMax = limits.bytesMax
        ages = (limits.age.nanoseconds, limits.ageOnNarrowPath.nanoseconds)
    }

    /// Frames come in the order of their numbers, without gaps.
    mutating func append(_ packets: OutgoingPackets, at now: MonotonicInstant) {
        entries.append(Entry(packets: packets, sentAt: now))
        bytes += packets.train.byteCount
        let age = isPathNarrow ? ages.narrow : ages.wide
        while let oldest = entries.first, bytes > bytesMax || now.nanoseconds - oldest.sentAt.nanoseconds > age {
            bytes -= oldest.packets.train.byteCount
            entries.removeFirst()
        }
    }

    /// Those from this number on were not sent.
    mutating func forget(from number: UInt16) {
        while let newest = entries.last, Int16(bitPattern: newest.packets.sequence(0) &- number) >= 0 {
            bytes -= newest.packets.train.byteCount
            entries.removeLast()
        }
        guard let place = entries.last?.packets.place(of: number) else { return }
        entries[entries.count - 1].packets = entries[entries.count - 1].packets.split(behind: place).0
    }

    /// Where the packet is, unless it was repeated within `pause`: then the repeat may still be on its way. Who asks for the first
    /// time has seen later packets arrive, however short ago this one was sent.
    mutating func take(_ sequence: UInt16, pause: Duration, at now: MonotonicInstant)
        -> (packets: OutgoingPackets, place: Int)?
    {
        for index in entries.indices {
            guard let place = entries[index].packets.place(of: sequence) else { continue }
            if let repeatedAt = entries[index].repeatedAt[place], repeatedAt + pause > now { return nil }
            entries[index].repeatedAt[place] = now
            return (entries[index].packets, place)
        }
        return nil
    }
}
