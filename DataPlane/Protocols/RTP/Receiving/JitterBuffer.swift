package import Timebase

package struct JitterBufferLimits: Hashable, Sendable {
    /// How long a missing packet holds up those after it: six requests on a path of 100 ms, of which one in five fails.
    package var patience = Duration.milliseconds(800)
    /// A second of 20 Mb/s.
    package var packetsMax = 2048

    package init() {}
}

/// Puts packets in order again. What does not come within the patience is given up.
package struct JitterBuffer: Sendable {
    package struct Delivery: Hashable, Sendable {
        package var sequence: Int64
        package var packet: RTPPacket
        /// When it came, which may be long before its turn.
        package var arrival: MonotonicInstant
        /// Packets right before it were given up.
        package var followsGap: Bool
    }

    package enum Insertion: Hashable, Sendable {
        case accepted
        case duplicate
        /// Its turn is over.
        case late
    }

    private struct Entry {
        var packet: RTPPacket
        var arrival: MonotonicInstant
    }

    private let limits: JitterBufferLimits
    private var entries: [Int64: Entry] = [:]
    private var nextSequence: Int64?
    private var blockedSince: MonotonicInstant?

    package init(limits: JitterBufferLimits = JitterBufferLimits()) { self.limits = limits }

    /// The first packets may come out of order too: nothing is handed out before one that `mayBeginFrame`.
    package mutating func insert(
        _ packet: RTPPacket,
        sequence: Int64,
        mayBeginFrame: Bool,
        at now: MonotonicInstant
    ) -> Insertion {
        if let nextSequence, sequence < nextSequence { return .late }
        guard entries[sequence] == nil else { return .duplicate }
        entries[sequence] = Entry(packet: packet, arrival: now)
        guard nextSequence != nil else {
            begin(at: sequence, mayBeginFrame: mayBeginFrame)
            return .accepted
        }
        if sequence == nextSequence { blockedSince = nil } else if blockedSince == nil { blockedSince = now }
        return .accepted
    }

    private mutating func begin(at sequence: Int64, mayBeginFrame: Bool) {
        if mayBeginFrame {
            nextSequence = sequence
            entries = entries.filter { $0.key >= sequence }
        } else if entries.count > limits.packetsMax {
            entries.removeAll()
        }
    }

    package mutating func next(at now: MonotonicInstant) -> Delivery? {
        guard let expected = nextSequence, !entries.isEmpty else { return nil }
        if let entry = entries.removeValue(forKey: expected) {
            return deliver(entry, expected, followsGap: false, at: now)
        }
        let isOut = blockedSince.map { now >= $0 + limits.patience } ?? false
        guard isOut || entries.count > limits.packetsMax else { return nil }
        guard let lowest = entries.keys.min(), let entry = entries.removeValue(forKey: lowest) else { return nil }
        return deliver(entry, lowest, followsGap: true, at: now)
    }

    private mutating func deliver(
        _ entry: Entry,
        _ sequence: Int64,
        followsGap: Bool,
        at now: MonotonicInstant
    ) -> Delivery {
        nextSequence = sequence + 1
        // The next gap is waited for from when its first packet came.
        blockedSince = entries.isEmpty || entries[sequence + 1] != nil ? nil : entries.values.map(\.arrival).min()
        return Delivery(sequence: sequence, packet: entry.packet, arrival: entry.arrival, followsGap: followsGap)
    }

    /// When the packet that holds up the others is given up.
    package var nextDeadline: MonotonicInstant? { blockedSince.map { $0 + limits.patience } }

    /// The next one to hand out; what is before it nobody needs any more.
    package var nextExpected: Int64? { nextSequence }

    package var count: Int { entries.count }
}
