import ClusterModel
import Codecs
import Foundation
import LibAV
import MediaFixtures
import MediaModel
import Synchronization
import Testing
import Timebase
import Transcoding

/// The encoders an app can name, as this machine's libavcodec has them.
///
/// One after the other: SVT-AV1 takes no two speeds at once.
@Suite(.serialized) struct EncoderTests {
    private let codecs = LibAVCodecs()

    static let speeds: [(encoder: String, speed: String)] = ["libx264", "libx265", "libsvtav1"].flatMap { name in
        (KnownEncoder(named: name)?.speeds ?? []).map { (name, $0) }
    }

    @Test(arguments: speeds)
    func `what is forecast of a rung is what its encoder says`(encoder: String, speed: String) throws {
        let sizes = [(640, 360, 900_000, 30.0), (1280, 720, 2_500_000, 60.0)]
        for (width, height, bits, rate) in speed == "placebo" || speed == "0" ? sizes.prefix(1) : sizes[...] {
            var settings = AppSettings()
            settings.videoEncoder = encoder
            settings.encoderSpeed = speed
            let size = PictureSize(width: width, height: height)
            let rendition = Rendition(name: "a", size: size, videoBitsPerSecond: bits, audioBitsPerSecond: 0)
            var wanted = VideoEncoderSettings(
                encoder: encoder,
                size: size,
                bitsPerSecond: bits,
                framesPerSecond: rate
            )
            wanted.speed = speed
            let forecast = RungForecast(rendition, settings: settings, framesPerSecond: rate).videoCodec
            #expect(try VideoEncoder(wanted).codec.codecString == forecast)
        }
    }

