import LoadGenerator
import Testing
import Timebase

@Suite struct MediaCheckTests {
    static let start = MonotonicInstant(nanoseconds: 5_000_000_000)

    /// A viewer in its measured window, and what it noticed.
    struct Watch {
        var check = MediaCheck(openedAt: MediaCheckTests.start)
        let meter = PlayMeter()

        init() {
            meter.isMeasuring = true
            check.windowBegins(at: MediaCheckTests.start)
        }

        /// A video frame that was sent and arrived so many milliseconds after the start.
        mutating func video(_ timestamp: UInt32, sequence: Int64, sent: Int, arrived: Int, keyframe: Bool = false)
            throws
        {
            let stamp = SendStamp(
                sentAt: MediaCheckTests.start + .milliseconds(sent),
                sequence: sequence,
                bodyBytesBefore: sequence * 100
            )
            let body = SendStampTests.body(stamp, keyframe: keyframe)
            let message = try head(of: body, timestamp: timestamp)
            check.receive(message, at: MediaCheckTests.start + .milliseconds(arrived), meter)
        }

        mutating func audio(_ timestamp: UInt32, arrived: Int) throws {
            let message = try head(of: [0xAF, 1, 0x21], type: 8, timestamp: timestamp)
            check.receive(message, at: MediaCheckTests.start + .milliseconds(arrived), meter)
        }
    }

    @Test func `a stream in time and order is without complaint`() throws {
        var watch = Watch()
        try watch.video(1000, sequence: 0, sent: 0, arrived: 4, keyframe: true)
        try watch.audio(1010, arrived: 17)
        try watch.video(1033, sequence: 1, sent: 33, arrived: 37)
        #expect(watch.meter.videoFrames == 2)
        #expect(watch.meter.audioFrames == 1)
        #expect(watch.meter.keyframes == 1)
        #expect(watch.meter.lostFrames == 0)
        #expect(watch.meter.backwardsTimestamps == 0)
        #expect(watch.meter.stalls == 0)
        let delays = watch.meter.delays
        #expect(delays.firstFrame?.p50 == 4)
        #expect(delays.video?.max == 4)
        // Timestamp 1000 was sent at 0, so 1010 at 10.
        #expect(delays.audio?.p50 == 7)
    }

    @Test func `timestamps that go back are counted in each track for itself, and a wrap is no step back`() throws {
        var watch = Watch()
        try watch.video(.max, sequence: 0, sent: 0, arrived: 1)
        try watch.video(32, sequence: 1, sent: 33, arrived: 34)
        try watch.audio(20, arrived: 35)
        #expect(watch.meter.backwardsTimestamps == 0)
        try watch.video(31, sequence: 2, sent: 66, arrived: 67)
        #expect(watch.meter.backwardsTimestamps == 1)
    }

    @Test func `frames that were left out are counted`() throws {
        var watch = Watch()
        try watch.video(0, sequence: 7, sent: 0, arrived: 1)
        try watch.video(100, sequence: 10, sent: 100, arrived: 101)
        #expect(watch.meter.lostFrames == 2)
    }

    @Test func `more than a second without media is a stall, also at the end`() throws {
        var watch = Watch()
        try watch.video(0, sequence: 0, sent: 0, arrived: 1000)
        #expect(watch.meter.stalls == 0)
        try watch.video(33, sequence: 1, sent: 33, arrived: 2001)
        #expect(watch.meter.stalls == 1)
        watch.check.windowEnds(at: Self.start + .milliseconds(3002), watch.meter)
        #expect(watch.meter.stalls == 2)
    }

    @Test func `a sequence header is no frame`() throws {
        var watch = Watch()
        watch.check.receive(try head(of: [0x17, 0, 0, 0, 0, 1], timestamp: 5), at: Self.start, watch.meter)
        #expect(!watch.check.hasKeyframe)
        #expect(watch.meter.videoFrames == 0)
    }
}
