import ClusterHarness
import ClusterModel
import Foundation
import Testing

@Suite(.serialized) struct RenditionTests {
    private static let settings = """
        {"encoderSettings":[{"height":240,"videoBitrate":300000,"audioBitrate":64000},
        {"height":144,"videoBitrate":120000,"audioBitrate":64000},
        {"height":720,"videoBitrate":2500000,"audioBitrate":128000}],"encoderSpeed":"ultrafast","renditionLinger":1}
        """

    @Test func `each rung of the ladder plays from the edge, in step with the source`() async throws {
        let (cluster, _, edge, publisher) = try await Cluster.publishing(settings: Self.settings, size: "640x360")
        try await cluster.waitUntilPlayable(edge.media("live/s1", ".m3u8"))

        let master = String(decoding: try http(edge.media("live/s1", "_adaptive.m3u8")).body, as: UTF8.self)
        for line in [
            "s1.m3u8", "s1_240p300kbps.m3u8", "s1_144p120kbps.m3u8", "RESOLUTION=426x240", "RESOLUTION=256x144",
        ] {
            #expect(master.contains(line), "\(line) is not in\n\(master)")
        }
        #expect(!master.contains("720p"), "a rung above the source is left out")

        let source = try keyframes(at: edge.media("live/s1", ".m3u8"))
        for (name, size) in [("live/s1_240p300kbps", "426x240"), ("live/s1_144p120kbps", "256x144")] {
            let url = edge.media(name, ".m3u8")
            try await cluster.waitUntilPlayable(url)
            #expect(try codecs(at: url) == ["aac", "h264"])
            let found = try keyframes(at: url)
            #expect(found.size == size)
            // The same pictures are keyframes: the source has one each second.
            #expect(!found.times.isEmpty)
            for time in found.times {
                let distance = time - (source.times.first ?? 0)
                #expect(abs(distance - distance.rounded()) < 0.002, "\(time) beside \(source.times)")
            }
        }
        for name in ["live/s1_240p300kbps"] { #expect(try codecs(at: edge.rtmp(name)) == ["aac", "h264"]) }
        #expect(try http(edge.media("live/s1_480p900kbps", ".m3u8")).status == 404)
        #expect(publisher.isRunning)
    }

    @Test func `a stream may have a ladder of its own, also one that comes while it is live`() async throws {
        let (cluster, _, edge, publisher) = try await Cluster.publishing(settings: Self.settings, size: "640x360")
        try await cluster.waitUntilPlayable(edge.media("live/s1", ".m3u8"))
        let own = #"{"encoderSettings":[{"height":180,"videoBitrate":200000,"audioBitrate":0}]}"#
        let url = cluster.controlURL + "/v1/streams/live/s1"
        #expect(try http(url, method: "PUT", bearer: Cluster.adminToken, body: own).status == 200)
        try await eventually("the edge lists the stream's rung and not the app's\n\(cluster.logs)") {
            let master = String(decoding: try http(edge.media("live/s1", "_adaptive.m3u8")).body, as: UTF8.self)
            return master.contains("s1_180p200kbps.m3u8") && !master.contains("240p")
        }
        try await cluster.waitUntilPlayable(edge.media("live/s1_180p200kbps", ".m3u8"))
        #expect(try http(edge.media("live/s1_240p300kbps", ".m3u8")).status == 404)
        #expect(publisher.isRunning)
    }

    @Test func `pictures in order with Opus are there for WebRTC, of a publisher with B-frames`() async throws {
        let cluster = try await Cluster.start(on: .sqlite)
        let origin = try await cluster.startWorker("origin1", .origin)
        let edge = try await cluster.startWorker("edge1", .edge, servesSRT: true)
        let publisher = try cluster.publish(
            by: "-f lavfi -i testsrc2=size=320x180:rate=25 -f lavfi -i sine=sample_rate=44100 -c:v libx264 "
                + "-preset veryfast -bf 3 -g 25 -pix_fmt yuv420p -c:a aac",
            at: origin.rtmp("live/s1")
        )
        try await cluster.waitForOrigin(of: "live/s1", "origin1")
        let url = edge.srt("live/s1~inorder~opus", mode: "request")
        try await eventually("\(url) plays\n\(cluster.logs)") { try codecs(at: url) == ["h264", "opus"] }
        let probe = try run([
            "ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "stream=profile,has_b_frames,width",
            "-of", "csv=p=0", url,
        ])
        #expect(probe.output.contains("Constrained Baseline,320,0"), "\(probe.output)")
        #expect(publisher.isRunning)
    }

    @Test func `rungs that are always made need no viewer, and end with their publisher`() async throws {
        let cluster = try await Cluster.start(on: .sqlite)
        try cluster.set(
            #"{"encoderSettings":[{"height":144,"videoBitrate":120000}],"renditionsOnDemand":false,"publisherGrace":1}"#,
            app: "live"
        )
        let origin = try await cluster.startWorker("origin1", .origin)
        let publisher = try cluster.publish("live/s1", to: origin)
        try await cluster.waitForOrigin(of: "live/s1", "origin1")
        try await eventually("a rung is encoded\n\(cluster.logs)") { try renditions(of: origin) == 1 }
        publisher.kill()
        try await eventually("no rung is encoded\n\(cluster.logs)") { try renditions(of: origin) == 0 }
    }

    private func renditions(of worker: WorkerHandle) throws -> Int? {
        let metrics = String(decoding: try http(worker.http("/metrics")).body, as: UTF8.self)
        let line = metrics.split(separator: "\n").first { $0.hasPrefix("millrace_renditions ") }
        return line?.split(separator: " ").last.flatMap { Double($0) }.map { Int($0) }
    }

    @Test func `with a longer window the first player finds a past, at an edge and in a rung that is always made`()
        async throws
    {
        let settings = """
            {"hlsWindowSegments":60,"hlsSegmentDuration":1,"encoderSpeed":"ultrafast","renditionsOnDemand":false,
            "encoderSettings":[{"height":144,"videoBitrate":120000,"audioBitrate":0}]}
            """
        let (cluster, origin, edge, publisher) = try await Cluster.publishing(settings: settings)
        try await eventually("twenty seconds are kept, beyond the time without a request\n\(cluster.logs)") {
            let metrics = String(decoding: try http(origin.http("/metrics")).body, as: UTF8.self)
            let cut = metrics.split(separator: "\n").first { $0.hasPrefix("millrace_segments_cut_total ") }
            return cut.flatMap { Double($0.split(separator: " ")[1]) } ?? 0 > 40
        }
        for name in ["live/s1", "live/s1_144p120kbps"] {
            let playlist = String(decoding: try http(edge.media(name, ".m3u8")).body, as: UTF8.self)
            #expect(playlist.components(separatedBy: "#EXTINF").count > 15, "\(playlist)")
        }
        #expect(publisher.isRunning)
    }

    @Test func `MPEG-TS segments play from an edge, each alone`() async throws {
        let (cluster, origin, edge, publisher) = try await Cluster.publishing(settings: #"{"hlsSegmentType":"mpegts"}"#)
        let playlist = edge.media("live/s1", ".m3u8")
        try await cluster.waitUntilPlayable(playlist)
        #expect(try codecs(at: playlist) == ["aac", "h264"])
        let text = String(decoding: try http(playlist).body, as: UTF8.self)
        let segment = try #require(text.split(separator: "\n").last { $0.hasSuffix(".ts") })
        let url = edge.http("/live/streams/\(segment)")
        let decoded = try run(["ffmpeg", "-v", "error", "-i", url, "-f", "null", "-"])
        #expect(decoded.status == 0 && decoded.output.isEmpty, "\(decoded.output)")
        #expect(try http(url).headers["content-type"] == "video/mp2t")
        #expect(try http(origin.http("/live/streams/\(segment)")).status == 200, "all nodes have it under this name")
        #expect(try http(edge.media("live/s1", "/s1.mpd")).status == 404)
        #expect(publisher.isRunning)
    }

    @Test func `DASH plays from an edge, whose description is the origin's`() async throws {
        let (cluster, origin, edge, publisher) = try await Cluster.publishing()
        let url = edge.media("live/s1", "/s1.mpd")
        try await cluster.waitUntilPlayable(url)
        #expect(try codecs(at: url) == ["aac", "h264"])
        let decoded = try run(["ffmpeg", "-v", "error", "-i", url, "-t", "4", "-f", "null", "-"])
        #expect(decoded.status == 0 && decoded.output.isEmpty, "\(decoded.output)")
        try await eventually("both nodes describe the stream alike") {
            try description(url) == description(origin.media("live/s1", "/s1.mpd"))
        }
        #expect(publisher.isRunning)
    }

    /// ffmpeg's reader, which mpv and Kodi have too, reads the description anew for each segment.
    @Test func `DASH shows each picture once, however often ffmpeg reads the description anew`() async throws {
        let (cluster, _, edge, publisher) = try await Cluster.publishing(
            settings: #"{"hlsSegmentDuration":1,"hlsWindowSegments":4}"#
        )
        let url = edge.media("live/s1", "/s1.mpd")
        try await cluster.waitUntilPlayable(url)
        // With a window that has moved: players that count from its beginning are wrong from here on.
        try await eventually("the window has moved\n\(cluster.logs)") {
            let text = String(decoding: try http(url).body, as: UTF8.self)
            return !text.contains("<S t=\"0\"") && text.components(separatedBy: "<S t=").count > 8
        }
        for kind in ["v", "a"] {
            let answer = try run(
                [
                    "ffprobe", "-v", "error", "-select_streams", kind, "-show_entries", "packet=pts_time",
                    "-read_intervals", "%+8", "-of", "csv=p=0", url,
                ],
                seconds: 30
            )
            let times = answer.output.split(whereSeparator: { $0 == "\n" || $0 == "," }).compactMap { Double($0) }
            #expect(zip(times, times.dropFirst()).allSatisfy { $0 < $1 }, "\(kind): \(answer.output)")
            #expect((times.last ?? 0) - (times.first ?? 0) > 7, "\(kind): \(times.first ?? 0) to \(times.last ?? 0)")
        }
        #expect(publisher.isRunning)
    }

    @Test func `adaptive DASH offers all rungs, which play`() async throws {
        let (cluster, _, edge, publisher) = try await Cluster.publishing(settings: Self.settings, size: "640x360")
        let url = edge.media("live/s1", "/s1_adaptive.mpd")
        try await eventually("all rungs are offered\n\(cluster.logs)", within: .seconds(60)) {
            let text = String(decoding: try http(url).body, as: UTF8.self)
            return ["source", "240p300kbps", "144p120kbps"].allSatisfy { text.contains("id=\"\($0)_video\"") }
        }
        for number in 0..<3 {
            let decoded = try run([
                "ffmpeg", "-v", "error", "-i", url, "-map", "0:v:\(number)", "-t", "4", "-f", "null", "-",
            ])
            #expect(decoded.status == 0 && decoded.output.isEmpty, "\(number): \(decoded.output)")
        }
        #expect(publisher.isRunning)
    }

    @Test func `a DASH segment is sent while it is made, and is the same bytes when it is whole`() async throws {
        let (cluster, _, edge, publisher) = try await Cluster.publishing()
        let url = edge.media("live/s1", "/s1.mpd")
        try await cluster.waitUntilPlayable(url)
        let files = ["growing", "whole"].map { cluster.directory.appending(path: $0).path }
        func get(_ segment: String, into file: String) throws -> String {
            try run(["curl", "-sSf", "-m", "15", "-D", "-", "-o", file, segment]).output.lowercased()
        }
        var segment = ""
        // One that is listed as open may be whole when it is asked for.
        try await eventually("a segment comes while it is made\n\(cluster.logs)") {
            let text = String(decoding: try http(url).body, as: UTF8.self)
            guard text.contains("availabilityTimeComplete=\"false\""), let name = newestSegment(in: text) else {
                return false
            }
            segment = edge.media("live/s1", "/\(name)")
            return try get(segment, into: files[0]).contains("transfer-encoding: chunked")
        }
        #expect(try get(segment, into: files[1]).contains("content-length: "))
        #expect(try run(["cmp"] + files).status == 0)
        #expect(publisher.isRunning)
    }

    /// Of the first track that a description names.
    private func newestSegment(in description: String) -> String? {
        guard let media = description.split(separator: "media=\"").dropFirst().first?.split(separator: "\"").first,
            let timeline = description.split(separator: "</SegmentTimeline>").first,
            let time = timeline.split(separator: "<S t=\"").last?.split(separator: "\"").first
        else { return nil }
        return String(media.replacing("$Time$", with: time))
    }

    /// Without the time of day.
    private func description(_ url: String) throws -> [Substring] {
        String(decoding: try http(url).body, as: UTF8.self).split(separator: "\n").filter { !$0.contains("UTCTiming") }
    }

    /// Picture size, and times of showing of the keyframes of the first seconds.
    private func keyframes(at url: String) throws -> (size: String, times: [Double]) {
        let result = try run(
            [
                "ffprobe", "-v", "error", "-select_streams", "v:0", "-read_intervals", "%+4", "-show_entries",
                "stream=width,height:packet=pts_time,flags", "-of", "csv=p=1:s=;", url,
            ],
            seconds: 20
        )
        var size = ""
        var times: [Double] = []
        for line in result.output.split(whereSeparator: \.isNewline) {
            let fields = line.split(separator: ";")
            if fields.first == "stream", fields.count > 2 { size = "\(fields[1])x\(fields[2])" }
            guard fields.first == "packet", fields.count > 2, fields[2].hasPrefix("K"), let time = Double(fields[1])
            else {
                continue
            }
            times.append(time)
        }
        return (size, times)
    }
}
