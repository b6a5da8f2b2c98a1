package import Timebase

/// What a receiver report says of one stream (RFC 3550 §6.4.1, appendices A.3 and A.8).
package struct ReceptionStatistics: Sendable {
    package private(set) var received: Int64 = 0
    private var first: Int64?
    private var highest: Int64 = 0
    private var expectedBefore: Int64 = 0
    private var receivedBefore: Int64 = 0
    /// In 1/16 of a timestamp unit.
    private var jitter: Int64 = 0
    private var lastTransit: Int64?
    private var lastReport: (middle: UInt32, arrival: MonotonicInstant)?
    private let clockRate: Int64

    package init(clockRate: Int64) { self.clockRate = clockRate }

    package mutating func received(sequence: Int64, timestamp: UInt32, at now: MonotonicInstant) {
        received += 1
        highest = first == nil ? sequence : max(highest, sequence)
        first = min(first ?? sequence, sequence)
        let seconds = now.nanoseconds / 1_000_000_000 * clockRate
        let arrival = seconds + now.nanoseconds % 1_000_000_000 * clockRate / 1_000_000_000
        // Both wrap at 32 bits; so does their difference.
        let transit = Int64(Int32(truncatingIfNeeded: arrival &- Int64(timestamp)))
        if let lastTransit {
            let difference = Int64(Int32(truncatingIfNeeded: transit &- lastTransit)).magnitude
            jitter += Int64(min(difference, 1 << 30)) - ((jitter + 8) >> 4)
        }
        lastTransit = transit
    }

    mutating func received(_ report: SenderReport, at now: MonotonicInstant) {
        lastReport = (report.ntpTime.middle, now)
    }

    var expected: Int64 { first.map { highest - $0 + 1 } ?? 0 }

    package var lost: Int64 { expected - received }

    /// Counts `fractionLost` from the last call on. Nil before the first packet.
    package mutating func block(for ssrc: SSRC, at now: MonotonicInstant) -> ReportBlock? {
        guard first != nil else { return nil }
        let expectedNow = expected - expectedBefore
        let lostNow = expectedNow - (received - receivedBefore)
        (expectedBefore, receivedBefore) = (expected, received)
        return ReportBlock(
            ssrc: ssrc,
            fractionLost: expectedNow > 0 && lostNow > 0 ? UInt8(clamping: lostNow * 256 / expectedNow) : 0,
            cumulativeLost: Int32(clamping: lost),
            highestSequence: UInt32(truncatingIfNeeded: highest),
            jitter: UInt32(clamping: jitter >> 4),
            lastSenderReport: lastReport?.middle ?? 0,
            delaySinceLastSenderReport: lastReport.map { (now - $0.arrival).sixteenSixteen } ?? 0
        )
    }
}

extension Duration {
    /// In units of 1/65536 s, as DLSR counts.
    fileprivate var sixteenSixteen: UInt32 { UInt32(clamping: nanoseconds / 1000 * 65536 / 1_000_000) }
}
