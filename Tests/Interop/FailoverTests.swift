import ClusterHarness
import ClusterModel
import Testing

/// `kill -9` of each part, one after the other: what must go on goes on, what must come back comes back by itself.
@Suite(.serialized) struct FailoverTests {
    @Test(arguments: StoreKind.allCases)
    func `viewers on the edge outlive the origin`(store: StoreKind) async throws {
        let cluster = try await Cluster.start(on: store)
        let first = try await cluster.startWorker("origin1", .origin)
        let second = try await cluster.startWorker("origin2", .origin)
        let edge = try await cluster.startWorker("edge1", .edge)
        let publisher = try cluster.publish("live/s1", to: first)
        try await cluster.waitForOrigin(of: "live/s1", "origin1")
        let epoch = try cluster.stream("live/s1").epoch
        let viewers = [try cluster.view(edge.rtmp("live/s1")), try cluster.view(edge.media("live/s1", ".flv"))]
        for viewer in viewers { try await viewer.waitForMore() }
        // The packager that stays over the change of owners is the one to be judged.
        try await cluster.waitUntilPlayable(edge.media("live/s1", ".m3u8"))

        first.process.kill()
        publisher.kill()
        let again = try cluster.publish("live/s1", to: second)
        try await cluster.waitForOrigin(of: "live/s1", "origin2")
        #expect(try cluster.stream("live/s1").epoch > epoch)
        for viewer in viewers { try await viewer.waitForMore(100_000) }
        try await cluster.waitUntilPlayable(edge.media("live/s1", ".m3u8"))
        try await expectSameObjects(of: "live/s1", on: edge, and: second)
        #expect(again.isRunning)
        for viewer in viewers {
            viewer.process.kill()
            let times = try videoTimes(in: viewer.path)
            #expect(zip(times, times.dropFirst()).allSatisfy { $0 < $1 }, "timestamps grow in \(viewer.path)")
        }
    }

    @Test func `a publisher that broke off comes back through another origin, and its viewers stay`() async throws {
        let cluster = try await Cluster.start(on: .sqlite)
        let first = try await cluster.startWorker("origin1", .origin)
        let second = try await cluster.startWorker("origin2", .origin)
        let edge = try await cluster.startWorker("edge1", .edge)
        let publisher = try cluster.publish("live/s1", to: first)
        try await cluster.waitForOrigin(of: "live/s1", "origin1")
        let viewers = [try cluster.view(edge.rtmp("live/s1")), try cluster.view(first.media("live/s1", ".flv"))]
        for viewer in viewers { try await viewer.waitForMore() }

        publisher.kill()
        try await eventually("its absence is known\n\(cluster.logs)") {
            try cluster.stream("live/s1").status == .interrupted
        }
        let again = try cluster.publish("live/s1", to: second)
        try await cluster.waitForOrigin(of: "live/s1", "origin2")
        for viewer in viewers { try await viewer.waitForMore(100_000) }
        #expect(again.isRunning)
        for viewer in viewers {
            viewer.process.kill()
            let times = try videoTimes(in: viewer.path)
            #expect(zip(times, times.dropFirst()).allSatisfy { $0 < $1 }, "timestamps grow in \(viewer.path)")
        }
    }

