import Codecs
import LibAV
import MediaFixtures
import MediaModel
import Testing
import Timebase
import Transcoding

import struct NIOCore.ByteBuffer

/// Real decoders and encoders, on pictures of 128 × 72 and less.
@Suite struct VideoPipelineTests {
    private let options = VideoEncodingOptions(encoders: [EncoderWords(encoder: "libx264", speed: "ultrafast")])
    private let codecs = LibAVCodecs()

    private struct Source {
        var codec: CodecParameters
        var units: [AccessUnit]

        var times: [MediaTime] { units.map(\.presentationTime).sorted() }
        var keyframes: [MediaTime] { units.filter(\.isKeyframe).map(\.presentationTime) }
    }

    private func clip(seconds: Double, start: MediaTime = .zero) throws -> Source {
        let units: [AccessUnit] = try SampleClip.items(seconds: seconds, start: start).compactMap {
            if case .unit(let unit) = $0, unit.track == .video { unit } else { nil }
        }
        let video = try SampleClip.tracks().first { $0.kind == .video }
        return Source(codec: try #require(video).codec, units: units)
    }

    private func run(_ source: Source, _ renditions: [Rendition]) async -> Results {
        let rig = PipelineRig(codecs, source: source.codec, limits: roomy)
        for rendition in renditions { rig.pipeline.start(rendition, options) }
        for unit in source.units { rig.pipeline.send(unit) }
        rig.pipeline.close()
        return await rig.results(ended: renditions.count)
    }

    /// The pictures of a rendition, decoded again.
    private func decoded(_ results: Results, _ name: String) throws -> [Picture] {
        let codec = try #require(results.codecs[name]?.first)
        let decoder = try VideoDecoder(for: codec)
        var pictures: [Picture] = []
        for picture in results.pictures[name] ?? [] {
            pictures += try decoder.decode(
                AccessUnit(
                    track: .video,
                    decodeTime: picture.decodeTime,
                    compositionOffset: picture.presentationTime - picture.decodeTime,
                    isKeyframe: picture.isKeyframe,
                    payload: picture.payload
                )
            )
        }
        return pictures + decoder.finish()
    }

    @Test func `every rung shows what the source shows, at its times, with keyframes at its keyframes`() async throws {
        let source = try clip(seconds: 4, start: MediaTime(seconds: 7))
        #expect(source.keyframes.count == 2)
        let results = await run(source, [rendition("a", width: 64, height: 36), rendition("b", width: 96, height: 54)])
        for (name, size) in [("a", PictureSize(width: 64, height: 36)), ("b", PictureSize(width: 96, height: 54))] {
            #expect(results.times(name) == source.times)
            #expect(results.keyframes(name) == source.keyframes)
            #expect(results.ends[name] == .stopped)
            let pictures = try decoded(results, name)
            #expect(pictures.map(\.presentationTime) == source.times)
            #expect(pictures.allSatisfy { $0.size == size })
            #expect(
                results.codecs[name]?.first?.pictureSize.map { PictureSize(width: $0.width, height: $0.height) } == size
            )
        }
    }

