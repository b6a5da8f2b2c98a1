import RTP
import Testing
import Timebase

import struct NIOCore.ByteBuffer

@Suite struct TimelineTests {
    private func frame(_ codec: RTPCodec, _ timestamp: Int64, arrival milliseconds: Int64) -> ReceivedFrame {
        ReceivedFrame(
            codec: codec,
            timestamp: timestamp,
            isKeyframe: true,
            payload: ByteBuffer(),
            arrival: MonotonicInstant(nanoseconds: milliseconds * 1_000_000)
        )
    }

    private func report(_ ssrc: SSRC, _ milliseconds: Int64, _ timestamp: Int64) -> SenderReport {
        SenderReport(
            ssrc: ssrc,
            ntpTime: NTPTime(1000 << 32) + .milliseconds(milliseconds),
            rtpTimestamp: UInt32(truncatingIfNeeded: timestamp),
            packetCount: 0,
            octetCount: 0
        )
    }

    /// Sound is 200 ms late on its way; the reports tell, and frame by frame it goes to its place.
    @Test func `sender reports bring sound and picture together, without a jump`() {
        var timeline = SessionTimeline()
        let (video, audio) = (SSRC(1), SSRC(2))
        var last = MediaTime(ticks: -1)
        var skew: [Int64] = []
        for number in 0..<500 as Range<Int64> {
            let now = number * 20
            let picture = timeline.time(of: frame(.h264, 5000 + number * 1800, arrival: now), from: video)
            let sound = timeline.time(of: frame(.opus, 777 + number * 960, arrival: now + 200), from: audio)
            #expect(sound > last)
            if number > 0 { #expect((sound.ticks - last.ticks - 1800).magnitude <= 90) }
            last = sound
            skew.append((sound - picture).milliseconds)
            if number == 100 {
                timeline.senderReport(report(video, now, 5000 + number * 1800), timestamp: 5000 + number * 1800)
                timeline.senderReport(report(audio, now, 777 + number * 960), timestamp: 777 + number * 960)
            }
        }
        #expect(skew[0] == 200)
        #expect(skew[499].magnitude <= 1, "\(skew[499])")
    }

    @Test func `a timeline never goes back, and a stream that is a second off jumps forward at once`() {
        var timeline = SessionTimeline()
        let first = timeline.time(of: frame(.h264, 90_000, arrival: 0), from: SSRC(1))
        let backwards = timeline.time(of: frame(.h264, 0, arrival: 10), from: SSRC(1))
        #expect(backwards > first)
        _ = timeline.time(of: frame(.opus, 0, arrival: 0), from: SSRC(2))
        timeline.senderReport(report(SSRC(1), 0, 90_000), timestamp: 90_000)
        timeline.senderReport(report(SSRC(2), 5000, 0), timestamp: 0)
        let moved = timeline.time(of: frame(.opus, 960, arrival: 20), from: SSRC(2))
        #expect(moved.milliseconds == 5020)
    }

    @Test func `NTP times are 32 bits of seconds and 32 of their parts`() {
        #expect(NTPTime(WallTime(milliseconds: 0)).value == 0x83AA_7E80_0000_0000)
        #expect(NTPTime(WallTime(milliseconds: 500)).value == 0x83AA_7E80_8000_0000)
        #expect(NTPTime(0x0000_0001_8000_0000).middle == 0x0001_8000)
        #expect(NTPTime(5 << 32) - NTPTime(3 << 32) == .seconds(2))
        #expect(NTPTime(3 << 32) - NTPTime(5 << 32) == .seconds(-2))
        #expect((NTPTime(0) + .milliseconds(250)).value == 0x4000_0000)
    }
}
