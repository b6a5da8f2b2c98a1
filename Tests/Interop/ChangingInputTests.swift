import ClusterHarness
import ClusterModel
import Foundation
import Testing

/// What a publisher may change without a new connection: its pictures' size and shape, its codecs, whether there is sound.
@Suite(.serialized) struct ChangingInputTests {
    /// As ffprobe names the tracks of what comes between two changes.
    private typealias Tracks = [String]

    /// Made by ffmpeg, one behind the other.
    private struct Phase {
        var seconds: Int
        var picture: String
        var hasSound = true
    }

    private static let h264 = "-c:v libx264 -preset ultrafast -tune zerolatency -g 25"
    private static let turned = [
        Phase(seconds: 10, picture: "-f lavfi -i testsrc2=size=640x360:rate=25 \(h264)"),
        Phase(seconds: 4, picture: "-f lavfi -i testsrc2=size=360x640:rate=25 \(h264)"),
        Phase(seconds: 4, picture: "-f lavfi -i testsrc2=size=320x180:rate=25 \(h264)"),
    ]
    private static let recoded = [
        Phase(seconds: 10, picture: "-f lavfi -i testsrc2=size=320x180:rate=25 \(h264)"),
        Phase(
            seconds: 4,
            picture: "-f lavfi -i testsrc2=size=320x180:rate=25 -c:v libx265 -preset ultrafast "
                + "-x265-params log-level=none:keyint=25:bframes=3:b-adapt=0"
        ),
        Phase(seconds: 4, picture: "-f lavfi -i testsrc2=size=320x180:rate=25 \(h264)", hasSound: false),
    ]
    private static let rung = "_144p120kbps"
    private static let settings = """
        {"encoderSettings":[{"height":144,"videoBitrate":120000,"audioBitrate":64000}],"encoderSpeed":"ultrafast"}
        """

    @Test
    func `pictures that turn and change size, codecs and sound that change, go on in HLS, DASH, WebRTC and rungs`()
        async throws
    {
        let cluster = try await Cluster.start(on: .sqlite)
        try cluster.set(Self.settings, app: "live")
        let origin = try await cluster.startWorker("origin1", .origin, servesSRT: true)
        let edge = try await cluster.startWorker("edge1", .edge)
        let turned = try await publishByRTMP(Self.turned, at: origin.rtmp("live/turned"), cluster)
        _ = try await publishBySRT(Self.recoded, at: origin.srt("live/recoded", mode: "publish"), cluster)
        let names = ["turned", "recoded"].flatMap { ["live/\($0)", "live/\($0)\(Self.rung)"] }
        // Segments are kept from the first request on, which waits for two of them: all are asked for at once.
        _ = try cluster.launch(
            "asker",
            "/usr/bin/env",
            ["curl", "-s", "--parallel", "--retry", "30", "--retry-all-errors", "--retry-delay", "1"]
                + names.flatMap { ["-o", "/dev/null", edge.media($0, ".m3u8")] }
        )
        try await eventually("\(turned.lastLines) plays\n\(cluster.logs)") {
            try http(edge.media("live/turned", ".m3u8")).status == 200
        }
        // Players of the web go through it while it happens.
        async let shown = WebPlayers.play(edge.media("live/turned", ".m3u8"), in: .hlsJS, seconds: 16)
        async let received = WebRTCClients.aiortc(
            "play",
            edge.http("/live/whep/turned"),
            codec: "H264",
            seconds: 16
        )

        try await eventually("all is published\n\(cluster.logs)", within: .seconds(60)) {
            // Asking keeps the rungs going.
            try names.map { try playlist(edge.media($0, ".m3u8")) }.allSatisfy { $0.contains("#EXT-X-ENDLIST") }
        }
        let expected: [(String, [Tracks])] = [
            ("live/turned", [["h264,640,360", "aac"], ["h264,360,640", "aac"], ["h264,320,180", "aac"]]),
            ("live/turned\(Self.rung)", [["h264,256,144", "aac"], ["h264,82,144", "aac"], ["h264,256,144", "aac"]]),
            ("live/recoded", [["h264,320,180", "aac"], ["hevc,320,180", "aac"], ["h264,320,180"]]),
            ("live/recoded\(Self.rung)", [["h264,256,144", "aac"], ["h264,256,144", "aac"], ["h264,256,144"]]),
        ]
        for (name, eras) in expected {
            let text = try playlist(edge.media(name, ".m3u8"))
            let found = try listedEras(text, edge, cluster)
            // A rung begins when somebody asks for it.
            let isRung = name.hasSuffix(Self.rung)
            #expect(found == (isRung ? eras.suffix(max(found.count, 2)) : eras), "\(name)\n\(text)")
        }
        for name in ["turned", "recoded"] {
            let eras = expected.first { $0.0 == "live/\(name)" }?.1
            let url = edge.media("live/\(name)", "/\(name).mpd")
            let text = try playlist(url)
            #expect(try describedEras(text, at: url, cluster) == eras, "\(text)")
        }
        let player = try await shown
        #expect(player.errors == [])
        #expect(player.heights.prefix(2) == [360, 640], "\(player)")
        let peer = try await received
        #expect(peer.error == nil && peer.heights?.starts(with: [360, 640]) == true, "\(peer)\n\(cluster.logs)")
    }

    // MARK: Publishing

