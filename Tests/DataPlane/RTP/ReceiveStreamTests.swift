import RTP
import TestSupport
import Testing
import Timebase

import struct NIOCore.ByteBuffer

/// A stream whose events may stand inside expectations.
private final class Receiver {
    var stream: ReceiveStream

    init(usesNack: Bool = true) throws {
        let type = try #require(PayloadType(96))
        stream = ReceiveStream(ssrc: SSRC(1), codec: .vp8, payloadType: type, usesNack: usesNack)
    }

    func receive(_ packet: RTPPacket, at milliseconds: Int64) { stream.receive(packet, at: instant(milliseconds)) }

    func outputs() -> [ReceiveStream.Output] {
        var outputs: [ReceiveStream.Output] = []
        while let output = stream.nextOutput() { outputs.append(output) }
        return outputs
    }

    /// The last byte of each frame handed out since the last call.
    func frames() -> [UInt8] {
        outputs().compactMap { if case .frame(let frame) = $0 { frame.payload.bytes.last } else { nil } }
    }

    func report(at milliseconds: Int64) -> ReportBlock? { stream.reportBlock(at: instant(milliseconds)) }
}

private func instant(_ milliseconds: Int64) -> MonotonicInstant {
    MonotonicInstant(nanoseconds: milliseconds * 1_000_000)
}

@Suite struct ReceiveStreamTests {
    /// Frames of one packet each: VP8 with the plainest descriptor; the first is a keyframe.
    private func packet(_ number: Int, sequence: UInt16, timestamp: UInt32, isKeyframe: Bool) throws -> RTPPacket {
        RTPPacket(
            marker: true,
            payloadType: try #require(PayloadType(96)),
            sequence: sequence,
            timestamp: timestamp,
            ssrc: SSRC(1),
            payload: ByteBuffer(bytes: [0x10, isKeyframe ? 0x00 : 0x01, UInt8(number)])
        )
    }

    private func packets(_ count: Int, from sequence: UInt16, timestamp: UInt32) throws -> [RTPPacket] {
        try (0..<count).map {
            try packet(
                $0,
                sequence: sequence &+ UInt16($0),
                timestamp: timestamp &+ UInt32($0) &* 3000,
                isKeyframe: $0 == 0
            )
        }
    }

    private func permutations(_ items: [Int]) -> [[Int]] {
        items.isEmpty ? [[]] : items.flatMap { item in permutations(items.filter { $0 != item }).map { [item] + $0 } }
    }

    /// All 120 orders of the five packets behind the first, across the wrap of number and timestamp.
    @Test func `every order of arrival gives the frames in order`() throws {
        let sent = try packets(6, from: 65_533, timestamp: UInt32.max - 4000)
        for order in permutations([1, 2, 3, 4, 5]) {
            let receiver = try Receiver()
            for (place, number) in ([0] + order).enumerated() {
                receiver.receive(sent[number], at: Int64(place))
            }
            #expect(receiver.frames() == [0, 1, 2, 3, 4, 5], "\(order)")
        }
    }

    /// All 32 subsets of the five packets behind the first, each lost for good.
    @Test func `after a loss nothing is handed out that refers to it, and the report counts it`() throws {
        let sent = try packets(6, from: 65_533, timestamp: UInt32.max - 4000)
        for lost in 0..<32 {
            let receiver = try Receiver(usesNack: false)
            for number in 0..<6 where number == 0 || lost >> (number - 1) & 1 == 0 {
                receiver.receive(sent[number], at: Int64(number))
            }
            while let deadline = receiver.stream.nextDeadline, deadline < instant(900) {
                receiver.stream.timeoutReached(at: deadline)
            }
            let arrived = (0..<6).map { $0 == 0 || lost >> ($0 - 1) & 1 == 0 }
            let whole = arrived.prefix { $0 }.count
            #expect(receiver.frames() == (0..<UInt8(whole)).map { $0 }, "lost \(lost)")
            let last = arrived.lastIndex(of: true) ?? 0
            let missing = arrived[...last].filter { !$0 }.count
            #expect(receiver.report(at: 900)?.cumulativeLost == Int32(missing))
        }
    }

    @Test func `a duplicate and a repeat of what is there change nothing`() throws {
        let receiver = try Receiver()
        let sent = try packets(3, from: 9, timestamp: 0)
        for packet in sent + sent { receiver.receive(packet, at: 1) }
        #expect(receiver.frames() == [0, 1, 2])
    }

