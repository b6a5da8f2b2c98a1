import DequeModule
import Timebase

package import struct NIOCore.ByteBuffer

package struct PacketHistoryLimits: Hashable, Sendable {
    /// Payloads are shared by all viewers of a stream: what is counted here is what this viewer alone could keep alive.
    package var bytesMax = 1 << 20
    /// Whoever waits longer has asked for a keyframe.
    package var age = Duration.seconds(1)

    package init() {}
}

/// The packets a viewer was sent lately, to send them again when asked. It keeps references, not copies.
package struct PacketHistory: Sendable {
    package struct Entry: Hashable, Sendable {
        package var sequence: UInt16
        package var timestamp: UInt32
        package var marker: Bool
        package var payload: ByteBuffer
        var sentAt: MonotonicInstant
    }

    private let limits: PacketHistoryLimits
    private var entries: Deque<Entry> = []
    package private(set) var bytes = 0

    package init(limits: PacketHistoryLimits = PacketHistoryLimits()) { self.limits = limits }

    package var count: Int { entries.count }

    /// Packets come in the order of their numbers, without gaps.
    mutating func append(_ entry: Entry) {
        entries.append(entry)
        bytes += entry.payload.readableBytes
        while let oldest = entries.first, bytes > limits.bytesMax || entry.sentAt > oldest.sentAt + limits.age {
            bytes -= oldest.payload.readableBytes
            entries.removeFirst()
        }
    }

    /// The packet, unless it was sent within `pause`: then its repeat may still be on its way.
    mutating func take(_ sequence: UInt16, pause: Duration, at now: MonotonicInstant) -> Entry? {
        guard let first = entries.first else { return nil }
        let place = Int(sequence &- first.sequence)
        guard place < entries.count, entries[place].sentAt + pause <= now else { return nil }
        let entry = entries[place]
        entries[place].sentAt = now
        return entry
    }
}
