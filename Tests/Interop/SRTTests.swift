import ClusterHarness
import ClusterModel
import Foundation
import Logging
import NIOCore
import SRT
import Testing

@Suite(.serialized) struct SRTTests {
    @Test func `what is published by SRT plays from an edge in every protocol`() async throws {
        let cluster = try await Cluster.start(on: .sqlite)
        let origin = try await cluster.startWorker("origin1", .origin, servesSRT: true)
        let edge = try await cluster.startWorker("edge1", .edge, servesSRT: true)
        let publisher = try cluster.publish(at: origin.srt("live/s1"))
        try await cluster.waitForOrigin(of: "live/s1", "origin1")
        for worker in [edge, origin] {
            for url in [
                worker.rtmp("live/s1"), worker.media("live/s1", ".flv"), worker.media("live/s1", ".m3u8"),
                worker.srt("live/s1"), worker.srt("live/s1", mode: "request"),
            ] {
                try await cluster.waitUntilPlayable(url)
                #expect(try codecs(at: url) == ["aac", "h264"], "\(url)")
            }
        }
        #expect(publisher.isRunning)
        let assigned = try http(cluster.controlURL + "/v1/assign/play?app=live&id=s1", bearer: Cluster.adminToken)
        #expect(String(decoding: assigned.body, as: UTF8.self).contains("streamid=live"), "\(assigned)")
    }

    @Test func `an RTMP publisher is watched by SRT and its viewers are counted`() async throws {
        let cluster = try await Cluster.start(on: .sqlite)
        let origin = try await cluster.startWorker("origin1", .origin)
        let edge = try await cluster.startWorker("edge1", .edge, servesSRT: true)
        let publisher = try cluster.publish("live/s1", to: origin)
        try await cluster.waitForOrigin(of: "live/s1", "origin1")
        let viewers = [
            try cluster.view(edge.srt("live/s1", mode: "request")), try cluster.view(edge.srt("live/s1")),
        ]
        for viewer in viewers { try await viewer.waitForMore() }
        try await eventually("two SRT viewers are counted\n\(cluster.logs)") {
            let counts = try cluster.stream("live/s1").viewers
            return counts.srt == 2 && counts.total == 2
        }
        for viewer in viewers { viewer.process.kill() }
        try await eventually("all viewers are gone\n\(cluster.logs)") {
            try cluster.stream("live/s1").viewers.total == 0
        }
        #expect(publisher.isRunning)
    }

    @Test func `srt-live-transmit records what decodes`() async throws {
        let cluster = try await Cluster.start(on: .sqlite)
        let node = try await cluster.startWorker("node1", .hybrid, servesSRT: true)
        let publisher = try cluster.publish(at: node.srt("live/s1", mode: "publish"))
        try await cluster.waitForOrigin(of: "live/s1", "node1")
        let file = cluster.directory.appending(path: "recorded.ts").path
        let command = "srt-live-transmit -q -t 4 '\(node.srt("live/s1", mode: "request"))' file://con > '\(file)'"
        _ = try run(["bash", "-c", command])
        // The recording ends in the middle of a picture.
        let decoded = try run(["ffmpeg", "-v", "error", "-t", "2", "-i", file, "-map", "0", "-f", "null", "-"])
        #expect(decoded.status == 0 && decoded.output.isEmpty, "\(decoded.output)")
        let packets = try run([
            "ffprobe", "-v", "error", "-count_packets", "-show_entries", "stream=nb_read_packets", file,
        ])
        #expect(packets.output.contains("nb_read_packets"))
        #expect(publisher.isRunning)
    }

