import ClusterHarness
import ClusterModel
import Foundation
import Testing

/// A node leaves while it is in use.
@Suite(.serialized) struct DrainTests {
    private func millrace(_ cluster: Cluster, _ arguments: [String]) throws -> CommandResult {
        let settings = ["MILLRACE_CONTROL=\(cluster.controlURL)", "MILLRACE_ADMIN_TOKEN=\(Cluster.adminToken)"]
        return try run(["env"] + settings + [SourceTree.program("millrace")] + arguments, seconds: 60)
    }

    private func node(_ cluster: Cluster, _ id: String) throws -> NodeResource {
        try http("\(cluster.controlURL)/v1/nodes/\(id)", bearer: Cluster.adminToken).json()
    }

    /// Where a publisher that reconnects is sent now.
    private func publishURL(_ cluster: Cluster, _ id: String) throws -> String? {
        let url = "\(cluster.controlURL)/v1/assign/publish?app=live&id=\(id)"
        let answer: Assignment = try http(url, bearer: Cluster.adminToken).json()
        return answer.urls["rtmp"]
    }

    @Test func `an origin is drained: its publisher goes elsewhere, and viewers on the edge stay`() async throws {
        let cluster = try await Cluster.start(on: .sqlite)
        let first = try await cluster.startWorker("origin1", .origin)
        let second = try await cluster.startWorker("origin2", .origin)
        let edge = try await cluster.startWorker("edge1", .edge)
        let publisher = try cluster.publish("live/s1", to: first)
        try await cluster.waitForOrigin(of: "live/s1", "origin1")
        let viewers = [try cluster.view(edge.rtmp("live/s1")), try cluster.view(edge.media("live/s1", ".flv"))]
        for viewer in viewers { try await viewer.waitForMore() }

        let begun = try millrace(cluster, ["drain", "origin1", "--deadline", "3"])
        #expect(begun.status == 0, "\(begun.output)")
        try await eventually("the node says at once that it drains") {
            try http(first.http("/readyz")).status == 503
        }
        try await eventually("the publisher is closed\n\(cluster.logs)") { !publisher.isRunning }
        let next = try #require(try publishURL(cluster, "s1"))
        #expect(next == second.rtmp("live/s1"))
        let again = try cluster.publish(at: next)
        try await cluster.waitForOrigin(of: "live/s1", "origin2")
        for viewer in viewers { try await viewer.waitForMore(100_000) }

        let waited = try millrace(cluster, ["drain", "origin1", "--deadline", "3", "--wait"])
        #expect(waited.status == 0, "\(waited.output)")
        let drained = try node(cluster, "origin1")
        #expect(drained.state == .drained && drained.safeToTerminate && drained.sessionsLeft == 0)
        #expect(again.isRunning)

        #expect(try millrace(cluster, ["undrain", "origin1"]).status == 0)
        try await eventually("the node is used again") {
            try http(first.http("/readyz")).status == 200 && node(cluster, "origin1").state == .alive
        }
    }

    @Test func `an HLS player's edge is drained: past the deadline the next edge has what it asks for`() async throws {
        let (cluster, _, edge, publisher) = try await Cluster.publishing()
        let playlist = edge.media("live/s1", ".m3u8")
        try await cluster.waitUntilPlayable(playlist)
        let next = try await cluster.startWorker("edge2", .edge)

        #expect(try millrace(cluster, ["drain", "edge1", "--deadline", "3"]).status == 0)
        #expect(try http(playlist).status == 200, "a player goes on until the deadline")
        try await eventually("the edge has closed\n\(cluster.logs)") { try http(playlist).status == 503 }
        #expect(try http(playlist).headers["retry-after"] != nil)
        let sent = try http("\(cluster.controlURL)/live/streams/s1.m3u8")
        #expect(sent.status == 307 && sent.headers["location"] == next.media("live/s1", ".m3u8"))
        try await cluster.waitUntilPlayable(next.media("live/s1", ".m3u8"))

        #expect(try millrace(cluster, ["drain", "edge1", "--deadline", "3", "--wait"]).status == 0)
        let drained = try node(cluster, "edge1")
        #expect(drained.safeToTerminate && drained.sessionsLeft == 0)
        #expect(publisher.isRunning)
    }

    @Test func `a node that only another one pulls from ends once that one has its stream from elsewhere`() async throws
    {
        let cluster = try await Cluster.start(on: .sqlite)
        let origin = try await cluster.startWorker("origin1", .origin, group: "region1")
        let middle = try await cluster.startWorker("edge1", .edge, group: "region2", drainTimeout: "60s")
        let leaf = try await cluster.startWorker("edge2", .edge, group: "region2")
        let publisher = cluster.keepPublishing(clip: try cluster.makeClip(), at: origin.rtmp("live/s1"))
        try await cluster.waitForOrigin(of: "live/s1", "origin1")
        let first = Witness.httpFLV(middle.media("live/s1", ".flv"))
        try await first.waitForMore()
        let player = Witness.httpFLV(leaf.media("live/s1", ".flv"))
        try await player.waitForMore()
        try await cluster.waitForTree(of: "live/s1", ["edge1": "origin1", "edge2": "edge1"])
        first.leave()

        middle.process.signal(SIGTERM)
        try await eventually("it ends before its time is up\n\(cluster.logs)", within: .seconds(40)) {
            !middle.process.isRunning
        }
        #expect(middle.process.waitForEnd() == 0)
        try await cluster.waitForTree(of: "live/s1", ["edge2": "origin1"])
        try await player.waitForMore(50)
        #expect(player.connections == 1 && !player.hasEnded && player.stepsBack.isEmpty)
        // Whose parent ends under it looks for another one; this one was told in time.
        let metrics = String(decoding: try http(leaf.http("/metrics")).body, as: UTF8.self)
        #expect(!metrics.contains("millrace_relay_reroutes_total{"), "\(leaf.process.lastLines)")
        #expect(publisher.begun.count == 1)
    }
}
