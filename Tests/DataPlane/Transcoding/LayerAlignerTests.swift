import MediaModel
import Renditions
import Testing
import Timebase
import Transcoding

import struct NIOCore.ByteBuffer

/// A source of 30 pictures a second, and a layer of it whose clock is off.
@Suite struct LayerAlignerTests {
    private func time(_ number: Int, off ticks: Int64 = 0) -> MediaTime {
        MediaTime(ticks: Int64(number) * 3000 + ticks)
    }

    private func unit(_ number: Int, off ticks: Int64 = 0) -> AccessUnit {
        AccessUnit(
            track: TrackID(16),
            decodeTime: time(number, off: ticks),
            isKeyframe: number == 0,
            payload: ByteBuffer()
        )
    }

    @Test(arguments: [-600, -1, 0, 1, 600] as [Int64])
    func `a picture waits for the source's of its moment, and takes its time`(off: Int64) {
        var aligner = LayerAligner()
        #expect(aligner.sourceShowed(time(0)).isEmpty)
        #expect(aligner.take(unit(0, off: off)).map(\.presentationTime) == [time(0)])
        #expect(aligner.take(unit(1, off: off)).isEmpty)
        #expect(aligner.take(unit(2, off: off)).isEmpty)
        #expect(aligner.sourceShowed(time(1)).map(\.presentationTime) == [time(1)])
        #expect(aligner.sourceShowed(time(2)).map(\.presentationTime) == [time(2)])
    }

    @Test func `a picture that the source does not have keeps its own time, and times only grow`() {
        var aligner = LayerAligner()
        _ = aligner.sourceShowed(time(0))
        _ = aligner.sourceShowed(time(2))
        let pictures = [0, 1, 2].flatMap { aligner.take(unit($0)) } + aligner.take(unit(2, off: 90))
        #expect(pictures.map(\.decodeTime.ticks) == [0, 3000, 6000, 6001])
        #expect(pictures.map(\.isKeyframe) == [true, false, false, false])
    }

    @Test func `a source that stays away holds no more than a few seconds back`() {
        var limits = AlignerLimits()
        limits.picturesMax = 5
        var aligner = LayerAligner(limits: limits)
        let pictures = (0..<20).flatMap { aligner.take(unit($0)) }
        #expect(pictures.count == 15)
    }
}
