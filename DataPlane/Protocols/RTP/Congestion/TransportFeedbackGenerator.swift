package import Timebase

package struct TransportFeedbackLimits: Hashable, Sendable {
    /// Senders react within this, and it costs them some kilobits a second.
    package var interval = Duration.milliseconds(50)
    /// A report must fit a datagram even when every delta takes two bytes.
    package var packetsMax = 400

    package init() {}
}

/// Reports when each packet of a transport arrived (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3).
package struct TransportFeedbackGenerator: Sendable {
    private let limits: TransportFeedbackLimits
    private var sequences = Unwrapper<UInt16>()
    /// In microseconds, by number.
    private var arrivals: [Int64: Int64] = [:]
    private var nextBase: Int64?
    private var feedbackCount: UInt8 = 0
    private var lastReport: MonotonicInstant?

    package init(limits: TransportFeedbackLimits = TransportFeedbackLimits()) { self.limits = limits }

    package mutating func received(_ sequence: UInt16, at now: MonotonicInstant) {
        let extended = sequences.unwrap(sequence)
        // Reported as lost already; a sender would take it as a second packet.
        if let nextBase, extended < nextBase - Int64(limits.packetsMax) { return }
        arrivals[extended] = arrivals[extended] ?? now.nanoseconds / 1000
        if lastReport == nil { lastReport = now }
        if let base = nextBase, extended < base { nextBase = extended }
    }

    package var nextDeadline: MonotonicInstant? {
        arrivals.isEmpty ? nil : lastReport.map { $0 + limits.interval }
    }

    /// One report, or nil when it is not due. Call until nil: a long pause may need several.
    package mutating func feedback(
        sender: SSRC,
        media: SSRC,
        at now: MonotonicInstant
    ) -> TransportFeedback? {
        guard let deadline = nextDeadline, now >= deadline else { return nil }
        guard let lowest = arrivals.keys.min(), let highest = arrivals.keys.max() else { return nil }
        let base = max(nextBase ?? lowest, lowest - Int64(limits.packetsMax) / 2)
        guard let first = arrivals[lowest] else { return nil }
        let reference = first / TransportFeedback.referenceMicroseconds
        let (deltas, end) = deltas(from: base, through: highest, after: reference)
        for sequence in base..<end { arrivals[sequence] = nil }
        nextBase = end
        if arrivals.isEmpty { lastReport = now }
        defer { feedbackCount &+= 1 }
        return TransportFeedback(
            sender: sender,
            media: media,
            baseSequence: UInt16(truncatingIfNeeded: base),
            referenceTime: Int32(truncatingIfNeeded: reference << 8) >> 8,
            feedbackCount: feedbackCount,
            deltas: deltas
        )
    }

    /// Up to the first packet whose delta does not fit.
    private func deltas(from base: Int64, through highest: Int64, after reference: Int64) -> ([Int16?], end: Int64) {
        var deltas: [Int16?] = []
        var time = reference * TransportFeedback.referenceMicroseconds
        for sequence in base...highest {
            guard deltas.count < limits.packetsMax else { return (deltas, sequence) }
            guard let arrival = arrivals[sequence] else {
                deltas.append(nil)
                continue
            }
            let units = (arrival - time) / TransportFeedback.deltaMicroseconds
            guard let delta = Int16(exactly: units) else { return (deltas, sequence) }
            // What was rounded away is not lost to the next delta.
            time += units * TransportFeedback.deltaMicroseconds
            deltas.append(delta)
        }
        return (deltas, highest + 1)
    }
}
