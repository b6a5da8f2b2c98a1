import MediaModel
import Testing
import Timebase
import Transcoding

import struct NIOCore.ByteBuffer

/// Encoders and decoders that stand still: what is kept and what is dropped does not depend on how fast anything runs.
@Suite struct OverloadTests {
    private let options = VideoEncodingOptions(encoders: [EncoderWords(encoder: "fake")])

    private func unit(_ number: Int, keyframeInterval: Int = 30) -> AccessUnit {
        AccessUnit(
            track: .video,
            decodeTime: time(number),
            isKeyframe: number % keyframeInterval == 0,
            payload: ByteBuffer()
        )
    }

    private func time(_ number: Int) -> MediaTime { MediaTime(samples: Int64(number), rate: 30) }

    @Test func `an encoder that stands still gets an even choice of pictures and every keyframe`() async {
        let codecs = FakeCodecs(heights: [64])
        codecs.encoding[64]?.close()
        var limits = TranscodingLimits()
        limits.pictureBytesMax = 0
        limits.unitsMax = 1000
        let rig = PipelineRig(codecs, source: .data, limits: limits)
        rig.pipeline.start(rendition("a", width: 64, height: 64), options)
        rig.pipeline.send(unit(0))
        await codecs.encoding[64]?.arrived()
        for number in 1..<64 { rig.pipeline.send(unit(number)) }
        // All but the last were offered by then, and that one comes too soon after a keyframe to be kept.
        await codecs.decoding.arrived(64)
        rig.pipeline.close()
        codecs.encoding[64]?.open()
        let results = await rig.results(ended: 1)
        // Up to 8 the queue is short enough; of 10, 12 and 14 the keyframe at 60 has taken the place of the last.
        #expect(results.times("a") == [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 30, 60].map(time))
        #expect(results.keyframes("a") == [0, 30, 60].map(time))
    }

    @Test func `when dropping does not help, the top rung is given up and the others go on`() async {
        let codecs = FakeCodecs(heights: [64, 32])
        for gate in codecs.encoding.values { gate.close() }
        var limits = TranscodingLimits()
        limits.pictureBytesMax = 0
        limits.unitsMax = 1000
        let rig = PipelineRig(codecs, source: .data, limits: limits)
        rig.pipeline.start(rendition("low", width: 32, height: 32), options)
        rig.pipeline.start(rendition("top", width: 64, height: 64), options)
        for number in 0..<300 { rig.pipeline.send(unit(number)) }
        await codecs.decoding.arrived(300)
        for gate in codecs.encoding.values { gate.open() }
        rig.pipeline.close()
        let results = await rig.results(ended: 2)
        #expect(results.ends == ["top": .overloaded, "low": .stopped])
        // What the top rung had waiting is not encoded any more.
        #expect(results.times("top").count <= 1)
        #expect(results.times("low").count > 1)
    }

    @Test func `the last rung is never given up`() async {
        let codecs = FakeCodecs(heights: [64])
        codecs.encoding[64]?.close()
        var limits = TranscodingLimits()
        limits.pictureBytesMax = 0
        limits.unitsMax = 1000
        let rig = PipelineRig(codecs, source: .data, limits: limits)
        rig.pipeline.start(rendition("a", width: 64, height: 64), options)
        for number in 0..<400 { rig.pipeline.send(unit(number)) }
        await codecs.decoding.arrived(400)
        codecs.encoding[64]?.open()
        rig.pipeline.close()
        #expect(await rig.results(ended: 1).ends == ["a": .stopped])
    }

    @Test func `a decoder that stands still makes the source skip to the next keyframe it has room for`() async {
        let codecs = FakeCodecs(heights: [64])
        codecs.decoding.close()
        var limits = TranscodingLimits()
        limits.pictureBytesMax = 0
        limits.unitsMax = 5
        limits.picturesMax = 100
        limits.picturesHigh = 90
        let rig = PipelineRig(codecs, source: .data, limits: limits)
        rig.pipeline.start(rendition("a", width: 64, height: 64), options)
        rig.pipeline.send(unit(0))
        await codecs.decoding.arrived()
        // Five fit; the keyframe at 30 finds no room either.
        for number in 1..<40 { rig.pipeline.send(unit(number)) }
        codecs.decoding.open()
        await codecs.decoding.arrived(5)
        for number in 40..<64 {
            rig.pipeline.send(unit(number))
            if number >= 60 { await codecs.decoding.arrived() }
        }
        rig.pipeline.close()
        let results = await rig.results(ended: 1)
        #expect(results.times("a") == [0, 1, 2, 3, 4, 5, 60, 61, 62, 63].map(time))
    }

    @Test func `an encoder that is missing ends its rung alone, with its name`() async {
        let codecs = FakeCodecs(heights: [64])
        let rig = PipelineRig(codecs, source: .data)
        rig.pipeline.start(rendition("there", width: 64, height: 64), options)
        rig.pipeline.start(rendition("missing", width: 32, height: 32), options)
        for number in 0..<3 { rig.pipeline.send(unit(number)) }
        await codecs.decoding.arrived(3)
        rig.pipeline.close()
        let results = await rig.results(ended: 2)
        #expect(results.ends == ["there": .stopped, "missing": .failed(.encoderMissing(name: "fake"))])
        #expect(results.times("there").count == 3)
    }

    @Test func `nothing is decoded while nobody wants a rendition`() async {
        let codecs = FakeCodecs(heights: [64])
        let rig = PipelineRig(codecs, source: .data)
        for number in 0..<35 { rig.pipeline.send(unit(number)) }
        rig.pipeline.start(rendition("a", width: 64, height: 64), options)
        for number in 35..<65 { rig.pipeline.send(unit(number)) }
        rig.pipeline.close()
        let results = await rig.results(ended: 1)
        #expect(results.times("a") == (60..<65).map(time))
    }
}