    @Test func `with a passphrase only who has it gets in`() async throws {
        let cluster = try await Cluster.start(on: .sqlite)
        let file = cluster.directory.appending(path: "passphrase")
        try Data("correct-horse-battery".utf8).write(to: file)
        let node = try await cluster.startWorker(
            "node1",
            .hybrid,
            servesSRT: true,
            arguments: ["--srt-passphrase-file", file.path]
        )
        let key = "&passphrase=correct-horse-battery&pbkeylen=32"
        let publisher = try cluster.publish(at: node.srt("live/s1", more: key))
        try await cluster.waitForOrigin(of: "live/s1", "node1")
        try await cluster.waitUntilPlayable(
            node.srt("live/s1", mode: "request", more: "&passphrase=correct-horse-battery")
        )
        for wrong in ["", "&passphrase=wrong-horse-battery"] {
            #expect(try codecs(at: node.srt("live/s1", mode: "request", more: wrong)).isEmpty)
        }
        #expect(publisher.isRunning)
    }

    @Test func `refusals that the node knows by itself have their codes`() async throws {
        let cluster = try await Cluster.start(on: .sqlite)
        let origin = try await cluster.startWorker("origin1", .origin, servesSRT: true)
        let edge = try await cluster.startWorker("edge1", .edge, servesSRT: true)
        let publisher = try cluster.publish(at: origin.srt("live/s1", mode: "publish"))
        try await cluster.waitForOrigin(of: "live/s1", "origin1")
        try SRTLibrary.start(logger: Logger(label: "test"))
        // The first one to ask has to wait for the control plane and is closed; who asks again is told.
        try await eventually("an unknown stream is refused with 1404\n\(cluster.logs)") {
            try self.rejection(edge, "#!::r=live/nothing,m=request") == 1404
        }
        let codes = [
            (edge, "#!::r=live/s2,m=publish", 1403), (origin, "#!::r=live/s1,m=publish", 1409),
            (origin, "#!::r=v1/s1,m=publish", 1400), (origin, "nothing", 1400),
            (origin, "#!::r=live/s1,m=bidirectional", 1405),
        ]
        for (worker, streamID, code) in codes {
            #expect(try rejection(worker, streamID) == code, "\(streamID)\n\(cluster.logs)")
        }
        #expect(publisher.isRunning)
        let metrics = try http(edge.http("/metrics"))
        #expect(
            String(decoding: metrics.body, as: UTF8.self)
                .contains(#"millrace_connections_refused_total{protocol="srt",reason="unknown_stream"}"#)
        )
    }

    @Test func `a goodbye finishes the stream, a lost publisher interrupts it`() async throws {
        let cluster = try await Cluster.start(on: .sqlite)
        let node = try await cluster.startWorker("node1", .hybrid, servesSRT: true)
        _ = try cluster.publish(at: node.srt("live/s1", mode: "publish"), seconds: 8)
        let lost = try cluster.publish(at: node.srt("live/s2", mode: "publish"))
        try await cluster.waitForOrigin(of: "live/s1", "node1")
        try await cluster.waitForOrigin(of: "live/s2", "node1")
        let viewer = try cluster.view(node.srt("live/s1", mode: "request"))
        try await viewer.waitForMore()
        try await eventually("the stream is finished\n\(cluster.logs)") {
            try cluster.stream("live/s1").status == .finished
        }
        try await eventually("the player ends\n\(viewer.process.lastLines)") { !viewer.process.isRunning }
        lost.kill()
        try await eventually("the stream is interrupted\n\(cluster.logs)") {
            try cluster.stream("live/s2").status == .interrupted
        }
    }

    /// The code a caller is turned away with; nil when it was let in, or told nothing.
    private func rejection(_ worker: WorkerHandle, _ streamID: String) throws -> Int? {
        let call = SRTCall(
            address: try SocketAddress(ipAddress: "127.0.0.1", port: worker.ports.srt),
            streamID: streamID,
            latency: .milliseconds(20)
        )
        do throws(SRTCall.Failure) {
            try call.connect().close()
            return nil
        } catch {
            guard case .rejected(let rejection, _) = error else { return nil }
            return Int(rejection.rawValue)
        }
    }
}