    @Test func `a missing packet is asked for after the reorder tolerance, again after a round trip, then given up`()
        throws
    {
        let receiver = try Receiver()
        let sent = try packets(4, from: 65_534, timestamp: 0)
        for number in [0, 1, 3] { receiver.receive(sent[number], at: 0) }
        #expect(receiver.frames() == [0, 1])
        var asked: [Int64] = []
        while let deadline = receiver.stream.nextDeadline, deadline < instant(2000) {
            receiver.stream.timeoutReached(at: deadline)
            for output in receiver.outputs() {
                if case .nack(let sequences) = output {
                    #expect(sequences == [0])
                    asked.append(deadline.nanoseconds / 1_000_000)
                }
            }
        }
        #expect(asked == [10, 135, 260, 385, 510, 635, 760])
    }

    @Test func `a repeat on the RTX stream fills the hole`() throws {
        let receiver = try Receiver()
        let sent = try packets(4, from: 65_534, timestamp: 0)
        for number in [0, 1, 3] { receiver.receive(sent[number], at: 0) }
        var repeated = sent[2]
        repeated.payload = ByteBuffer(bytes: [0, 0] + sent[2].payload.bytes)
        repeated.ssrc = SSRC(2)
        repeated.sequence = 500
        receiver.stream.receive(retransmission: repeated, at: instant(50))
        #expect(receiver.frames() == [0, 1, 2, 3])
        #expect(receiver.report(at: 60)?.cumulativeLost == 1)
        #expect(receiver.stream.nextDeadline == nil)
    }

    @Test func `however many want a keyframe, the publisher is asked once a second until one comes`() throws {
        let receiver = try Receiver()
        let sent = try packets(2, from: 1, timestamp: 0)
        receiver.stream.receive(sent[0], at: instant(0))
        _ = receiver.outputs()
        for time in stride(from: 1 as Int64, to: 900, by: 10) { receiver.stream.wantKeyframe(at: instant(time)) }
        #expect(receiver.outputs() == [.keyframeRequest])
        receiver.stream.timeoutReached(at: instant(1001))
        #expect(receiver.outputs() == [.keyframeRequest])
        receiver.stream.receive(try packet(1, sequence: 2, timestamp: 3000, isKeyframe: true), at: instant(1100))
        #expect(receiver.stream.nextDeadline == nil)
    }

    @Test func `a stray number is dropped, and a sender that begins anew is followed`() throws {
        let receiver = try Receiver()
        for packet in try packets(2, from: 100, timestamp: 0) { receiver.receive(packet, at: 0) }
        receiver.stream.receive(try packet(9, sequence: 40_000, timestamp: 1, isKeyframe: true), at: instant(1))
        #expect(receiver.frames() == [0, 1])
        for packet in try packets(3, from: 20_000, timestamp: 77) { receiver.receive(packet, at: 2) }
        receiver.stream.receive(try packet(5, sequence: 20_003, timestamp: 99_000, isKeyframe: true), at: instant(3))
        #expect(receiver.frames() == [5])
    }

    /// RFC 3550 appendix A.8: transit varies by 10 ms each time, so jitter goes towards that.
    @Test func `the report tells jitter, the highest number and the age of the last sender report`() throws {
        let receiver = try Receiver()
        for number in 0..<200 {
            let late: Int64 = number % 2 == 0 ? 0 : 10
            let packet = try packet(
                number,
                sequence: UInt16(number),
                timestamp: UInt32(number) * 3600,
                isKeyframe: number == 0
            )
            receiver.receive(packet, at: Int64(number) * 40 + late)
        }
        let report = SenderReport(
            ssrc: SSRC(1),
            ntpTime: NTPTime(0x1234_5678_9ABC_DEF0),
            rtpTimestamp: 0,
            packetCount: 1,
            octetCount: 1
        )
        receiver.stream.receive(report, at: instant(8000))
        let block = try #require(receiver.report(at: 8500))
        #expect((890...900).contains(block.jitter), "\(block.jitter)")
        #expect(block.highestSequence == 199)
        #expect(block.fractionLost == 0)
        #expect(block.lastSenderReport == 0x5678_9ABC)
        #expect(block.delaySinceLastSenderReport == 0x8000)
    }
}
