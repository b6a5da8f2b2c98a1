import ClusterHarness
import ClusterModel
import Testing

/// A second publisher on another origin, which takes over without a viewer noticing more than the gap.
@Suite(.serialized) struct StandByTests {
    enum Loss: CaseIterable {
        /// Connected still, and sending nothing.
        case publisherSilent
        case originKilled
    }

    @Test(arguments: Loss.allCases)
    func `one that stands by on another origin takes over, timestamps growing`(loss: Loss) async throws {
        let cluster = try await Cluster.start(on: .sqlite)
        let put = try http(
            cluster.controlURL + "/v1/apps/live",
            method: "PUT",
            bearer: Cluster.adminToken,
            body: #"{"secondPublisher":"standBy"}"#
        )
        #expect((200...201).contains(put.status))
        let first = try await cluster.startWorker("origin1", .origin)
        let second = try await cluster.startWorker("origin2", .origin)
        let edge = try await cluster.startWorker("edge1", .edge)
        let publisher = try cluster.publish("live/s1", to: first)
        try await cluster.waitForOrigin(of: "live/s1", "origin1")
        let epoch = try cluster.stream("live/s1").epoch
        let backup = try cluster.publish("live/s1", to: second)
        let viewers = [try cluster.view(edge.rtmp("live/s1")), try cluster.view(edge.media("live/s1", ".flv"))]
        for viewer in viewers { try await viewer.waitForMore() }
        #expect(backup.isRunning)
        #expect(try cluster.stream("live/s1").originNodeId == "origin1")

        switch loss {
        case .publisherSilent: publisher.signal(19)  // SIGSTOP
        case .originKilled: first.process.kill()
        }
        try await cluster.waitForOrigin(of: "live/s1", "origin2")
        #expect(try cluster.stream("live/s1").epoch > epoch)
        for viewer in viewers { try await viewer.waitForMore(200_000) }
        #expect(backup.isRunning, "\(cluster.logs)")
        for viewer in viewers {
            viewer.process.kill()
            let times = try videoTimes(in: viewer.path)
            #expect(zip(times, times.dropFirst()).allSatisfy { $0 < $1 }, "timestamps grow in \(viewer.path)")
        }
    }
}
