import MediaModel
import RTP
import TestSupport
import Testing
import Timebase

import struct NIOCore.ByteBuffer

@Suite struct SendingTests {
    private func instant(_ milliseconds: Int64) -> MonotonicInstant {
        MonotonicInstant(nanoseconds: milliseconds * 1_000_000)
    }

    private func makeStream(historyBytesMax: Int = 1 << 20) throws -> SendStream {
        var configuration = SendStream.Configuration(
            ssrc: SSRC(1),
            payloadType: try #require(PayloadType(96)),
            clockRate: 90_000,
            repair: (ssrc: SSRC(2), payloadType: try #require(PayloadType(97)))
        )
        configuration.history.bytesMax = historyBytesMax
        var random = SplitMix64(seed: 1)
        return SendStream(configuration, using: &random)
    }

    private func frame(_ bytes: Int, at ticks: Int64 = 0) -> PacketizedFrame {
        let payload = RTPPayload(bytes: ByteBuffer(repeating: 7, count: bytes), marker: true)
        return PacketizedFrame(
            track: .video,
            presentationTime: MediaTime(ticks: ticks),
            isKeyframe: true,
            payloads: [payload]
        )
    }

    @Test func `what is kept for repeats is bounded in bytes and age`() throws {
        var stream = try makeStream(historyBytesMax: 10_000)
        let sent = (0..<20).flatMap { stream.packets(for: frame(1000, at: $0 * 3000), at: instant($0)) }
        let repeats = stream.repeats(of: sent.map(\.sequence), at: instant(500))
        #expect(repeats.flatMap { $0.map(\.repeats) } == sent.suffix(10).map(\.sequence))
        let later = stream.packets(for: frame(1000, at: 99_000), at: instant(3000))
        let tooLate = stream.repeats(of: sent.map(\.sequence), at: instant(3001))
        #expect(tooLate.isEmpty)
        #expect(later.count == 1)
    }

    /// Of a report that was sent at NTP 10 s, held 1 s by the viewer, and heard of so much later.
    private func learnRoundTrip(_ milliseconds: Int64, _ stream: inout SendStream) {
        let block = ReportBlock(
            ssrc: SSRC(1),
            fractionLost: 5,
            cumulativeLost: 0,
            highestSequence: 0,
            jitter: 0,
            lastSenderReport: 10 << 16,
            delaySinceLastSenderReport: 1 << 16
        )
        stream.receive(block, ntp: NTPTime(10 << 32) + .milliseconds(1000 + milliseconds))
    }

    @Test func `a packet asked for twice within a round trip is repeated once`() throws {
        var stream = try makeStream()
        let sent = stream.packets(for: frame(100), at: instant(0))
        learnRoundTrip(100, &stream)
        let roundTrip = try #require(stream.roundTrip)
        #expect(abs(roundTrip.milliseconds - 100) <= 1)
        let sequence = sent[0].sequence
        let counts = [200, 200, 250, 310].map { stream.repeats(of: [sequence], at: instant($0)).count }
        #expect(counts == [1, 0, 0, 1])
    }

    @Test func `who asks for the first time is answered, and so is one whose round trip a busy moment made longer`()
        throws
    {
        var stream = try makeStream()
        let sent = stream.packets(for: frame(100), at: instant(0))
        for milliseconds in [100, 180, 250] as [Int64] { learnRoundTrip(milliseconds, &stream) }
        let counts = [60, 100, 160, 260].map { stream.repeats(of: [sent[0].sequence], at: instant($0)).count }
        #expect(counts == [1, 0, 1, 1])
        // Eight reports later the path is what they say.
        for _ in 0..<8 { learnRoundTrip(250, &stream) }
        let later = [360, 440, 460].map { stream.repeats(of: [sent[0].sequence], at: instant($0)).count }
        #expect(later == [0, 0, 1])
    }

    @Test func `a sender report ties the wall clock to the place of the media`() throws {
        var stream = try makeStream()
        let sent = stream.packets(for: frame(100, at: 9000), at: instant(0))
        let report = stream.senderReport(mediaNow: MediaTime(ticks: 18_000), ntp: NTPTime(1 << 32))
        #expect(report.rtpTimestamp == sent[0].timestamp &+ 9000)
        #expect(report.packetCount == 1 && report.octetCount == 100)
    }

    @Test func `all reports of a viewer lie on one line, that the latest frames do not move back`() {
        var clock = PlayoutClock()
        #expect(clock.mediaTime(at: instant(0)) == nil)
        clock.sent(MediaTime(milliseconds: 1000), at: instant(10))
        clock.sent(MediaTime(milliseconds: 1020), at: instant(60))
        #expect(clock.mediaTime(at: instant(110))?.milliseconds == 1100)
        clock.sent(MediaTime(milliseconds: 90_000), at: instant(120))
        #expect(clock.mediaTime(at: instant(120))?.milliseconds == 90_000)
        clock.sent(MediaTime(milliseconds: 0), at: instant(130))
        #expect(clock.mediaTime(at: instant(130))?.milliseconds == 0)
    }

    @Test func `the pacer spreads a burst over its rate, sound first, and loses nothing`() throws {
        var pacer = Pacer(bitsPerSecond: 1_000_000)
        var stream = try makeStream()
        // Of 1250 bytes with their headers: single packets, and a frame of twenty.
        var taken = (0..<20).map {
            pacer.enqueue(stream.packets(for: frame(1238), at: instant(0)), of: $0, priority: .picture)
        }
        let twenty = PacketizedFrame(
            track: .video,
            presentationTime: MediaTime(ticks: 3000),
            isKeyframe: false,
            payloads: Array(repeating: frame(1238), count: 20).flatMap(\.payloads)
        )
        taken.append(pacer.enqueue(stream.packets(for: twenty, at: instant(0)), of: 20, priority: .picture))
        taken.append(pacer.enqueue(stream.packets(for: frame(88), at: instant(0)), of: 100, priority: .sound))
        #expect(taken.allSatisfy { $0 })
        var now = instant(0)
        var sent: [(number: Int, at: Int64)] = []
        var sequences: [UInt16] = []
        while true {
            while let due = pacer.next(at: now) {
                for packet in due.packets {
                    sent.append((due.stream, now.nanoseconds / 1_000_000))
                    if due.stream < 100 { sequences.append(packet.sequence) }
                }
            }
            guard let deadline = pacer.nextDeadline else { break }
            now = max(deadline, now)
        }
        #expect(sent.map(\.number) == [100] + Array(0..<20) + Array(repeating: 20, count: 20))
        #expect(sequences == (0..<40).map { (sequences.first ?? 0) &+ $0 })
        // 10 ms each at this rate.
        #expect((360...410).contains(sent[40].at), "\(sent[40].at)")
        #expect(sent.filter { $0.at <= 6 }.count <= 3)
        #expect(pacer.queuedBytes == 0)
    }

    /// When the last of 100 kB is out, in milliseconds.
    private func lastOut(_ pacer: Pacer) throws -> Int64 {
        var (pacer, stream, now) = (pacer, try makeStream(), instant(0))
        for _ in 0..<100 {
            _ = pacer.enqueue(stream.packets(for: frame(988), at: now), of: 0, priority: .picture)
        }
        while true {
            while pacer.next(at: now) != nil {}
            guard let deadline = pacer.nextDeadline else { return now.nanoseconds / 1_000_000 }
            now = max(deadline, now)
        }
    }

    @Test func `on a path that has shown its limit, more waits and for longer, but not for ever`() throws {
        var pacer = Pacer(bitsPerSecond: 400_000)
        // It goes faster at first, and then as the queue shortens at its own rate.
        let unlimited = try lastOut(pacer)
        pacer.isLimited = true
        let limited = try lastOut(pacer)
        #expect(unlimited < limited && limited < 2_000, "\(unlimited) \(limited)")
    }

    @Test func `what is in a hurry goes out at its own rate, and the rest at the pacer's`() throws {
        var pacer = Pacer(bitsPerSecond: 4_000_000)
        #expect(try (150...210).contains(lastOut(pacer)))
        pacer.hurry(bytes: 50_000, bitsPerSecond: 20_000_000)
        #expect(try (90...130).contains(lastOut(pacer)))
    }

    @Test func `a pacer that is full takes no more, and says so`() throws {
        var limits = PacerLimits()
        limits.queueBytesMax = 3000
        var pacer = Pacer(bitsPerSecond: 1_000_000, limits: limits)
        var stream = try makeStream()
        let taken = (0..<4).map {
            pacer.enqueue(stream.packets(for: frame(988), at: instant(0)), of: $0, priority: .picture)
        }
        #expect(taken == [true, true, true, false])
        pacer.drop(.picture)
        let next = pacer.next(at: instant(0))
        #expect(pacer.queuedBytes == 0 && next == nil)
    }
}
