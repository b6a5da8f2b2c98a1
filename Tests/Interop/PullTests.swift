import ClusterHarness
import ClusterModel
import Foundation
import Testing

@Suite(.serialized) struct PullTests {
    @Test(arguments: ["rtmp", "rtmps", "srt", "hls"])
    func `a stream is fetched from another server and watched on an edge`(scheme: String) async throws {
        let (cluster, far) = (try await Cluster.start(on: .sqlite), try await FarServer())
        _ = try far.cluster.publish("live/source", to: far.worker)
        try await far.cluster.waitUntilPlayable(far.worker.media("live/source", ".m3u8"))
        _ = try await cluster.startWorker("origin1", .origin, trusted: far.certificate)
        let edge = try await cluster.startWorker("edge1", .edge)
        let url = far.url(scheme, "live/source")
        let made = try cluster.admin("PUT", "/v1/streams/live/s1", #"{"source":{"url":"\#(url)"}}"#)
        #expect(made.status == 201, "\(made)")
        try await cluster.waitForOrigin(of: "live/s1", "origin1")
        for address in [edge.rtmp("live/s1"), edge.media("live/s1", ".m3u8")] {
            try await cluster.waitUntilPlayable(address)
            #expect(try codecs(at: address) == ["aac", "h264"])
        }
        try await eventually("its source is shown\n\(cluster.logs)") {
            let source = try cluster.stream("live/s1").source
            return source?.nodeId == "origin1" && source?.state == .active
        }
        #expect(try cluster.admin("DELETE", "/v1/streams/live/s1").status == 204)
        try await eventually("it is fetched no more\n\(cluster.logs)") {
            try cluster.stream("live/s1").status == .finished
        }
    }

    /// A recording's segments can be had all at once.
    @Test(arguments: [true, false])
    func `a stream that is fetched by whole segments, with its sound or apart, goes on at the pace of its pictures`(
        isTogether: Bool
    ) async throws {
        let cluster = try await Cluster.start(on: .sqlite)
        let (folder, port) = (cluster.directory.appending(path: "far").path, try freePorts(1)[0])
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let clip =
            "-f lavfi -i testsrc2=size=320x180:rate=25 -f lavfi -i sine=sample_rate=48000 -t 40 -c:v libx264 "
            + "-preset ultrafast -g 50 -c:a aac -f hls -hls_time 4 -hls_playlist_type vod -hls_segment_type fmp4"
        let apart = "-master_pl_name list.m3u8 -var_stream_map v:0,agroup:a\\ a:0,agroup:a \(folder)/part%v.m3u8"
        let list = isTogether ? "\(folder)/list.m3u8" : "-map 0:v -map 1:a \(apart)"
        let made = try run(["bash", "-c", "ffmpeg -nostdin -v error \(clip) \(list)"], seconds: 60)
        try #require(made.status == 0, "\(made.output)")
        let server = ["-m", "http.server", "\(port)", "--bind", "127.0.0.1", "--directory", folder]
        _ = try cluster.launch("far", "/usr/bin/python3", server)
        _ = try await cluster.startWorker("origin1", .origin)
        let edge = try await cluster.startWorker("edge1", .edge)
        let source = #"{"source":{"url":"http://127.0.0.1:\#(port)/list.m3u8"}}"#
        #expect(try cluster.admin("PUT", "/v1/streams/live/s1", source).status == 201)
        try await cluster.waitForOrigin(of: "live/s1", "origin1")
        var begun: [Date] = []
        var seconds: [Double] = []
        let dates = ISO8601DateFormatter()
        dates.formatOptions = [.withInternetDateTime, .withFractionalSeconds]
        try await eventually("five segments are listed\n\(cluster.logs)", within: .seconds(60)) {
            let text = String(decoding: try http(edge.media("live/s1", ".m3u8")).body, as: UTF8.self)
            func values(of tag: String) -> [String] {
                text.split(separator: "\n").filter { $0.hasPrefix(tag) }.map { String($0.dropFirst(tag.count)) }
            }
            begun = values(of: "#EXT-X-PROGRAM-DATE-TIME:").compactMap { dates.date(from: $0) }
            seconds = values(of: "#EXTINF:").compactMap { Double($0.dropLast()) }
            return seconds.count >= 5
        }
        // A machine that is late lengthens it.
        let passed = try #require(begun.dropFirst(4).first).timeIntervalSince(try #require(begun.first))
        #expect(passed > seconds.prefix(4).reduce(0, +) * 0.9, "\(begun) \(seconds)")
        #expect(try codecs(at: edge.media("live/s1", ".m3u8")) == ["aac", "h264"], "\(cluster.logs)")
    }

    @Test func `a live list with its sound apart, packed without a container, is fetched with both in step`()
        async throws
    {
        let cluster = try await Cluster.start(on: .sqlite)
        let (folder, port) = (cluster.directory.appending(path: "far").path, try freePorts(1)[0])
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let clip =
            "-f lavfi -i testsrc2=size=320x180:rate=25 -f lavfi -i sine=sample_rate=48000 -t 60 -map 0:v -c:v libx264 "
            + "-preset ultrafast -g 25 -pix_fmt yuv420p -f segment -segment_time 1 -segment_format mpegts -muxdelay 0 "
            + "-muxpreload 0 \(folder)/v%d.ts -map 1:a -t 60 -c:a aac -f adts \(folder)/sound.aac"
        let made = try run(["bash", "-c", "ffmpeg -nostdin -v error \(clip)"], seconds: 60)
        try #require(made.status == 0, "\(made.output)")
        let origin = SourceTree.root.appending(path: "Tests/Support/HLSOrigin/origin.py").path
        let far = try cluster.launch("far", "/usr/bin/python3", [origin, folder, "\(port)"])
        _ = try await cluster.startWorker("origin1", .origin)
        let edge = try await cluster.startWorker("edge1", .edge)
        let source = #"{"source":{"url":"http://127.0.0.1:\#(port)/list.m3u8"}}"#
        #expect(try cluster.admin("PUT", "/v1/streams/live/s1", source).status == 201)
        try await cluster.waitForOrigin(of: "live/s1", "origin1")
        let url = edge.media("live/s1", ".m3u8")
        try await eventually("both are there\n\(cluster.logs)\n\(far.lastLines)") {
            try codecs(at: url) == ["aac", "h264"]
        }
        let answer = try run([
            "ffprobe", "-v", "error", "-read_intervals", "%+3", "-show_entries", "packet=codec_type,pts_time,flags",
            "-of", "csv=p=0", url,
        ])
        let packets = answer.output.split(separator: "\n").map { $0.split(separator: ",").map(String.init) }
        func times(_ kind: String, _ flag: String) -> [Double] {
            packets.filter { $0.count > 2 && $0[0] == kind && $0[2].hasPrefix(flag) }.compactMap { Double($0[1]) }
        }
        let (sounds, keyframes) = (times("audio", "K"), times("video", "K"))
        let (sound, keyframe) = (try #require(sounds.first), try #require(keyframes.first))
        // Both are from the tenth second on where they come from.
        #expect(abs(sound - keyframe) < 0.5, "\(answer.output)")
        let frame = 1024.0 / 48_000
        #expect(zip(sounds, sounds.dropFirst()).allSatisfy { abs($1 - $0 - frame) < 0.002 }, "\(sounds)")
    }

    @Test func `another origin fetches the stream when the first has died, and the viewer stays`() async throws {
        let (cluster, other) = (try await Cluster.start(on: .sqlite), try await Cluster.start(on: .sqlite))
        let far = try await other.startWorker("far1", .hybrid)
        _ = try other.publish("live/source", to: far)
        try await other.waitForOrigin(of: "live/source", "far1")
        let origins = [
            try await cluster.startWorker("origin1", .origin), try await cluster.startWorker("origin2", .origin),
        ]
        let edge = try await cluster.startWorker("edge1", .edge)
        let url = far.rtmp("live/source")
        _ = try cluster.admin("PUT", "/v1/streams/live/s1", #"{"source":{"url":"\#(url)"}}"#)
        try await cluster.waitUntilPlayable(edge.rtmp("live/s1"))
        let viewer = try cluster.view(edge.rtmp("live/s1"))
        try await viewer.waitForMore()
        let first = try #require(try cluster.stream("live/s1").originNodeId)
        try #require(origins.first { $0.id == first }).process.kill()
        try await eventually("the other origin has it\n\(cluster.logs)") {
            let owner = try cluster.stream("live/s1").originNodeId
            return owner != nil && owner != first
        }
        try await viewer.waitForMore()
        let times = try videoTimes(in: viewer.path)
        #expect(zip(times, times.dropFirst()).allSatisfy { $0 < $1 })
    }

    @Test func `a stream on demand is fetched while somebody watches`() async throws {
        let (cluster, other) = (try await Cluster.start(on: .sqlite), try await Cluster.start(on: .sqlite))
        let far = try await other.startWorker("far1", .hybrid)
        _ = try other.publish("live/source", to: far)
        try await other.waitForOrigin(of: "live/source", "far1")
        _ = try await cluster.startWorker("origin1", .origin)
        let edge = try await cluster.startWorker("edge1", .edge)
        _ = try cluster.admin("PUT", "/v1/apps/live", #"{"pullLinger":1}"#)
        let source = #"{"source":{"url":"\#(far.rtmp("live/source"))","mode":"onDemand"}}"#
        _ = try cluster.admin("PUT", "/v1/streams/live/s1", source)
        #expect(try cluster.stream("live/s1").source?.nodeId == nil)
        for _ in 0..<2 {
            let viewer = try cluster.view(edge.rtmp("live/s1"))
            try await viewer.waitForMore()
            #expect(try cluster.stream("live/s1").status == .broadcasting)
            viewer.process.kill()
            try await eventually("nobody watches, and nothing is fetched\n\(cluster.logs)") {
                let stream = try cluster.stream("live/s1")
                return stream.status == .finished && stream.source?.nodeId == nil
            }
        }
    }
}
