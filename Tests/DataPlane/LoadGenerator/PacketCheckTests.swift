import LoadGenerator
import NIOCore
import RTP
import Testing
import Timebase

@Suite struct PacketCheckTests {
    private static let start = MonotonicInstant(nanoseconds: 5_000_000_000)

    /// A viewer in its measured window.
    private struct Watch {
        var check: PacketCheck
        let meter = PlayMeter()
        private let video: PayloadType

        init() throws {
            video = try #require(PayloadType(96))
            check = PacketCheck(video: video, openedAt: PacketCheckTests.start)
            meter.isMeasuring = true
            check.windowBegins(at: PacketCheckTests.start)
        }

        /// A picture's packet that arrived so many milliseconds after the start.
        mutating func video(
            _ sequence: UInt16,
            timestamp: UInt32,
            at milliseconds: Int,
            nalUnit: [UInt8] = [0x41, 0x9A, 0, 0],
            marker: Bool = true
        ) {
            let packet = RTPPacket(
                marker: marker,
                payloadType: video,
                sequence: sequence,
                timestamp: timestamp,
                ssrc: SSRC(7),
                payload: ByteBuffer(bytes: nalUnit)
            )
            let bytes = Array(packet.encoded.readableBytesView)
            check.receive(bytes.span, at: PacketCheckTests.start + .milliseconds(milliseconds), meter)
        }
    }

    private static let keyframe: [UInt8] = [0x65, 0x88, 0, 0]

    @Test func `holes are counted, and a late packet makes up for its own`() throws {
        var watch = try Watch()
        watch.video(65_534, timestamp: 0, at: 0)
        watch.video(65_535, timestamp: 3_000, at: 33)
        watch.video(2, timestamp: 9_000, at: 100)
        #expect(watch.meter.lostPackets == 2)
        watch.video(0, timestamp: 6_000, at: 101)
        #expect(watch.meter.lostPackets == 1 && watch.meter.packets == 4)
    }

    @Test func `the first frame is the first whole keyframe`() throws {
        var watch = try Watch()
        watch.video(0, timestamp: 0, at: 1)
        #expect(!watch.check.hasKeyframe)
        // The second packet of it is lost.
        watch.video(1, timestamp: 3_000, at: 33, nalUnit: Self.keyframe, marker: false)
        watch.video(3, timestamp: 3_000, at: 34)
        #expect(!watch.check.hasKeyframe)
        watch.video(4, timestamp: 6_000, at: 66, nalUnit: Self.keyframe, marker: false)
        watch.video(5, timestamp: 6_000, at: 70)
        #expect(watch.check.hasKeyframe && watch.meter.delays.firstFrame?.max == 70)
    }

    @Test func `an SPS in an aggregate begins a keyframe`() throws {
        var watch = try Watch()
        watch.video(0, timestamp: 0, at: 5, nalUnit: [24, 0, 2, 9, 0x10, 0, 2, 0x67, 0x64])
        #expect(watch.check.hasKeyframe)
    }

    @Test func `timestamps that go back and a second without packets are told`() throws {
        var watch = try Watch()
        watch.video(0, timestamp: .max - 1_000, at: 0)
        watch.video(1, timestamp: 2_000, at: 33)
        #expect(watch.meter.backwardsTimestamps == 0)
        watch.video(2, timestamp: 1_000, at: 66)
        #expect(watch.meter.backwardsTimestamps == 1 && watch.meter.stalls == 0)
        watch.video(3, timestamp: 9_000, at: 1_200)
        watch.check.windowEnds(at: Self.start + .milliseconds(2_500), watch.meter)
        #expect(watch.meter.stalls == 2)
    }

    /// RFC 3550 §6.4.1: of pictures that come 10 ms early and late in turn, the mean deviation is 20 ms.
    @Test func `jitter is reported of what arrived, not of what was sent`() throws {
        var (steady, shaken) = (try Watch(), try Watch())
        for number in 0..<400 {
            let (sequence, timestamp) = (UInt16(number), UInt32(number) * 3_600)
            steady.video(sequence, timestamp: timestamp, at: number * 40)
            shaken.video(sequence, timestamp: timestamp, at: number * 40 + (number % 2 == 0 ? 0 : 20))
        }
        for watch in [steady, shaken] {
            var check = watch.check
            let report = check.reportBlock(at: Self.start + .seconds(16))
            let block = try #require(report)
            #expect(block.ssrc == SSRC(7) && block.cumulativeLost == 0 && block.highestSequence == 399)
            check.windowEnds(at: Self.start + .seconds(16), watch.meter)
        }
        #expect(steady.meter.delays.jitter?.max == 0)
        #expect((18.0...22.0).contains(shaken.meter.delays.jitter?.max ?? 0))
    }
}
