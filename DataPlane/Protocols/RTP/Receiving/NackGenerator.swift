package import Timebase

package struct NackLimits: Hashable, Sendable {
    /// Reordering within this is not loss.
    package var reorderTolerance = Duration.milliseconds(10)
    /// How long to wait for a repeat before asking again, until round trips have been measured.
    package var roundTripGuess = Duration.milliseconds(100)
    package var roundTripMin = Duration.milliseconds(20)
    package var requestsMax = 10
    /// Beyond this a keyframe is cheaper than the repeats.
    package var missingMax = 1000

    package init() {}
}

/// Which packets to ask for again, and when (RFC 4585 §6.2.1).
package struct NackGenerator: Sendable {
    private struct Missing {
        var sequence: Int64
        var due: MonotonicInstant
        var requestedAt: MonotonicInstant?
        var requests = 0
    }

    private let limits: NackLimits
    private var missing: [Missing] = []
    private var highest: Int64?
    private var roundTrip: Duration?

    package init(limits: NackLimits = NackLimits()) { self.limits = limits }

    /// False when so much is missing that only a keyframe helps.
    package mutating func received(_ sequence: Int64, at now: MonotonicInstant) -> Bool {
        guard let highest else {
            self.highest = sequence
            return true
        }
        guard sequence > highest else {
            arrived(sequence, at: now)
            return true
        }
        self.highest = sequence
        let gap = sequence - highest - 1
        guard missing.count + Int(gap) <= limits.missingMax else {
            missing.removeAll()
            return false
        }
        for lost in (highest + 1)..<sequence {
            missing.append(Missing(sequence: lost, due: now + limits.reorderTolerance))
        }
        return true
    }

    /// A packet that had been asked for once tells the round trip.
    private mutating func arrived(_ sequence: Int64, at now: MonotonicInstant) {
        guard let place = missing.firstIndex(where: { $0.sequence == sequence }) else { return }
        let found = missing.remove(at: place)
        guard found.requests == 1, let requestedAt = found.requestedAt else { return }
        let sample = now - requestedAt
        roundTrip = roundTrip.map { $0 * 7 / 8 + sample / 8 } ?? sample
    }

    /// What is before `sequence` will not be used any more.
    package mutating func forget(before sequence: Int64) {
        if let first = missing.first, first.sequence < sequence { missing.removeAll { $0.sequence < sequence } }
    }

    package mutating func reset() {
        missing.removeAll()
        highest = nil
    }

    /// The packets to ask for now, each counted as asked for.
    package mutating func due(at now: MonotonicInstant) -> [UInt16] {
        var sequences: [UInt16] = []
        let pause = max(roundTrip ?? limits.roundTripGuess, limits.roundTripMin) * 5 / 4
        for place in missing.indices where missing[place].due <= now {
            sequences.append(UInt16(truncatingIfNeeded: missing[place].sequence))
            missing[place].requests += 1
            missing[place].requestedAt = now
            missing[place].due = now + pause
        }
        missing.removeAll { $0.requests >= limits.requestsMax && $0.due > now }
        return sequences
    }

    package var nextDeadline: MonotonicInstant? { missing.lazy.map(\.due).min() }
}
