import ClusterHarness
import ClusterModel
import Foundation
import Testing

/// Rungs by each encoder that an app can name, read by programs that are not ours.
@Suite(.serialized) struct EncoderTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var encoder: String
        var speed = ""

        var testDescription: String { "\(encoder) \(speed)" }
    }

    private static let ladder = """
        "encoderSettings":[{"height":240,"videoBitrate":300000,"audioBitrate":64000},\
        {"height":144,"videoBitrate":120000,"audioBitrate":64000}]
        """

    @Test(arguments: [
        Case(encoder: "libx264"), Case(encoder: "libx264", speed: "ultrafast"), Case(encoder: "libx265"),
        Case(encoder: "libsvtav1"),
    ])
    func `the master says of each rung what its own parameter sets say, and its keyframes are the source's`(
        example: Case
    ) async throws {
        let settings = """
            {\(Self.ladder),"videoEncoder":"\(example.encoder)","encoderSpeed":"\(example.speed)"}
            """
        let (cluster, _, edge, publisher) = try await Cluster.publishing(settings: settings, size: "640x360")
        try await cluster.waitUntilPlayable(edge.media("live/s1", ".m3u8"))
        let master = String(decoding: try http(edge.media("live/s1", "_adaptive.m3u8")).body, as: UTF8.self)
        for name in ["240p300kbps", "144p120kbps"] {
            let lines = master.split(separator: "\n")
            let place = try #require(lines.firstIndex { $0 == "s1_\(name).m3u8" }, "\(master)")
            let url = edge.media("live/s1_\(name)", ".m3u8")
            try await eventually("\(url) plays\n\(cluster.logs)", within: .seconds(60)) {
                try codecs(at: url).count == 2
            }
            let video = try video(at: url)
            #expect(lines[place - 1].contains("CODECS=\"\(video.codecString)"), "\(video) against \(lines[place - 1])")
            #expect(lines[place - 1].contains("RESOLUTION=\(video.width)x\(video.height)"))
            #expect(video.keyframes.count >= 2)
            // The source has one each second.
            for time in video.keyframes {
                let distance = time - (video.keyframes.first ?? 0)
                #expect(abs(distance - distance.rounded()) < 0.002, "\(video.keyframes)")
            }
            let decoded = try run(["ffmpeg", "-v", "error", "-i", url, "-t", "3", "-f", "null", "-"])
            #expect(decoded.status == 0 && decoded.output.isEmpty, "\(decoded.output)")
        }
        let description = edge.media("live/s1", "/s1_adaptive.mpd")
        let first = try video(at: edge.media("live/s1_240p300kbps", ".m3u8")).codecString
        try await eventually("DASH offers \(first)\n\(cluster.logs)", within: .seconds(60)) {
            String(decoding: try http(description).body, as: UTF8.self).contains("codecs=\"\(first)")
        }
        #expect(publisher.isRunning)
    }

    @Test func `rungs are as wide as the source is shown, and say its colours and how it is turned`() async throws {
        let cluster = try await Cluster.start(on: .sqlite)
        try cluster.set("{\(Self.ladder),\"previewInterval\":1}", app: "live")
        let origin = try await cluster.startWorker("origin1", .origin)
        let edge = try await cluster.startWorker("edge1", .edge)
        let publisher = try cluster.publish(
            by: "-f lavfi -i testsrc2=size=720x576:rate=25 -vf setsar=64/45 -c:v libx264 -preset ultrafast "
                + "-pix_fmt yuvj420p -g 25 -color_primaries bt470bg -color_trc smpte170m -colorspace bt470bg "
                // With a supplemental unit in each keyframe the filter puts its message there, and not behind the slices.
                + "-b:v 1M -maxrate 1M -bufsize 1M -x264-params nal-hrd=vbr "
                + "-bsf:v h264_metadata=display_orientation=insert:rotate=90",
            at: origin.rtmp("live/s1")
        )
        try await cluster.waitForOrigin(of: "live/s1", "origin1")
        try await cluster.waitUntilPlayable(edge.media("live/s1_240p300kbps", ".m3u8"))
        let master = String(decoding: try http(edge.media("live/s1", "_adaptive.m3u8")).body, as: UTF8.self)
        for size in ["1024x576", "426x240", "256x144"] { #expect(master.contains("RESOLUTION=\(size)"), "\(master)") }
        let probe = try run([
            "ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries",
            "stream=width,height,sample_aspect_ratio,color_range,color_space,color_transfer,color_primaries", "-of",
            "csv=p=0", edge.media("live/s1_240p300kbps", ".m3u8"),
        ])
        #expect(probe.output.contains("426,240,1:1,tv,bt470bg,smpte170m,bt470bg"), "\(probe.output)")
        // They are turned in both, or in neither, by whoever shows them.
        for name in ["live/s1", "live/s1_240p300kbps"] {
            let frame = try run([
                "ffprobe", "-v", "error", "-select_streams", "v:0", "-read_intervals", "%+#1", "-show_entries",
                "frame_side_data=rotation", edge.media(name, ".m3u8"),
            ])
            #expect(frame.output.contains("rotation=90"), "\(name): \(frame.output)")
        }
        let preview = try run([
            "ffprobe", "-v", "error", "-show_entries", "stream=width,height", "-of", "csv=p=0",
            origin.http("/live/previews/s1.jpg"),
        ])
        #expect(preview.output.contains("640,360"), "\(preview.output)")
        #expect(publisher.isRunning)
    }

    @Test func `an encoder without its device is replaced as configured, or the player is told`() async throws {
        let cluster = try await Cluster.start(on: .sqlite)
        try cluster.set("{\(Self.ladder),\"videoEncoder\":\"h264_v4l2m2m\"}", app: "live")
        try cluster.set("{\(Self.ladder),\"videoEncoder\":\"h264_v4l2m2m\",\"fallbackEncoder\":\"\"}", app: "bare")
        let origin = try await cluster.startWorker("origin1", .origin)
        let edge = try await cluster.startWorker("edge1", .edge)
        let publishers = try ["live/s1", "bare/s1"].map { try cluster.publish($0, to: origin, size: "640x360") }
        for name in ["live/s1", "bare/s1"] { try await cluster.waitForOrigin(of: name, "origin1") }
        try await cluster.waitUntilPlayable(edge.media("live/s1_240p300kbps", ".m3u8"))
        try await eventually("the player is told\n\(cluster.logs)") {
            let answer = try http(edge.media("bare/s1_240p300kbps", ".m3u8"))
            return answer.status == 503 && answer.headers["retry-after"] != nil
                && String(decoding: answer.body, as: UTF8.self).contains("h264_v4l2m2m")
        }
        try await eventually("no master offers it, on either node\n\(cluster.logs)") {
            try [origin, edge].allSatisfy { node in
                let master = String(decoding: try http(node.media("bare/s1", "_adaptive.m3u8")).body, as: UTF8.self)
                return master.contains("s1_144p120kbps.m3u8") && !master.contains("240p")
            }
        }
        let metrics = String(decoding: try http(origin.http("/metrics")).body, as: UTF8.self)
        #expect(metrics.contains("millrace_encoders_refused_total{instead=\"fallback\"}"))
        #expect(publishers.allSatisfy { $0.isRunning })
    }

    private struct Video {
        var codec = ""
        var profile = ""
        var level = 0
        var width = 0
        var height = 0
        var keyframes: [Double] = []

        /// RFC 6381, of what ffprobe says; its beginning where ffprobe says less.
        var codecString: String {
            switch codec {
            case "h264": "avc1." + (["High": "6400", "Main": "4d40"][profile] ?? "42c0") + String(level, radix: 16)
            case "hevc": "hvc1.1.6.L\(level)."
            case "av1": "av01.0.\(level < 10 ? "0" : "")\(level)M.08"
            default: codec
            }
        }
    }

    private func video(at url: String) throws -> Video {
        let result = try run(
            [
                "ffprobe", "-v", "error", "-select_streams", "v:0", "-read_intervals", "%+4", "-show_entries",
                "stream=codec_name,profile,level,width,height:packet=pts_time,flags", "-of", "default=nw=1", url,
            ],
            seconds: 20
        )
        var video = Video()
        var time = 0.0
        for line in result.output.split(whereSeparator: \.isNewline) {
            let words = line.split(separator: "=", maxSplits: 1).map(String.init)
            guard words.count == 2 else { continue }
            switch words[0] {
            case "codec_name": video.codec = words[1]
            case "profile": video.profile = words[1]
            case "level": video.level = Int(words[1]) ?? 0
            case "width": video.width = Int(words[1]) ?? 0
            case "height": video.height = Int(words[1]) ?? 0
            case "pts_time": time = Double(words[1]) ?? 0
            case "flags": if words[1].hasPrefix("K") { video.keyframes.append(time) }
            default: break
            }
        }
        return video
    }
}
