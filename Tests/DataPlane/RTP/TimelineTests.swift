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

    /// As GStreamer 1.22 sends them: the reported timestamps grow twice as fast as the frames'.
    @Test func `reports of a clock that is too fast do not hold the timeline up`() {
        var timeline = SessionTimeline()
        let (video, audio) = (SSRC(1), SSRC(2))
        var (picture, sound) = (MediaTime(ticks: 0), MediaTime(ticks: 0))
        for number in 0..<1000 as Range<Int64> {
            let now = number * 20
            let next = timeline.time(of: frame(.h264, 5000 + number * 1800, arrival: now), from: video)
            if number > 0 { #expect((900...2700).contains((next - picture).ticks), "frame \(number)") }
            picture = next
            sound = timeline.time(of: frame(.opus, 777 + number * 960, arrival: now), from: audio)
            guard number % 50 == 40 else { continue }
            timeline.senderReport(report(video, now, 0), timestamp: 5000 + 2 * number * 1800)
            timeline.senderReport(report(audio, now, 0), timestamp: 777 + 2 * number * 960)
        }
        #expect(picture.milliseconds == 999 * 20)
        #expect((picture - sound).milliseconds.magnitude <= 20)
    }

    @Test func `a report that is seconds off its stream's frames is none`() {
        var timeline = SessionTimeline()
        for (ssrc, codec) in [(SSRC(1), RTPCodec.h264), (SSRC(2), .opus)] {
            _ = timeline.time(of: frame(codec, 0, arrival: 0), from: ssrc)
        }
        timeline.senderReport(report(SSRC(1), 0, 0), timestamp: 0)
        for distance in [-3, 3] as [Int64] {
            timeline.senderReport(report(SSRC(2), 0, 0), timestamp: distance * 48_000)
        }
        #expect(timeline.time(of: frame(.opus, 960, arrival: 20), from: SSRC(2)).milliseconds == 20)
    }

    /// The picture came three seconds too late on its way, and goes back where it belongs.
    @Test func `a stream that is seconds late goes on slower until it is right, and never stands still`() {
        var timeline = SessionTimeline()
        let (audio, video) = (SSRC(1), SSRC(2))
        var (picture, skew) = (MediaTime(ticks: 0), Int64.max)
        for number in 0..<2000 as Range<Int64> {
            let now = number * 40
            let sound = timeline.time(of: frame(.opus, number * 1920, arrival: now), from: audio)
            let next = timeline.time(of: frame(.h264, number * 3600, arrival: now + 3000), from: video)
            if number > 0 { #expect((2700...3690).contains((next - picture).ticks), "frame \(number)") }
            (picture, skew) = (next, (next - sound).milliseconds)
            guard number % 25 == 20 else { continue }
            timeline.senderReport(report(audio, now, 0), timestamp: number * 1920)
            timeline.senderReport(report(video, now, 0), timestamp: number * 3600)
        }
        #expect(skew.magnitude <= 1, "\(skew)")
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
