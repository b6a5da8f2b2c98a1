import RTP
import TestSupport
import Testing
import Timebase

import struct NIOCore.ByteBuffer

/// A bottleneck of a given rate with a queue of 300 ms behind 20 ms of delay each way; the sender fills what its estimate
/// allows, or so much as its media has.
private struct Bottleneck {
    var mediaBitsPerSecond: Int?
    var random: SplitMix64
    var estimator = BandwidthEstimator()
    var generator = TransportFeedbackGenerator()
    var queueEmptyAt: Int64 = 0
    var onWay: [(arrival: Int64, sequence: UInt16)] = []
    var reports: [(arrival: Int64, feedback: TransportFeedback)] = []
    var estimates: [Int] = []
    var lowestCapacity = Int.max
    var queueDelays: [Int64] = []
    private var time: Int64 = 0

    init(mediaBitsPerSecond: Int? = nil, seed: UInt64) {
        self.mediaBitsPerSecond = mediaBitsPerSecond
        random = SplitMix64(seed: seed)
    }

    /// Times in microseconds.
    mutating func run(seconds: Int, bitsPerSecond: Int, lossPerMille: Int) {
        let end = time + Int64(seconds) * 1_000_000
        var nextPacket = time
        while time < end {
            if nextPacket <= time {
                send(bitsPerSecond, lossPerMille)
                let rate = mediaBitsPerSecond ?? estimator.bitsPerSecond
                nextPacket = time + Int64(1200 * 8) * 1_000_000 / Int64(rate)
            }
            deliver()
            time += 500
        }
    }

    private var now: MonotonicInstant { MonotonicInstant(nanoseconds: time * 1000) }

    private mutating func send(_ bitsPerSecond: Int, _ lossPerMille: Int) {
        let sequence = estimator.send(bytes: 1200, at: now)
        guard Int.random(in: 0..<1000, using: &random) >= lossPerMille else { return }
        let start = max(queueEmptyAt, time)
        guard start - time < 300_000 else { return }
        queueEmptyAt = start + Int64(1200 * 8) * 1_000_000 / Int64(bitsPerSecond)
        queueDelays.append(start - time)
        onWay.append((queueEmptyAt + 20_000 + Int64.random(in: 0...1000, using: &random), sequence))
    }

    private mutating func deliver() {
        for packet in onWay where packet.arrival <= time { generator.received(packet.sequence, at: now) }
        onWay.removeAll { $0.arrival <= time }
        while let feedback = generator.feedback(sender: SSRC(1), media: SSRC(2), at: now) {
            reports.append((time + 20_000, feedback))
        }
        while let report = reports.first, report.arrival <= time {
            reports.removeFirst()
            estimator.receive(report.feedback, roundTrip: .milliseconds(50), at: now)
            estimates.append(estimator.bitsPerSecond)
            lowestCapacity = min(lowestCapacity, estimator.capacityBitsPerSecond ?? .max)
        }
    }
}

/// What a burst shows of a path.
@Suite struct BurstTests {
    /// Packets of 1,200 octets, sent a millisecond apart from the first moment on; the answer is what the path has shown.
    private func limit(packets: Int, arrivals: (_ number: Int) -> Int?) -> Int? {
        var estimator = BandwidthEstimator()
        var generator = TransportFeedbackGenerator()
        for number in 0..<packets {
            let sequence = estimator.send(bytes: 1200, at: Self.instant(number))
            if let arrival = arrivals(number) { generator.received(sequence, at: Self.instant(arrival)) }
        }
        let end = Self.instant(60_000)
        while let feedback = generator.feedback(sender: SSRC(1), media: SSRC(2), at: end) {
            // Before what was sent is forgotten.
            estimator.receive(feedback, roundTrip: .milliseconds(50), at: Self.instant(packets))
        }
        return estimator.pathBitsPerSecond
    }

    private static func instant(_ milliseconds: Int) -> MonotonicInstant {
        MonotonicInstant(nanoseconds: Int64(milliseconds) * 1_000_000)
    }

    @Test func `a first burst that comes in slowly shows what the path carries`() throws {
        // 12 ms a packet are 800 kbit/s; a sixth is left free.
        let limit = try #require(limit(packets: 40) { 20 + $0 * 12 })
        #expect((650_000...720_000).contains(limit), "\(limit)")
        let lossy = try #require(self.limit(packets: 60) { $0 % 3 == 2 ? nil : 20 + $0 * 8 })
        #expect((650_000...720_000).contains(lossy), "\(lossy)")
    }

    @Test func `neither a fast path, nor a receiver that looked away, nor a few packets are taken for a slow path`() {
        #expect(limit(packets: 40) { 20 + $0 } == nil)
        #expect(limit(packets: 40) { 20 + $0 + ($0 > 20 ? 400 : 0) } == nil)
        #expect(limit(packets: 12) { 20 + $0 * 12 } == nil)
    }
}

