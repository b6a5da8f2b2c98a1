import MediaModel
import Streams
import Testing
import Timebase

/// What one track's clock does must not move the others.
@Suite struct TimelineJumpTests {
    private static let frame = AudioFrameDuration(samples: 1024, rate: 48_000)

    private func milliseconds(_ time: Int) -> MediaTime { MediaTime(milliseconds: Int64(time)) }

    @Test(arguments: [3_600_000, -3_600_000, 10_000, -5_000])
    func `a jump of the sound alone leaves the pictures' times alone`(jump: Int) {
        var repair = TimelineRepair(startingAt: .zero)
        var soundStart: MediaTime?
        for step in 0..<500 {
            let now = 10_000 + step * 16
            let video = repair.place(milliseconds(now), track: .video, frame: nil)
            #expect(video == milliseconds(step * 16))
            let stamp = milliseconds(now + (step >= 100 ? jump : 0))
            let audio = repair.place(stamp, track: .audio, frame: nil)
            if step == 100 { soundStart = audio - video }
            if step > 100 { #expect(audio - video == soundStart, "step \(step)") }
            if step < 100 { #expect(audio == video) }
        }
        #expect(repair.jumpCount == 1)
    }

    @Test func `tracks whose stamps have nothing in common both play on`() {
        var repair = TimelineRepair(startingAt: .zero)
        var last = (video: MediaTime.zero, audio: MediaTime.zero)
        for step in 0..<300 {
            last.video = repair.place(milliseconds(1_000_000_000 + step * 20), track: .video, frame: nil)
            last.audio = repair.place(milliseconds(step * 20), track: .audio, frame: nil)
        }
        #expect(last.video == milliseconds(299 * 20))
        #expect(last.audio == milliseconds(299 * 20))
    }

    @Test func `units of the old clock that come after the first of the new one keep their places`() {
        var repair = TimelineRepair(startingAt: .zero)
        _ = repair.place(milliseconds(1000), track: .video, frame: nil)
        _ = repair.place(milliseconds(1000), track: .audio, frame: nil)
        // The encoder restarted at 0; one sound frame of before is still on its way.
        #expect(repair.place(milliseconds(-50_000), track: .video, frame: nil) == milliseconds(40))
        #expect(repair.place(milliseconds(1020), track: .audio, frame: nil) == milliseconds(20))
        #expect(repair.place(milliseconds(-50_000), track: .audio, frame: nil) == milliseconds(40))
        #expect(repair.place(milliseconds(-49_960), track: .video, frame: nil) == milliseconds(80))
        #expect(repair.jumpCount == 1)
    }

    @Test func `a camera that was off for ten seconds comes back beside the sound`() {
        var repair = TimelineRepair(startingAt: .zero)
        _ = repair.place(.zero, track: .video, frame: nil)
        var audio = MediaTime.zero
        for number in 0...468 {
            let exact = MediaTime(samples: Int64(number) * 1024, rate: 48_000)
            audio = repair.place(MediaTime(milliseconds: exact.milliseconds), track: .audio, frame: Self.frame)
        }
        let video = repair.place(milliseconds(10_000), track: .video, frame: nil)
        #expect(video == milliseconds(10_000))
        #expect(audio == MediaTime(samples: 468 * 1024, rate: 48_000))
        #expect(repair.jumpCount == 0)
    }

    @Test func `no unit lies before the resume point, also when its track began earlier than the first`() {
        let resume = MediaTime(seconds: 5)
        var repair = TimelineRepair(startingAt: resume)
        #expect(repair.place(milliseconds(100), track: .video, frame: nil) == resume)
        #expect(repair.place(milliseconds(70), track: .audio, frame: Self.frame) == resume)
        #expect(repair.place(milliseconds(120), track: .audio, frame: Self.frame) > resume)
    }

    @Test func `sound continues its sample grid across a jump of both tracks`() {
        var repair = TimelineRepair(startingAt: .zero)
        for number in 0..<200 {
            let exact = MediaTime(samples: Int64(number) * 1024, rate: 48_000)
            let stamp = exact.milliseconds + (number >= 100 ? 77_000_000 : 0)
            let placed = repair.place(MediaTime(milliseconds: stamp), track: .audio, frame: Self.frame)
            #expect(placed == exact)
        }
    }
}
