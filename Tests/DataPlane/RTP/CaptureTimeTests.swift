import MediaModel
import RTP
import Testing
import Timebase

@Suite struct CaptureTimeTests {
    private func instant(_ milliseconds: Int64) -> MonotonicInstant {
        MonotonicInstant(nanoseconds: milliseconds * 1_000_000)
    }

    /// `milliseconds` after a capture that some clock calls 1000 s.
    private func capture(_ milliseconds: Int64) -> AbsoluteCaptureTime {
        AbsoluteCaptureTime(time: NTPTime(1000 << 32) + .milliseconds(milliseconds), clockOffset: 7)
    }

    private func milliseconds(_ capture: AbsoluteCaptureTime?) -> Int64? {
        capture.map { (($0.time - NTPTime(1000 << 32)) + .microseconds(500)).milliseconds }
    }

    /// The first picture is stamped just before the wrap.
    private func timestamp(_ milliseconds: Int64) -> UInt32 {
        UInt32(truncatingIfNeeded: 0xFFFF_FF00 + milliseconds * 90)
    }

    @Test func `a source that tells it with each picture is passed on once a second`() {
        var times = CaptureTimes(clockRate: 90_000)
        var told: [Int64] = []
        for number in 0..<90 as Range<Int64> {
            let now = number * 33
            times.learned(capture(now), timestamp: timestamp(now), at: instant(now))
            guard let due = times.due(timestamp: timestamp(now), at: instant(now)) else { continue }
            #expect(milliseconds(due) == now && due.clockOffset == 7)
            told.append(now)
        }
        #expect(told == [0, 1023, 2046])
    }

    @Test func `between what the source tells it follows from the timestamps, and after five seconds not any more`() {
        var times = CaptureTimes(clockRate: 90_000)
        times.learned(capture(0), timestamp: timestamp(0), at: instant(0))
        let told = (0...20).map { milliseconds(times.due(timestamp: timestamp($0 * 500), at: instant($0 * 500))) }
        #expect(told.prefix(11) == [0, nil, 1000, nil, 2000, nil, 3000, nil, 4000, nil, 5000])
        #expect(told.dropFirst(11).allSatisfy { $0 == nil })
    }

    @Test func `what does not follow is told at once, and nothing after the source is gone`() {
        var times = CaptureTimes(clockRate: 90_000)
        times.learned(capture(0), timestamp: timestamp(0), at: instant(0))
        _ = times.due(timestamp: timestamp(0), at: instant(0))
        // 4 ms is a clock that is not quite even; 60 is another camera.
        times.learned(capture(104), timestamp: timestamp(100), at: instant(100))
        #expect(times.due(timestamp: timestamp(100), at: instant(100)) == nil)
        times.learned(capture(264), timestamp: timestamp(200), at: instant(200))
        #expect(milliseconds(times.due(timestamp: timestamp(200), at: instant(200))) == 264)
        times.reset()
        #expect(times.due(timestamp: timestamp(1300), at: instant(1300)) == nil)
    }

    @Test func `the publisher's clock is what its quickest report says`() {
        var clock = PublisherClock()
        #expect(clock.offset == nil)
        // Its clock is 3 s behind ours, and its reports are so many ms on their way.
        for delay in [50, 20, 90] as [Int64] {
            let report = SenderReport(
                ssrc: SSRC(1),
                ntpTime: NTPTime(997 << 32),
                rtpTimestamp: 0,
                packetCount: 0,
                octetCount: 0
            )
            clock.received(report, ntp: NTPTime(1000 << 32) + .milliseconds(delay))
        }
        #expect(clock.offset == NTPTime(997 << 32).offset(from: NTPTime(1000 << 32) + .milliseconds(20)))
    }
}
