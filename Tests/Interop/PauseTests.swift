import ClusterHarness
import ClusterModel
import Foundation
import Testing

/// An owner that stands still knows nothing of what happened meanwhile: SIGSTOP, as a paused virtual machine would.
@Suite(.serialized) struct PauseTests {
    /// Past a lease and a publisher's grace, by when all know it dead.
    private static let long = Duration.seconds(40)

    /// Shorter than a lease, when only its silence shows that it is gone; and longer. Both at once: they wait.
    @Test func `an origin that was stopped learns that it is fenced, and its viewers are fed by the new owner`()
        async throws
    {
        async let short: Void = stopOrigin(for: .seconds(12))
        async let long: Void = stopOrigin(for: Self.long)
        _ = try await (short, long)
    }

    private func stopOrigin(for pause: Duration) async throws {
        let cluster = try await Cluster.start(on: .sqlite)
        let stopped = try await cluster.startWorker("origin1", .origin)
        let other = try await cluster.startWorker("origin2", .origin)
        let edge = try await cluster.startWorker("edge1", .edge)
        let publisher = try cluster.publish("live/s1", to: stopped)
        try await cluster.waitForOrigin(of: "live/s1", "origin1")
        let epoch = try cluster.stream("live/s1").epoch
        let onEdge = try cluster.view(edge.rtmp("live/s1"))
        let patience = pause + .seconds(30)
        let onStopped = [
            try cluster.view(stopped.rtmp("live/s1"), patience: patience),
            try cluster.view(stopped.media("live/s1", ".flv"), patience: patience),
        ]
        for viewer in onStopped + [onEdge] { try await viewer.waitForMore() }

        stopped.process.signal(SIGSTOP)
        let stoppedAt = ContinuousClock.now
        // The connection it leaves hangs on the stopped node, as that of a lost client would.
        let again = cluster.keepPublishing(clip: try cluster.makeClip(), at: other.rtmp("live/s1"))
        try await cluster.waitForOrigin(of: "live/s1", "origin2")
        #expect(try cluster.stream("live/s1").epoch > epoch)
        try await onEdge.waitForMore(100_000)
        #expect(publisher.isRunning)
        try await Task.sleep(until: stoppedAt + pause)

        stopped.process.signal(SIGCONT)
        try await eventually("the publisher of the old epoch is closed\n\(cluster.logs)") { !publisher.isRunning }
        #expect(stopped.process.log.contains("fenced by a newer owner"))
        for viewer in onStopped { try await viewer.waitForMore(100_000) }
        try await cluster.waitForTree(of: "live/s1", ["edge1": "origin2", "origin1": "origin2"])
        try await onEdge.waitForMore()
        #expect(again.isPublishing)
        for viewer in onStopped + [onEdge] {
            viewer.process.kill()
            let times = try videoTimes(in: viewer.path)
            #expect(zip(times, times.dropFirst()).allSatisfy { $0 < $1 }, "timestamps grow in \(viewer.path)")
        }
    }

    /// Longer than a lease and a publisher's grace, after which streams without an owner are finished.
    @Test func `a control plane that was stopped ends nothing as it goes on, alone or beside another one`() async throws
    {
        async let alone: Void = stopControl(on: .sqlite, beside: nil)
        async let beside: Void = stopControl(on: .mongodb, beside: 1)
        _ = try await (alone, beside)
    }

    private func stopControl(on store: StoreKind, beside other: Int?) async throws {
        let cluster = try await Cluster.start(on: store)
        if let other { try await cluster.startControl(other) }
        let origin = try await cluster.startWorker("origin1", .origin)
        let edge = try await cluster.startWorker("edge1", .edge)
        let publisher = cluster.keepPublishing(clip: try cluster.makeClip(), at: origin.rtmp("live/s1"))
        try await cluster.waitForOrigin(of: "live/s1", "origin1")
        let epoch = try cluster.stream("live/s1").epoch
        let player = Witness.httpFLV(edge.media("live/s1", ".flv"))
        try await player.waitForMore()

        cluster.signalControl(0, SIGSTOP)
        try await Task.sleep(for: Self.long)
        if let other {
            let seen: StreamResource = try http(
                cluster.controlURL(other) + "/v1/streams/live/s1",
                bearer: Cluster.adminToken
            ).json()
            #expect(seen.status == .broadcasting && seen.epoch == epoch)
        }
        cluster.signalControl(0, SIGCONT)
        try await eventually("it answers again\n\(cluster.logs)") {
            try http(cluster.controlURL + "/readyz").status == 200
        }
        // As long as its first judgements take.
        try await player.waitForMore(100)
        let stream = try cluster.stream("live/s1")
        #expect(stream.status == .broadcasting && stream.epoch == epoch && stream.originNodeId == "origin1")
        #expect(player.connections == 1 && !player.hasEnded && player.stepsBack.isEmpty)
        #expect(publisher.begun.count == 1)
    }
}
