import DequeModule
package import Timebase

/// Send-side bandwidth estimation over transport-wide feedback: the lower of what delay and loss allow
/// (draft-ietf-rmcat-gcc-02).
package struct BandwidthEstimator: Sendable {
    private struct Sent {
        var time: Int64
        var bytes: Int
    }

    /// Feedback comes many times a second; later than this it tells of another time.
    private static let sentAgeMicroseconds: Int64 = 1_000_000
    /// A second of 100 Mb/s.
    private static let sentMax = 8192
    private static let lossWindowMicroseconds: Int64 = 500_000
    /// Of a window's ratio to the smoothed one. A window of fifty packets that are lost by chance, one in twenty, often shows
    /// twice as many.
    private static let lossWeight = 0.3

    private let limits: BandwidthLimits
    private var sent: Deque<Sent> = []
    private var firstSequence: Int64 = 0
    private var sequences = Unwrapper<UInt16>()
    private var referenceTimes = ReferenceTime()
    private var trend = DelayTrend()
    private var train = PacketTrain()
    private var carried = RateMeter()
    private var delayBased: RateControl
    private var lossBased: Double
    private var lossCount = (received: 0, lost: 0, since: Int64?.none)
    private var receiverMaximum: Double?
    private var reportedCount = 0
    /// Smoothed, 0 to 1.
    package private(set) var lossRatio = 0.0

    package init(limits: BandwidthLimits = BandwidthLimits()) {
        self.limits = limits
        delayBased = RateControl(limits: limits)
        lossBased = limits.bitsPerSecondMax
    }

    package var bitsPerSecond: Int {
        Int(max(limits.bitsPerSecondMin, min(delayBased.bitsPerSecond, lossBased, receiverMaximum ?? .infinity)))
    }

    /// What the path has shown to be its limit; nil while it has shown none, however low the estimate still is.
    package var capacityBitsPerSecond: Int? {
        let limits = [
            delayBased.hasMetLimit ? delayBased.bitsPerSecond : nil,
            lossBased < limits.bitsPerSecondMax ? lossBased : nil,
            receiverMaximum,
        ]
        return limits.compactMap { $0 }.min().map { Int($0) }
    }

    /// Where a burst has shown the path's limit, so that sending slower keeps queues on its way short; nil elsewhere. Delays
    /// that grow are not enough for that: on a path that is uneven, and wide, keyframes would come late.
    package var pathBitsPerSecond: Int? { delayBased.wasShownLimit ? Int(delayBased.bitsPerSecond) : nil }

    package var hasReports: Bool { reportedCount > 0 }
    /// Enough was reported to know a path that carries little.
    package var hasSeenBurst: Bool { reportedCount > PacketTrain.packetsMin }

    /// A packet goes out; the answer is the number for its transport-cc extension.
    package mutating func send(bytes: Int, at now: MonotonicInstant) -> UInt16 {
        let sequence = firstSequence + Int64(sent.count)
        let time = now.nanoseconds / 1000
        sent.append(Sent(time: time, bytes: bytes))
        while let oldest = sent.first, sent.count > Self.sentMax || time - oldest.time > Self.sentAgeMicroseconds {
            sent.removeFirst()
            firstSequence += 1
        }
        _ = sequences.unwrap(UInt16(truncatingIfNeeded: sequence))
        return UInt16(truncatingIfNeeded: sequence)
    }

    package mutating func receive(_ feedback: TransportFeedback, roundTrip: Duration?, at now: MonotonicInstant) {
        let base = sequences.peek(feedback.baseSequence)
        var arrival = referenceTimes.microseconds(feedback.referenceTime)
        for (place, delta) in feedback.deltas.enumerated() {
            let index = Int(base - firstSequence) + place
            if let delta { arrival += Int64(delta) * TransportFeedback.deltaMicroseconds }
            // What was never sent, or so long ago that it is forgotten, tells nothing.
            guard sent.indices.contains(index) else { continue }
            guard delta != nil else {
                lossCount.lost += 1
                continue
            }
            lossCount.received += 1
            // Feedback that repeats a packet counts it once.
            guard sent[index].bytes > 0 else { continue }
            carried.add(bytes: sent[index].bytes, at: arrival)
            trend.add(sent: sent[index].time, arrived: arrival)
            train.add(bytes: sent[index].bytes, sent: sent[index].time, arrived: arrival)
            sent[index].bytes = 0
            reportedCount += 1
        }
        let time = now.nanoseconds / 1000
        delayBased.update(
            trend.usage,
            carried: carried.bitsPerSecond,
            roundTrip: (roundTrip ?? .milliseconds(100)).secondsAsDouble,
            at: time
        )
        if let limit = train.takeLimit() { delayBased.limitShown(limit) }
        updateLoss(at: time)
    }

    /// What the receiver says is the most it takes (REMB).
    package mutating func receive(_ maximum: ReceiverEstimatedMaximumBitrate) {
        receiverMaximum = Double(maximum.bitsPerSecond)
    }

    /// §6: above 10 % down, below 2 % up, in between as it is.
    private mutating func updateLoss(at time: Int64) {
        guard let since = lossCount.since else {
            lossCount.since = time
            return
        }
        let total = lossCount.received + lossCount.lost
        guard time - since >= Self.lossWindowMicroseconds, total >= 20 else { return }
        lossRatio += (Double(lossCount.lost) / Double(total) - lossRatio) * Self.lossWeight
        if lossRatio > 0.1 {
            let before = min(lossBased, delayBased.bitsPerSecond)
            lossBased = max(limits.bitsPerSecondMin, before * (1 - 0.5 * lossRatio))
        } else if lossRatio < 0.02 {
            lossBased = min(limits.bitsPerSecondMax, lossBased * 1.05)
        }
        lossCount = (0, 0, time)
    }
}

/// Unwraps the 24-bit reference times of feedback, in steps of 64 ms.
struct ReferenceTime: Sendable {
    private var last: Int64?

    mutating func microseconds(_ value: Int32) -> Int64 {
        let wide = Int64(value)
        guard let last else {
            last = wide
            return wide * TransportFeedback.referenceMicroseconds
        }
        // To the nearest of those that are equal in 24 bits.
        let difference = Int64(Int32(truncatingIfNeeded: (wide - last) << 8) >> 8)
        self.last = last + difference
        return (last + difference) * TransportFeedback.referenceMicroseconds
    }
}