    /// Every object that the edge's playlist names for the newest epoch has the same bytes on the other node.
    private func expectSameObjects(
        of stream: String,
        on edge: WorkerHandle,
        and origin: WorkerHandle
    ) async throws {
        let epochs = { (playlist: String) in
            Set(
                playlist.split(whereSeparator: \.isNewline).filter { $0.hasSuffix(".m4s") }.map {
                    $0.split(separator: "-")[1]
                }
            )
        }
        var playlist = ""
        try await eventually("the edge lists a segment of the new owner") {
            playlist = String(decoding: try http(edge.media(stream, ".m3u8")).body, as: UTF8.self)
            let newest = String(decoding: try http(origin.media(stream, ".m3u8")).body, as: UTF8.self)
            return !epochs(newest).isDisjoint(with: epochs(playlist)) && !epochs(newest).isEmpty
        }
        let epoch = try #require(epochs(playlist).max())
        let names = playlist.split(whereSeparator: \.isNewline).filter {
            $0.hasSuffix(".m4s") && $0.contains("-\(epoch)-")
        }
        for name in names {
            let path = "/live/streams/\(name)"
            let (here, there) = (try http(edge.http(path)), try http(origin.http(path)))
            #expect(here.status == 200 && there.status == 200 && here.body == there.body, "\(name)")
            #expect(here.body.count > 5_000, "\(name) holds media")
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a publisher and the viewers go on without the control plane, which comes back by itself`(
        store: StoreKind
    ) async throws {
        let cluster = try await Cluster.start(on: store)
        let origin = try await cluster.startWorker("origin1", .origin)
        let edge = try await cluster.startWorker("edge1", .edge)
        let publisher = try cluster.publish("live/s1", to: origin)
        try await cluster.waitForOrigin(of: "live/s1", "origin1")
        let epoch = try cluster.stream("live/s1").epoch
        let viewer = try cluster.view(edge.rtmp("live/s1"))
        try await viewer.waitForMore()

        cluster.killControl()
        try await viewer.waitForMore(200_000)
        try await cluster.waitUntilPlayable(edge.media("live/s1", ".flv"))
        #expect(try http(edge.http("/readyz")).status == 200)

        try await cluster.startControl()
        try await cluster.waitForOrigin(of: "live/s1", "origin1")
        #expect(try cluster.stream("live/s1").epoch == epoch)
        #expect(viewer.process.isRunning && publisher.isRunning)
    }

    @Test func `everything goes on without the store, and its records are all there when it is back`() async throws {
        let cluster = try await Cluster.start(on: .mongodb)
        let origin = try await cluster.startWorker("origin1", .origin)
        let edge = try await cluster.startWorker("edge1", .edge)
        let publisher = try cluster.publish("live/s1", to: origin)
        try await cluster.waitForOrigin(of: "live/s1", "origin1")
        let app = cluster.controlURL + "/v1/apps/kept"
        let settings = #"{"mergeWindowMilliseconds":40}"#
        let put = try http(app, method: "PUT", bearer: Cluster.adminToken, body: settings)
        #expect((200...201).contains(put.status))
        let viewer = try cluster.view(edge.rtmp("live/s1"))
        try await viewer.waitForMore()

        cluster.killStore()
        try await eventually("the control plane says it is not ready") {
            try http(cluster.controlURL + "/readyz").status == 503
        }
        #expect(try http(cluster.controlURL + "/livez").status == 200)
        try await viewer.waitForMore(200_000)

        try await cluster.startStore()
        try await eventually("the control plane is ready again\n\(cluster.logs)", within: .seconds(60)) {
            try http(cluster.controlURL + "/readyz").status == 200
        }
        try await cluster.waitForOrigin(of: "live/s1", "origin1")
        let kept: AppSettings = try http(app, bearer: Cluster.adminToken).json()
        #expect(kept.mergeWindowMilliseconds == 40)
        #expect(viewer.process.isRunning && publisher.isRunning)
    }

    @Test func `an edge that was killed comes back under its name and plays`() async throws {
        let (cluster, _, edge, publisher) = try await Cluster.publishing()
        try await cluster.waitUntilPlayable(edge.rtmp("live/s1"))

        edge.process.kill()
        let again = try await cluster.startWorker("edge1", .edge, ports: edge.ports)
        try await cluster.waitUntilPlayable(again.rtmp("live/s1"))
        let nodes: Page<NodeResource> = try http(cluster.controlURL + "/v1/nodes", bearer: Cluster.adminToken).json()
        #expect(nodes.items.map(\.nodeId).sorted() == ["edge1", "origin1"])
        #expect(nodes.items.allSatisfy { $0.state == .alive })
        #expect(publisher.isRunning)
    }

    @Test func `a worker that is told to end drains and ends well`() async throws {
        let cluster = try await Cluster.start(on: .sqlite)
        let edge = try await cluster.startWorker("edge1", .edge)
        edge.process.signal(15)
        try await eventually("it ends\n\(cluster.logs)") { !edge.process.isRunning }
        #expect(edge.process.waitForEnd() == 0)
    }
}
