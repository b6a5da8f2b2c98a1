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
        let cluster = try await Cluster.start(on: .sqlite)
        let answer = try http(
            "\(cluster.controlURL)/v1/apps/live",
            method: "PUT",
            bearer: Cluster.adminToken,
            body: Self.settings
        )
        #expect(answer.status < 300, "\(String(decoding: answer.body, as: UTF8.self))")
        let origin = try await cluster.startWorker("origin1", .origin)
        let edge = try await cluster.startWorker("edge1", .edge)
        let publisher = try cluster.publish("live/s1", to: origin, size: "640x360")
        try await cluster.waitForOrigin(of: "live/s1", "origin1")
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
            // The same pictures are keyframes, at the same times; the later playlist begins later.
            let both = try keyframes(at: edge.media("live/s1", ".m3u8")).times + source.times
            #expect(!found.times.isEmpty)
            for time in found.times where time >= (both.min() ?? 0) && time <= (both.max() ?? 0) {
                #expect(both.contains { abs($0 - time) < 0.002 }, "\(time) is none of \(both)")
            }
            #expect(found.times.contains { time in both.contains { abs($0 - time) < 0.002 } })
        }
        for name in ["live/s1_240p300kbps"] { #expect(try codecs(at: edge.rtmp(name)) == ["aac", "h264"]) }
        #expect(try http(edge.media("live/s1_480p900kbps", ".m3u8")).status == 404)
        #expect(publisher.isRunning)
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
