import MediaModel
import OutsideLinks
import Streams
import Testing
import Timebase

import struct NIOCore.ByteBuffer

@Suite struct MediaPacerTests {
    /// Pictures of 40 ms, and behind them sound of 20 ms, as a fragment may hold them.
    private func segment(from start: Int64, milliseconds: Int64) -> [IngestItem] {
        let pictures = stride(from: start, to: start + milliseconds, by: 40).map { unit(.video, at: $0) }
        return pictures + stride(from: start, to: start + milliseconds, by: 20).map { unit(.audio, at: $0) }
    }

    private func unit(_ track: TrackID, at milliseconds: Int64) -> IngestItem {
        let time = MediaTime(milliseconds: milliseconds)
        return .unit(
            AccessUnit(track: track, decodeTime: time, isKeyframe: true, payload: ByteBuffer()),
            frame: nil
        )
    }

    private func instant(_ milliseconds: Int64) -> MonotonicInstant {
        MonotonicInstant(nanoseconds: milliseconds * 1_000_000)
    }

    /// Times of the units that come out up to `end`, by the time when they do, looked at each 10 ms.
    private func units(_ pacer: inout MediaPacer, from start: Int64, to end: Int64) -> [(at: Int64, time: Int64)] {
        stride(from: start, through: end, by: 10).flatMap { now in
            pacer.take(at: instant(now)).compactMap { item in
                if case .unit(let unit, _) = item { (now, unit.decodeTime.milliseconds) } else { nil }
            }
        }
    }

    @Test func `segments that come at once go out at the pace of their time, tracks beside each other`() {
        var pacer = MediaPacer()
        pacer.put(segment(from: 50_000, milliseconds: 6000), at: instant(1000))
        pacer.put(segment(from: 56_000, milliseconds: 6000), at: instant(1000))
        #expect(pacer.backlog == .milliseconds(11_980))
        let out = units(&pacer, from: 1000, to: 20_000)
        #expect(out.count == 300 + 600)
        #expect(out.allSatisfy { $0.at == $0.time - 49_000 })
        #expect(pacer.nextDue == nil && pacer.backlog == .zero)
    }

    @Test func `one late segment delays what follows once, and the next one as late none`() {
        var pacer = MediaPacer()
        pacer.put(segment(from: 0, milliseconds: 2000), at: instant(0))
        var out = units(&pacer, from: 0, to: 2500)
        pacer.put(segment(from: 2000, milliseconds: 2000), at: instant(2500))
        out += units(&pacer, from: 2500, to: 4400)
        pacer.put(segment(from: 4000, milliseconds: 2000), at: instant(4400))
        out += units(&pacer, from: 4400, to: 7000)
        #expect(out.filter { $0.time >= 2000 }.allSatisfy { $0.at == $0.time + 500 }, "\(out)")
    }

    @Test func `a jump of the source's clock is no time that passes`() {
        var pacer = MediaPacer()
        pacer.put(segment(from: 0, milliseconds: 1000) + segment(from: 90_000, milliseconds: 1000), at: instant(0))
        pacer.put(segment(from: 10, milliseconds: 1000), at: instant(0))
        let out = units(&pacer, from: 0, to: 4000)
        #expect(out.count == 3 * (25 + 50))
        #expect((out.last?.at ?? 0) < 3000)
    }

    @Test func `new tracks stay between what came before and behind them`() {
        var pacer = MediaPacer()
        let tracks = IngestItem.tracks([Track(id: .data, codec: .data)])
        pacer.put([tracks] + segment(from: 0, milliseconds: 100) + [tracks], at: instant(0))
        pacer.put([tracks] + segment(from: 100, milliseconds: 100), at: instant(0))
        let isTracks = pacer.takeAll().map { if case .tracks = $0 { true } else { false } }
        let indexes = isTracks.indices.filter { isTracks[$0] }
        #expect(indexes == [0, 9, 10])
    }
}
