import ClusterModel
import Foundation
import MediaModel
import Testing
import Transcoding

@Suite struct RenditionPlanTests {
    private static let ladder = Ladder([
        EncoderSetting(height: 240, videoBitrate: 350_000, audioBitrate: 64_000),
        EncoderSetting(height: 1080, videoBitrate: 4_500_000, audioBitrate: 128_000, forceEncode: true),
        EncoderSetting(height: 720, videoBitrate: 2_500_000, audioBitrate: 128_000),
        EncoderSetting(height: 720, videoBitrate: 2_500_999, audioBitrate: 64_000),
    ])

    struct Case: Sendable {
        var source: PictureSize
        var expected: [String]
    }

    static let cases = [
        Case(
            source: PictureSize(width: 1280, height: 720),
            expected: ["1080p4500kbps 1920×1080", "720p2500kbps 1280×720", "240p350kbps 426×240"]
        ),
        Case(
            source: PictureSize(width: 640, height: 360),
            expected: ["1080p4500kbps 1920×1080", "240p350kbps 426×240"]
        ),
        Case(source: PictureSize(width: 64, height: 64), expected: ["1080p4500kbps 1080×1080"]),
        Case(
            source: PictureSize(width: 720, height: 1280),
            expected: ["1080p4500kbps 608×1080", "720p2500kbps 406×720", "240p350kbps 136×240"]
        ),
        Case(source: PictureSize(width: 16_000, height: 10), expected: ["1080p4500kbps 16384×1080"]),
        Case(source: PictureSize(width: 0, height: 0), expected: ["1080p4500kbps 1920×1080"]),
    ]

    @Test(arguments: cases)
    func `rungs above the source are left out unless forced, and widths follow its shape`(_ example: Case) {
        let plan = RenditionPlan(Self.ladder, source: example.source)
        #expect(plan.renditions.map { "\($0.name) \($0.size.width)×\($0.size.height)" } == example.expected)
    }

    @Test func `a publisher's layers are rungs, and no rung of their height is encoded beside them`() {
        var video = Track(id: .video, codec: .vp8(width: 1280, height: 720))
        video.layers = [(640, 360), (426, 240)].enumerated().map { place, size in
            Track(id: TrackID(UInt8(16 + place)), codec: .vp8(width: size.0, height: size.1))
        }
        var settings = AppSettings()
        settings.encoderSettings = [
            EncoderSetting(height: 480, videoBitrate: 1_000_000, audioBitrate: 64_000),
            EncoderSetting(height: 240, videoBitrate: 350_000, audioBitrate: 64_000),
        ]
        let plan = RenditionPlan(of: [video], settings: settings)
        #expect(plan.renditions.map(\.name) == ["480p1000kbps", "360p691kbps", "240p306kbps"])
        #expect(plan.renditions.map(\.layer?.id.value) == [nil, 16, 17])
        #expect(plan.renditions.map(\.audioBitsPerSecond) == [64_000, 0, 0])
        // Of another codec than the layer's it has to be encoded, in even sides.
        let inOrder = plan.inOrder(rung: "240p306kbps")
        #expect(inOrder?.layer == nil && inOrder?.size == PictureSize(width: 426, height: 240))
    }

