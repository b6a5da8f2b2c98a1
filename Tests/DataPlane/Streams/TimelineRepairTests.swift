import MediaModel
import NIOCore
import Streams
import TestSupport
import Testing
import Timebase

extension TimelineRepair {
    /// When a unit without B-frames is decoded that its publisher stamped `stamp`.
    mutating func place(_ stamp: MediaTime, track: TrackID, frame: AudioFrameDuration?) -> MediaTime {
        place(AccessUnit(track: track, decodeTime: stamp, isKeyframe: true, payload: ByteBuffer()), frame: frame)
            .decodeTime
    }
}

@Suite struct TimelineRepairTests {
    static let frame = AudioFrameDuration(samples: 1024, rate: 44_100)

    @Test func `the first unit lands on the resume point, whatever its stamp`() {
        var repair = TimelineRepair(startingAt: MediaTime(seconds: 100))
        #expect(repair.place(MediaTime(seconds: 7), track: .video, frame: nil) == MediaTime(seconds: 100))
        let second = repair.place(MediaTime(milliseconds: 7040), track: .video, frame: nil)
        #expect(second == MediaTime(milliseconds: 100_040))
    }

    @Test func `an hour of audio stamped in milliseconds does not drift from its sample grid`() {
        var repair = TimelineRepair(startingAt: .zero)
        var random = SplitMix64(seed: 7)
        let count = 3600 * 44_100 / 1024
        for number in 0..<count {
            let exact = MediaTime(samples: Int64(number) * 1024, rate: 44_100)
            let stamp = MediaTime(milliseconds: exact.milliseconds + Int64.random(in: 0...1, using: &random))
            let placed = repair.place(number == 0 ? .zero : stamp, track: .audio, frame: Self.frame)
            guard placed != exact else { continue }
            Issue.record("frame \(number) at \(placed.ticks), not \(exact.ticks)")
            return
        }
        #expect(repair.jumpCount == 0)
    }

    @Test func `audio that lost frames moves to its stamp and keeps a grid from there`() {
        var repair = TimelineRepair(startingAt: .zero)
        _ = repair.place(.zero, track: .audio, frame: Self.frame)
        let late = repair.place(MediaTime(milliseconds: 500), track: .audio, frame: Self.frame)
        #expect(late == MediaTime(milliseconds: 500))
        let next = repair.place(MediaTime(milliseconds: 523), track: .audio, frame: Self.frame)
        #expect(next == late + MediaTime(samples: 1024, rate: 44_100))
    }

    /// Encoders stamp them carelessly, zero above all.
    @Test func `data messages go beside the media and move none of it`() {
        var repair = TimelineRepair(startingAt: MediaTime(seconds: 100))
        #expect(repair.place(beside: .zero) == MediaTime(seconds: 100))
        _ = repair.place(MediaTime(seconds: 7), track: .video, frame: nil)
        _ = repair.place(MediaTime(milliseconds: 7040), track: .video, frame: nil)
        #expect(repair.place(beside: MediaTime(milliseconds: 7020)) == MediaTime(milliseconds: 100_020))
        #expect(repair.place(beside: .zero) == MediaTime(milliseconds: 100_040))
        #expect(repair.place(beside: MediaTime(seconds: 4000)) == MediaTime(milliseconds: 100_040))
        #expect(
            repair.place(MediaTime(milliseconds: 7080), track: .video, frame: nil) == MediaTime(milliseconds: 100_080)
        )
        #expect(repair.jumpCount == 0)
    }

    static let jumps = [3_600_000, 10_000, -3_600_000, -5_000]

    @Test(arguments: jumps)
    func `a jump of the publisher's clock leaves one growing timeline, sound and picture together`(jump: Int) {
        var repair = TimelineRepair(startingAt: .zero)
        var last: [TrackID: MediaTime] = [:]
        var apart = MediaTime.zero
        for step in 0..<200 {
            let shift = Int64(step >= 100 ? jump : 0)
            let stamp = MediaTime(milliseconds: 5_000 + Int64(step) * 40 + shift)
            let video = repair.place(stamp, track: .video, frame: nil)
            let audio = repair.place(stamp, track: .audio, frame: nil)
            for (track, time) in [(TrackID.video, video), (.audio, audio)] {
                if let before = last[track] {
                    #expect(time > before)
                    #expect(time - before < MediaTime(milliseconds: 500), "step \(step)")
                }
                last[track] = time
            }
            apart = max(apart, max(video - audio, audio - video))
        }
        #expect(repair.jumpCount == 1)
        #expect(apart < MediaTime(milliseconds: 100))
    }

    @Test func `equal and falling stamps become one millisecond apart, as RTMP must tell them apart`() {
        var repair = TimelineRepair(startingAt: .zero)
        let placed = [100, 100, 90, 140].map {
            repair.place(MediaTime(milliseconds: $0), track: .video, frame: nil).milliseconds
        }
        #expect(placed == [0, 1, 2, 40])
    }

    @Test func `a codec that reorders pictures, right behind one that does not, shows them at its times`() {
        var repair = TimelineRepair(startingAt: .zero)
        func place(_ decode: Int64, _ show: Int64) -> AccessUnit {
            let unit = AccessUnit(
                track: .video,
                decodeTime: MediaTime(milliseconds: decode),
                compositionOffset: MediaTime(milliseconds: show - decode),
                isKeyframe: true,
                payload: ByteBuffer()
            )
            return repair.place(unit, frame: nil)
        }
        for number in Int64(0)..<25 { _ = place(number * 40, number * 40) }
        // I P B B, P B B: decoded three pictures ahead.
        let shown: [Int64] = [1000, 1120, 1040, 1080, 1240, 1160, 1200]
        let placed = shown.enumerated().map { place(880 + Int64($0) * 40, $1) }
        #expect(placed.map(\.decodeTime.milliseconds) == [961, 962, 963, 1000, 1040, 1080, 1120])
        #expect(placed.map(\.presentationTime.milliseconds) == shown)
        #expect(repair.jumpCount == 0)
    }

    @Test func `a pause shorter than a jump is kept as a pause`() {
        var repair = TimelineRepair(startingAt: .zero)
        _ = repair.place(.zero, track: .video, frame: nil)
        #expect(repair.place(MediaTime(seconds: 2), track: .video, frame: nil) == MediaTime(seconds: 2))
    }

    @Test(arguments: UInt64(11)...20)
    func `whatever a publisher stamps, each track grows`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var repair = TimelineRepair(startingAt: MediaTime(seconds: 7))
        var last: [TrackID: MediaTime] = [:]
        var clock: Int64 = 0
        for _ in 0..<5000 {
            let step = Int64.random(in: 0..<100, using: &random)
            clock += step == 0 ? Int64.random(in: -20_000...20_000, using: &random) : step - 10
            let track: TrackID = Bool.random(using: &random) ? .video : .audio
            let frame = track == .audio ? Self.frame : nil
            let placed = repair.place(MediaTime(milliseconds: clock), track: track, frame: frame)
            if let before = last[track], placed - before < MediaTime(milliseconds: 1) {
                Issue.record("track \(track.value) went from \(before.ticks) to \(placed.ticks)")
                return
            }
            last[track] = placed
        }
    }
}