    /// Clips joined to one, whose headers come again where the next one begins.
    private func publishByRTMP(_ phases: [Phase], at url: String, _ cluster: Cluster) async throws -> Child {
        let clip = cluster.directory.appending(path: "turned.flv").path
        var joined = Data()
        for file in try makeFiles(phases, "flv", cluster) {
            let data = try Data(contentsOf: URL(fileURLWithPath: file))
            // The file's header and the first length.
            joined += joined.isEmpty ? data : data.dropFirst(13)
        }
        try joined.write(to: URL(fileURLWithPath: clip))
        return try cluster.launch(
            "publisher",
            SourceTree.program("millrace"),
            ["bench", "publish", "--file", clip, "--url", url]
        )
    }

    /// Transport streams one behind the other, with tables of their own.
    private func publishBySRT(_ phases: [Phase], at url: String, _ cluster: Cluster) async throws -> Child {
        var start = 0
        let parts = try makeFiles(phases, "ts", cluster).enumerated().map { number, file in
            defer { start += phases[number].seconds }
            return "ffmpeg -nostdin -v error -re -i \(file) -c copy -output_ts_offset \(start) -muxdelay 0 "
                + "-mpegts_flags +initial_discontinuity -tables_version \(number) -f mpegts -"
        }
        // It does not end by itself with what it is given.
        let send = "srt-live-transmit -q -t:\(start + 2) file://con '\(url)'"
        return try cluster.launch(
            "publisher",
            "/usr/bin/env",
            ["bash", "-c", "(\(parts.joined(separator: "; "))) | \(send)"]
        )
    }

    private func makeFiles(_ phases: [Phase], _ ending: String, _ cluster: Cluster) throws -> [String] {
        var start = 0
        return try phases.enumerated().map { number, phase in
            let file = cluster.directory.appending(path: "phase\(number).\(ending)").path
            let inputs = phase.picture.split(separator: " ").map(String.init)
            let split = (inputs.firstIndex(of: "-c:v") ?? inputs.endIndex)
            let sound = phase.hasSound ? ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000"] : []
            let made = try run(
                ["ffmpeg", "-nostdin", "-y", "-v", "error"] + inputs[..<split] + sound + ["-t", "\(phase.seconds)"]
                    + inputs[split...] + ["-pix_fmt", "yuv420p"] + (phase.hasSound ? ["-c:a", "aac"] : [])
                    + ["-muxdelay", "0", "-output_ts_offset", "\(start)", file],
                seconds: 60
            )
            guard made.status == 0 else { throw NeverHappened(description: made.output) }
            start += phase.seconds
            return file
        }
    }

    // MARK: What can be had

    private func playlist(_ url: String) throws -> String { String(decoding: try http(url).body, as: UTF8.self) }

    /// The tracks of each stretch of a playlist that has an initialization section of its own, which all must decode.
    private func listedEras(_ text: String, _ edge: WorkerHandle, _ cluster: Cluster) throws -> [Tracks] {
        var eras: [[String]] = []
        for line in text.split(separator: "\n") {
            if line.hasPrefix("#EXT-X-MAP:") {
                eras.append(line.split(separator: "\"").dropFirst().prefix(1).map(String.init))
            } else if !line.hasPrefix("#"), let last = eras.indices.last {
                eras[last].append(String(line))
            }
        }
        // In the last picture of all the publisher may have broken off.
        if let last = eras.last, last.count > 2 { eras[eras.count - 1].removeLast() }
        return try eras.map { try decode($0.map { edge.http("/live/streams/\($0)") }, cluster) }
    }

    /// The tracks of each period of a description, as its segments have them.
    private func describedEras(_ text: String, at url: String, _ cluster: Cluster) throws -> [Tracks] {
        let folder = url.prefix(upTo: try #require(url.lastIndex(of: "/")))
        return try text.split(separator: "<Period ").dropFirst().map { period in
            try period.split(separator: "<Representation ").dropFirst().flatMap { representation in
                let times = representation.split(separator: "<S t=\"").dropFirst().map { $0.prefix { $0 != "\"" } }
                let media = attribute("media", of: representation)
                let names =
                    [attribute("initialization", of: representation)]
                    + times.prefix(max(1, times.count - 1)).map { media.replacing("$Time$", with: $0) }
                let tracks = try decode(names.map { "\(folder)/\($0)" }, cluster)
                let size = ["width", "height"].map { attribute($0, of: representation) }.joined(separator: ",")
                #expect(size == "," || tracks.allSatisfy { $0.hasSuffix(size) }, "\(tracks) is not \(size)")
                return tracks
            }
        }
    }

    private func attribute(_ name: String, of element: Substring) -> String {
        element.split(separator: " \(name)=\"").dropFirst().first?.split(separator: "\"").first.map(String.init) ?? ""
    }

    private func decode(_ urls: [String], _ cluster: Cluster) throws -> Tracks {
        let file = cluster.directory.appending(path: "era.mp4").path
        let fetched = try run(["bash", "-c", "curl -sSf -m 10 \(urls.joined(separator: " ")) > \(file)"])
        #expect(fetched.status == 0, "\(urls): \(fetched.output)")
        let decoded = try run([
            "ffmpeg", "-nostdin", "-v", "error", "-i", file, "-vsync", "passthrough", "-enc_time_base", "1:90000", "-f",
            "null", "-",
        ])
        #expect(decoded.status == 0 && decoded.output.isEmpty, "\(urls): \(decoded.output)")
        let probed = try run([
            "ffprobe", "-v", "error", "-show_entries", "stream=codec_name,width,height", "-of", "csv=p=0", file,
        ])
        return probed.output.split(whereSeparator: \.isNewline).map(String.init)
    }
}