    @Test func `a ladder is read in Ant Media's form`() throws {
        let json = """
            {"encoderSettings":[{"height":720,"videoBitrate":2500000,"audioBitrate":128000,"forceEncode":true},
            {"height":240,"videoBitrate":300000}]}
            """
        let settings = try JSONDecoder().decode(AppSettings.self, from: Data(json.utf8))
        #expect(
            Ladder(settings: settings).rungs == [
                EncoderSetting(height: 720, videoBitrate: 2_500_000, audioBitrate: 128_000, forceEncode: true),
                EncoderSetting(height: 240, videoBitrate: 300_000, audioBitrate: 128_000),
            ]
        )
        #expect(settings.fault == nil)
    }

    @Test func `a preset counts where an app names no rungs`() {
        var settings = AppSettings()
        #expect(Ladder(settings: settings).rungs.isEmpty)
        settings.ladderPreset = .standard
        #expect(Ladder(settings: settings).rungs.map(\.height) == [720, 480, 240])
        settings.encoderSettings = [EncoderSetting(height: 144, videoBitrate: 100_000, audioBitrate: 64_000)]
        #expect(Ladder(settings: settings).rungs.map(\.height) == [144])
    }

    @Test(arguments: [
        (EncoderSetting(height: 63, videoBitrate: 100_000, audioBitrate: 64_000), "height"),
        (EncoderSetting(height: 241, videoBitrate: 100_000, audioBitrate: 64_000), "even"),
        (EncoderSetting(height: 240, videoBitrate: 100, audioBitrate: 64_000), "videoBitrate"),
        (EncoderSetting(height: 240, videoBitrate: 100_000, audioBitrate: 1), "audioBitrate"),
    ])
    func `a rung out of range is refused with its reason`(rung: EncoderSetting, word: String) throws {
        var settings = AppSettings()
        settings.encoderSettings = [rung]
        #expect(try #require(settings.fault).contains(word))
    }

    /// Measured over 20 s of playing each.
    @Test(arguments: [
        (240, 300_000, AppSettings.HLSSegmentType.mpegts, 494_252), (144, 120_000, .mpegts, 257_184),
    ])
    func `no segment is larger than what the playlist says of it, and it says little more`(
        height: Int,
        bits: Int,
        type: AppSettings.HLSSegmentType,
        measured: Int
    ) {
        var settings = AppSettings()
        settings.hlsSegmentType = type
        let size = PictureSize(width: height * 16 / 9, height: height)
        let sound = height == 240 ? 64_000 : 32_000
        let rendition = Rendition(name: "a", size: size, videoBitsPerSecond: bits, audioBitsPerSecond: sound)
        let forecast = RungForecast(rendition, settings: settings, framesPerSecond: 25)
        #expect((measured...measured * 3 / 2).contains(forecast.peakBitsPerSecond), "\(forecast.peakBitsPerSecond)")
        #expect(forecast.averageBitsPerSecond <= forecast.peakBitsPerSecond)
    }

    @Test func `too many rungs and words that are no encoder are refused`() throws {
        var settings = AppSettings()
        settings.encoderSettings = Array(
            repeating: EncoderSetting(height: 240, videoBitrate: 100_000, audioBitrate: 64_000),
            count: [EncoderSetting].rungsMax + 1
        )
        #expect(try #require(settings.fault).contains("rungs"))
        settings = AppSettings()
        settings.videoEncoder = "libx264 -y /etc/passwd"
        #expect(try #require(settings.fault).contains("encoder"))
    }

    @Test(arguments: [
        ("aac", "libx264", "", AppSettings.HLSSegmentType.fmp4, "videoEncoder is \"aac\""),
        ("libx264", "mjpeg", "", .fmp4, "fallbackEncoder is \"mjpeg\""),
        ("libx264", "libx264", "warp", .fmp4, "encoderSpeed is \"warp\"; of libx264, allowed are ultrafast"),
        ("libsvtav1", "libx264", "veryfast", .fmp4, "13, 12"),
        ("h264_nvenc", "libx264", "veryfast", .fmp4, "p1, p2"),
        ("libsvtav1", "libx264", "", .mpegts, "videoEncoder is libsvtav1"),
    ])
    func `words that no encoder knows are refused with those it does`(
        encoder: String,
        fallback: String,
        speed: String,
        segments: AppSettings.HLSSegmentType,
        words: String
    ) throws {
        var settings = AppSettings()
        (settings.videoEncoder, settings.fallbackEncoder) = (encoder, fallback)
        (settings.encoderSpeed, settings.hlsSegmentType) = (speed, segments)
        #expect(try #require(settings.fault).contains(words))
    }

    @Test(arguments: [
        ("libx264", ""), ("libx264", "placebo"), ("libx265", "slow"), ("libsvtav1", ""), ("libsvtav1", "12"),
        ("h264_nvenc", ""), ("hevc_nvenc", "p6"), ("h264_vaapi", ""), ("hevc_qsv", "veryslow"),
    ])
    func `each encoder has its own speeds, and one where none is said`(encoder: String, speed: String) {
        var settings = AppSettings()
        (settings.videoEncoder, settings.encoderSpeed) = (encoder, speed)
        #expect(settings.fault == nil)
        #expect(EncoderWords.wanted(settings).map(\.encoder).first == encoder)
        // The word is none of the fallback's.
        if encoder != "libx264" { #expect(EncoderWords.wanted(settings).last?.speed == "veryfast") }
    }
}