    @Test func `SVT-AV1 takes others of its speed beside it, and no slower or faster ones`() throws {
        func encoder(_ speed: String, height: Int) throws -> VideoEncoder {
            var wanted = VideoEncoderSettings(
                encoder: "libsvtav1",
                size: PictureSize(width: height * 16 / 9, height: height),
                bitsPerSecond: 300_000,
                framesPerSecond: 25
            )
            wanted.speed = speed
            return try VideoEncoder(wanted)
        }
        let running = try [144, 360].map { try encoder("10", height: $0) }
        #expect {
            try encoder("12", height: 144)
        } throws: {
            "\($0)".contains("one of speed 10 runs")
        }
        #expect(running.allSatisfy { $0.codec.codecString?.hasPrefix("av01.") == true })
    }

    @Test func `once they are closed it takes another speed`() throws {
        for speed in ["10", "12"] {
            var wanted = VideoEncoderSettings(
                encoder: "libsvtav1",
                size: PictureSize(width: 256, height: 144),
                bitsPerSecond: 300_000,
                framesPerSecond: 25
            )
            wanted.speed = speed
            _ = try VideoEncoder(wanted)
        }
    }

    @Test(arguments: ["libx264", "libx265", "libsvtav1"])
    func `an encoder that is named alone keeps times and keyframes`(encoder: String) async throws {
        var settings = AppSettings()
        settings.videoEncoder = encoder
        let source = try SampleClip.items(seconds: 5).compactMap {
            if case .unit(let unit) = $0, unit.track == .video { unit } else { nil }
        }
        let video = try SampleClip.tracks().first { $0.kind == .video }
        let codec = try #require(video).codec
        var limits = TranscodingLimits()
        (limits.unitsMax, limits.picturesMax, limits.picturesHigh) = (1000, 1000, 1000)
        let rig = PipelineRig(codecs, source: codec, limits: limits)
        let rung = rendition("a", width: 128, height: 72)
        rig.pipeline.start(rung, VideoEncodingOptions(encoders: EncoderWords.wanted(settings)))
        for unit in source { rig.pipeline.send(unit) }
        rig.pipeline.close()
        let results = await rig.results(ended: 1)
        #expect(results.ends == ["a": .stopped])
        #expect(results.choices["a"]?.map(\.encoder) == [encoder])
        #expect(results.times("a") == source.map(\.presentationTime).sorted())
        #expect(results.keyframes("a") == source.filter(\.isKeyframe).map(\.presentationTime))
        let pictures = try #require(results.pictures["a"])
        for (earlier, later) in zip(pictures, pictures.dropFirst()) { #expect(earlier.decodeTime < later.decodeTime) }
        // Closed GOPs: from its second keyframe on it decodes alone.
        let second = try #require(pictures.lastIndex { $0.isKeyframe })
        let made = try #require(results.codecs["a"]?.first)
        let decoder = try VideoDecoder(for: made)
        var shown = 0
        for picture in pictures[second...] {
            let unit = AccessUnit(
                track: .video,
                decodeTime: picture.decodeTime,
                compositionOffset: picture.presentationTime - picture.decodeTime,
                isKeyframe: picture.isKeyframe,
                payload: picture.payload
            )
            shown += try decoder.decode(unit).count
        }
        #expect(shown + decoder.finish().count == pictures.count - second)
    }

    @Test func `an encoder that does not open is replaced as configured, and why is told`() async throws {
        let units = try SampleClip.items(seconds: 0.1).compactMap {
            if case .unit(let unit) = $0, unit.track == .video { unit } else { nil }
        }
        let unit = try #require(units.first)
        let video = try SampleClip.tracks().first { $0.kind == .video }
        let codec = try #require(video).codec
        let wrong = EncoderWords(encoder: "libx264", speed: "warp")
        for fallback in [EncoderWords(encoder: "libx265", speed: "ultrafast"), wrong] {
            let rig = PipelineRig(codecs, source: codec)
            let options = VideoEncodingOptions(encoders: [wrong, fallback])
            rig.pipeline.start(rendition("a", width: 64, height: 36), options)
            rig.pipeline.send(unit)
            rig.pipeline.close()
            let results = await rig.results(ended: 1)
            if fallback == wrong {
                guard case .failed(let error)? = results.ends["a"] else {
                    Issue.record("\(results.ends)")
                    continue
                }
                #expect(error.description.contains("libx264 with encoderSpeed \"warp\""))
            } else {
                #expect(results.choices["a"]?.map(\.encoder) == ["libx265"])
                #expect(results.choices["a"]?.first?.refused?.description.contains("warp") == true)
                #expect(results.codecs["a"]?.map(\.name) == ["h265"])
            }
        }
    }

    @Test(.enabled(if: !FileManager.default.fileExists(atPath: "/dev/dri")))
    func `a device that is missing is named`() {
        let settings = VideoEncoderSettings(
            encoder: "h264_vaapi",
            size: PictureSize(width: 640, height: 360),
            bitsPerSecond: 900_000,
            framesPerSecond: 30
        )
        let error = #expect(throws: CodecPortError.self) { try VideoEncoder(settings) }
        #expect(error?.description.contains("VA-API device") == true)
    }

    @Test func `an encoder that could not be opened is not tried by each rung anew`() throws {
        let library = CountingCodecs()
        let probes = EncoderProbes()
        for _ in 0..<3 {
            #expect(throws: CodecPortError.self) { try probes.probe(EncoderWords(encoder: "a"), by: library) }
        }
        #expect(library.opened.withLock { $0 } == 1)
        #expect(throws: CodecPortError.self) { try probes.probe(EncoderWords(encoder: "b"), by: library) }
        #expect(library.opened.withLock { $0 } == 2)
    }

    @Test func `rungs of a source whose samples are no squares are as wide as it is shown`() {
        let plan = RenditionPlan(
            Ladder([EncoderSetting(height: 288, videoBitrate: 500_000, audioBitrate: 0)]),
            source: PictureSize(width: 1024, height: 576)
        )
        let rung = plan.renditions[0].fitted(to: PictureSize(width: 1024, height: 576))
        #expect(rung.size == PictureSize(width: 512, height: 288))
    }
}

/// Has no encoder that opens, and counts who tries.
private struct CountingCodecs: VideoCodecs {
    typealias Picture = FakeCodecs.Picture

    final class Count: Sendable {
        private let value = Mutex(0)
        func withLock<Result>(_ body: (inout Int) -> Result) -> Result { value.withLock { body(&$0) } }
    }

    let opened = Count()

    func decoder(for codec: CodecParameters) throws(CodecPortError) -> any VideoDecoding<Picture> {
        throw .decoderMissing(codec: codec.name)
    }

    func scaler(to size: PictureSize) throws(CodecPortError) -> any VideoScaling<Picture> {
        throw .failed(operation: "scaling", reason: "there is none")
    }

    func encoder(_ settings: VideoEncoderSettings) throws(CodecPortError) -> any VideoEncoding<Picture> {
        opened.withLock { $0 += 1 }
        throw .encoderMissing(name: settings.encoder)
    }
}
