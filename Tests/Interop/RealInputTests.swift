import ClusterHarness
import ClusterModel
import Foundation
import Testing

/// What publishers really send: each plays from an edge as it is and as a rung, and decodes without a fault.
@Suite(.serialized) struct RealInputTests {
    struct Input: Sendable, CustomTestStringConvertible {
        var name: String
        /// ffmpeg's, up to the output.
        var arguments: String
        var isSRT = false
        var codecs = ["aac", "h264"]
        var rungCodecs = ["aac", "h264"]
        var rung = EncoderSetting(height: 240, videoBitrate: 300_000, audioBitrate: 64_000)

        var testDescription: String { name }
    }

    private static let picture = "-f lavfi -i testsrc2=size=640x360:rate=25"
    private static let tone = "-f lavfi -i sine=frequency=440:sample_rate=48000"
    private static let h264 = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 25"

    static let inputs = [
        Input(
            name: "B-frames",
            arguments: "\(picture) \(tone) -c:v libx264 -preset veryfast -bf 3 -g 25 -pix_fmt yuv420p -c:a aac"
        ),
        Input(
            name: "variable frame rate",
            arguments:
                "\(picture) \(tone) -vf select='not(mod(n\\,3))+lt(mod(n\\,50)\\,20)' -vsync vfr \(h264) -c:a aac"
        ),
        Input(
            name: "44.1 kHz mono",
            arguments: "\(picture) -f lavfi -i sine=sample_rate=44100 \(h264) -c:a aac -ac 1 -ar 44100"
        ),
        Input(name: "no sound", arguments: "\(picture) \(h264)", codecs: ["h264"], rungCodecs: ["h264"]),
        Input(name: "no picture", arguments: "\(tone) -c:a aac", codecs: ["aac"], rungCodecs: []),
        Input(
            name: "sound first",
            arguments: "-itsoffset 2 \(picture) \(tone) \(h264) -c:a aac"
        ),
        Input(
            name: "HEVC",
            arguments: "\(picture) \(tone) -c:v libx265 -preset ultrafast -x265-params log-level=none:keyint=25 "
                + "-pix_fmt yuv420p -c:a aac",
            isSRT: true,
            codecs: ["aac", "hevc"]
        ),
        // The 33-bit clock of MPEG-TS ends after 26.5 hours; here after 12 seconds.
        Input(
            name: "a clock that wraps",
            arguments: "\(picture) \(tone) \(h264) -c:a aac -output_ts_offset 95430 -muxdelay 0",
            isSRT: true
        ),
        Input(
            name: "10 bits",
            arguments: "\(picture) \(tone) -c:v libx264 -preset ultrafast -pix_fmt yuv420p10le -g 25 -c:a aac"
        ),
        Input(
            name: "interlaced",
            arguments: "\(picture) \(tone) -vf tinterlace=4,fieldorder=tff -c:v libx264 -preset ultrafast -g 25 "
                + "-pix_fmt yuv420p -flags +ildct+ilme -c:a aac"
        ),
        Input(
            name: "4K into 1080p",
            arguments: "-f lavfi -i testsrc2=size=3840x2160:rate=10 \(tone) -c:v libx264 -preset ultrafast -g 10 "
                + "-pix_fmt yuv420p -c:a aac",
            rung: EncoderSetting(height: 1080, videoBitrate: 2_000_000, audioBitrate: 64_000)
        ),
    ]

    @Test(arguments: inputs) func `plays from an edge, as it is and as a rung`(_ input: Input) async throws {
        let cluster = try await Cluster.start(on: .sqlite)
        let rung = String(decoding: try JSONEncoder().encode(input.rung), as: UTF8.self)
        try cluster.set(#"{"encoderSettings":[\#(rung)],"encoderSpeed":"ultrafast"}"#, app: "live")
        let origin = try await cluster.startWorker("origin1", .origin, servesSRT: true)
        let edge = try await cluster.startWorker("edge1", .edge)
        let url = input.isSRT ? origin.srt("live/s1", mode: "publish") : origin.rtmp("live/s1")
        let publisher = try cluster.publish(by: input.arguments, at: url)
        try await cluster.waitForOrigin(of: "live/s1", "origin1")
        // Players take as long as what they play: both at once.
        async let source: Void = expectPlays(edge.media("live/s1", ".m3u8"), input.codecs, cluster)
        if !input.rungCodecs.isEmpty {
            let name = "live/s1_\(input.rung.renditionName)"
            try await expectPlays(edge.media(name, ".m3u8"), input.rungCodecs, cluster)
        }
        try await source
        #expect(publisher.isRunning, "\(publisher.lastLines)")
    }

    private func expectPlays(_ url: String, _ wanted: [String], _ cluster: Cluster) async throws {
        try await eventually("\(url) has \(wanted)\n\(cluster.logs)", within: .seconds(60)) {
            try codecs(at: url) == wanted
        }
        let decoded = try run(
            ["ffmpeg", "-nostdin", "-v", "error", "-rw_timeout", "10000000", "-i", url, "-t", "6", "-f", "null", "-"],
            seconds: 60
        )
        #expect(decoded.status == 0 && decoded.output.isEmpty, "\(url)\n\(decoded.output)")
    }
}