@Suite struct CongestionTests {
    @Test(arguments: [500_000, 3_000_000], 1...3 as ClosedRange<UInt64>)
    func `the estimate settles near what the path carries and keeps its queue short`(capacity: Int, seed: UInt64) {
        var path = Bottleneck(seed: seed)
        path.run(seconds: 40, bitsPerSecond: capacity, lossPerMille: 0)
        let settled = path.estimates.suffix(path.estimates.count / 4)
        let mean = settled.reduce(0, +) / max(settled.count, 1)
        #expect(Double(mean) > 0.5 * Double(capacity), "\(mean) of \(capacity)")
        #expect(Double(mean) < 1.15 * Double(capacity), "\(mean) of \(capacity)")
        let delays = path.queueDelays.suffix(path.queueDelays.count / 4).sorted()
        #expect(delays[delays.count / 2] < 120_000, "median queue \(delays[delays.count / 2]) us")
    }

    @Test func `a path that gets narrow is noticed within seconds`() {
        var path = Bottleneck(seed: 4)
        path.run(seconds: 30, bitsPerSecond: 4_000_000, lossPerMille: 0)
        path.run(seconds: 6, bitsPerSecond: 600_000, lossPerMille: 0)
        #expect(path.estimator.bitsPerSecond < 800_000, "\(path.estimator.bitsPerSecond)")
    }

    @Test func `heavy loss lowers the estimate, light loss does not`() {
        var heavy = Bottleneck(seed: 5)
        heavy.run(seconds: 20, bitsPerSecond: 50_000_000, lossPerMille: 200)
        #expect(heavy.estimator.bitsPerSecond < 700_000, "\(heavy.estimator.bitsPerSecond)")
        #expect(heavy.estimator.lossRatio > 0.1)
        var light = Bottleneck(seed: 5)
        light.run(seconds: 20, bitsPerSecond: 50_000_000, lossPerMille: 10)
        #expect(light.estimator.bitsPerSecond > 2_000_000, "\(light.estimator.bitsPerSecond)")
    }

    /// A rendition is left where it does not fit into 85 % of the capacity.
    @Test(arguments: [400_000, 1_000_000], 1...4 as ClosedRange<UInt64>)
    func `where one packet in twenty is lost by chance, what the path carries is not taken for less`(
        media: Int,
        seed: UInt64
    ) {
        var path = Bottleneck(mediaBitsPerSecond: media, seed: seed)
        path.run(seconds: 240, bitsPerSecond: 50_000_000, lossPerMille: 50)
        #expect(path.lowestCapacity > media * 100 / 85, "\(path.lowestCapacity)")
    }

    @Test func `a receiver's maximum is kept`() {
        var estimator = BandwidthEstimator()
        estimator.receive(ReceiverEstimatedMaximumBitrate(sender: SSRC(1), bitsPerSecond: 300_000, sources: []))
        #expect(estimator.bitsPerSecond == 300_000)
    }

    @Test func `feedback tells arrivals to 250 microseconds, and what is missing`() throws {
        var generator = TransportFeedbackGenerator()
        let arrivals: [(UInt16, Int64)] = [(65_535, 100_000), (1, 101_100), (0, 103_000), (4, 103_000)]
        for (sequence, time) in arrivals {
            generator.received(sequence, at: MonotonicInstant(nanoseconds: time * 1000))
        }
        let due = MonotonicInstant(nanoseconds: 150_000_000)
        #expect(generator.nextDeadline == due)
        let report = generator.feedback(sender: SSRC(1), media: SSRC(2), at: due)
        let more = generator.feedback(sender: SSRC(1), media: SSRC(2), at: due)
        let feedback = try #require(report)
        #expect(feedback.baseSequence == 65_535)
        #expect(feedback.referenceTime == 1)
        #expect(feedback.deltas == [144, 12, -7, nil, nil, 7])
        #expect(more == nil)
    }

    @Test func `what the receiver measures by send times becomes a REMB below the path's rate`() {
        var estimator = ReceiveBandwidthEstimator()
        var reports: [UInt64] = []
        // 1 Mb/s offered to 600 kb/s: each packet of 1,250 octets waits 6.7 ms longer than the last.
        for number in 0..<300 as Range<Int64> {
            let sent = number * 10_000
            let arrival = MonotonicInstant(nanoseconds: (number * 16_667 + 20_000) * 1000)
            estimator.received(
                bytes: 1250,
                absoluteSendTime: UInt32((sent << 18) / 1_000_000) & 0xFF_FFFF,
                at: arrival
            )
            if let report = estimator.report(at: arrival) { reports.append(report) }
        }
        #expect((reports.last ?? .max) < 620_000, "\(reports)")
    }
}