    @Test func `a rung's decode times grow and never pass the time of showing`() async throws {
        let source = try clip(seconds: 2)
        let results = await run(source, [rendition("a", width: 64, height: 36)])
        let pictures = try #require(results.pictures["a"])
        #expect(pictures.contains { $0.presentationTime > $0.decodeTime }, "there are B-frames")
        #expect(pictures.allSatisfy { $0.decodeTime >= .zero && $0.decodeTime <= $0.presentationTime })
        for (earlier, later) in zip(pictures, pictures.dropFirst()) { #expect(earlier.decodeTime < later.decodeTime) }
    }

    @Test func `GOPs are closed`() async throws {
        let results = await run(try clip(seconds: 4), [rendition("a", width: 64, height: 36)])
        let pictures = try #require(results.pictures["a"])
        let keyframes = pictures.indices.filter { pictures[$0].isKeyframe }
        let second = try #require(keyframes.last)
        #expect(second > 0)
        let keyframe = pictures[second].presentationTime
        #expect(pictures[..<second].allSatisfy { $0.presentationTime < keyframe })
        #expect(pictures[(second + 1)...].allSatisfy { $0.presentationTime > keyframe })
    }

    @Test func `a rung without B-frames leaves in the order of showing`() async throws {
        let source = try clip(seconds: 2)
        let results = await run(source, [rendition("a", width: 64, height: 36, isInOrder: true)])
        #expect(results.pictures["a"]?.map(\.presentationTime) == source.times)
    }

    @Test(arguments: ["libx264", "libx265"])
    func `a source that is resized or changes its codec keeps its rungs: the lines stay, the width follows`(
        encoder: String
    ) async throws {
        let first = try clip(seconds: 2)
        let small = await run(first, [rendition("square", width: 64, height: 64)])
        // 114 columns belong to 64 lines of this source; another encoder makes a square one of it.
        let squareCodec = try VideoEncoder(
            VideoEncoderSettings(
                encoder: encoder,
                size: PictureSize(width: 64, height: 64),
                bitsPerSecond: 60_000,
                framesPerSecond: 30
            )
        )
        let scaler = Scaler(to: PictureSize(width: 64, height: 64))
        var encoded: [EncodedPicture] = []
        for picture in try decoded(small, "square") {
            encoded += try squareCodec.encode(try scaler.scale(picture), asKeyframe: encoded.isEmpty)
        }
        encoded += try squareCodec.finish()
        let offset = MediaTime(seconds: 2)
        let second = encoded.map {
            AccessUnit(
                track: .video,
                decodeTime: $0.decodeTime + offset,
                compositionOffset: $0.presentationTime - $0.decodeTime,
                isKeyframe: $0.isKeyframe,
                payload: $0.payload
            )
        }

        let rig = PipelineRig(codecs, source: first.codec, limits: roomy)
        rig.pipeline.start(rendition("a", width: 64, height: 36), options)
        for unit in first.units { rig.pipeline.send(unit) }
        rig.pipeline.sourceChanged(to: squareCodec.codec)
        for unit in second { rig.pipeline.send(unit) }
        rig.pipeline.close()
        let results = await rig.results(ended: 1)
        #expect(results.ends == ["a": .stopped])
        #expect(results.codecs["a"]?.compactMap { $0.pictureSize?.width } == [64, 36])
        #expect(results.codecs["a"]?.compactMap { $0.pictureSize?.height } == [36, 36])
        #expect(results.times("a") == (first.units + second).map(\.presentationTime).sorted())
        let pictures = try #require(results.pictures["a"])
        for (earlier, later) in zip(pictures, pictures.dropFirst()) { #expect(earlier.decodeTime < later.decodeTime) }
    }

    @Test func `interlaced pictures of 10 bits become 8-bit ones every player shows`() async throws {
        let times = [MediaTime.zero, MediaTime(milliseconds: 40), MediaTime(milliseconds: 80)]
        let source = Source(codec: try TenBitClip.codec(), units: times.map(TenBitClip.unit))
        let results = await run(source, [rendition("a", width: 64, height: 64)])
        #expect(results.times("a") == times)
        #expect(try #require(results.codecs["a"]?.first?.codecString).hasPrefix("avc1.4"))
        guard case .h264(let configuration, _, _)? = results.codecs["a"]?.first else {
            Issue.record("not H.264")
            return
        }
        // Baseline (66) of `ultrafast`, or High (100): no profile of more than 8 bits.
        #expect([66, 77, 100].contains(try AVCConfiguration(parsing: configuration).profile))
    }

    @Test func `what cannot be decoded is left out, and the rest goes on`() async throws {
        var source = try clip(seconds: 4)
        source.units[20].payload = ByteBuffer(bytes: [0, 0, 0, 2, 0x41, 0xFF])
        let results = await run(source, [rendition("a", width: 64, height: 36)])
        #expect(results.ends == ["a": .stopped])
        #expect(results.keyframes("a") == source.keyframes)
        #expect(results.times("a").count >= 100)
    }

    @Test func `an encoder that is not built in is named`() async throws {
        let settings = VideoEncoderSettings(
            encoder: "no_such_encoder",
            size: PictureSize(width: 64, height: 64),
            bitsPerSecond: 1000,
            framesPerSecond: 30
        )
        #expect(throws: CodecPortError.encoderMissing(name: "no_such_encoder")) { try VideoEncoder(settings) }
    }

    @Test func `an option the encoder does not know is an error with its text`() {
        var settings = VideoEncoderSettings(
            encoder: "libx264",
            size: PictureSize(width: 64, height: 64),
            bitsPerSecond: 60_000,
            framesPerSecond: 30
        )
        settings.speed = "no-such-preset"
        let error = #expect(throws: CodecPortError.self) { try VideoEncoder(settings) }
        #expect(error?.description.contains("libx264 with encoderSpeed \"no-such-preset\"") == true)
    }

    @Test func `H.265 encoders serve as well`() async throws {
        let source = try clip(seconds: 1)
        let settings = VideoEncodingOptions(encoders: [EncoderWords(encoder: "libx265", speed: "ultrafast")])
        let rig = PipelineRig(codecs, source: source.codec, limits: roomy)
        rig.pipeline.start(rendition("a", width: 128, height: 72), settings)
        for unit in source.units { rig.pipeline.send(unit) }
        rig.pipeline.close()
        let results = await rig.results(ended: 1)
        #expect(results.ends == ["a": .stopped])
        #expect(results.times("a") == source.times)
        #expect(try #require(results.codecs["a"]?.first?.codecString).hasPrefix("hvc1.1."))
        #expect(try decoded(results, "a").count == source.units.count)
    }

    /// The tests compare pictures, so none may be dropped however slow the machine is.
    private var roomy: TranscodingLimits {
        var limits = TranscodingLimits()
        limits.unitsMax = 1000
        limits.picturesMax = 1000
        limits.picturesHigh = 1000
        return limits
    }
}
