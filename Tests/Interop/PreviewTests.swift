import ClusterHarness
import ClusterModel
import Foundation
import Testing

@Suite(.serialized) struct PreviewTests {
    @Test func `a picture of the stream is had from every node and from the control plane`() async throws {
        let cluster = try await Cluster.start(on: .sqlite)
        let origin = try await cluster.startWorker("origin1", .origin)
        let edge = try await cluster.startWorker("edge1", .edge)
        #expect(try cluster.admin("PUT", "/v1/apps/live", #"{"previewInterval":1}"#).status == 201)
        _ = try cluster.publish("live/s1", to: origin)
        for url in [
            origin.http("/live/previews/s1.jpg"), edge.http("/live/previews/s1.jpg"),
            cluster.controlURL + "/live/previews/s1.jpg",
        ] {
            let file = cluster.directory.appending(path: "preview.jpg").path
            try await eventually("\(url) is a picture\n\(cluster.logs)") {
                guard try run(["curl", "-s", "-f", "-L", "-o", file, url]).status == 0 else { return false }
                let facts = try run([
                    "ffprobe", "-v", "error", "-show_entries", "stream=codec_name,width", "-of", "csv=p=0", file,
                ])
                return facts.output.hasPrefix("mjpeg,320")
            }
        }
        // There is a stream, and never a picture of it.
        _ = try cluster.publish(by: "-f lavfi -i sine=sample_rate=48000 -c:a aac", at: origin.rtmp("live/sound"))
        try await cluster.waitForOrigin(of: "live/sound", "origin1")
        for base in [origin.http(""), edge.http(""), cluster.controlURL] {
            let url = base + "/live/previews/sound.jpg"
            let answer = try run(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-L", url])
            #expect(answer.output == "404", "\(url)")
        }
        #expect(
            try run(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-L", edge.http("/live/previews/none.jpg")])
                .output == "404"
        )
    }
}
