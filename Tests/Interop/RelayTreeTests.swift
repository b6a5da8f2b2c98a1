import ClusterHarness
import ClusterModel
import Testing

/// Who pulls from whom, between real processes.
@Suite(.serialized) struct RelayTreeTests {
    @Test func `a stream enters a region once, and a node that is moved to another keeps its viewers`() async throws {
        let cluster = try await Cluster.start(on: .sqlite)
        let origin = try await cluster.startWorker("origin1", .origin, group: "region1")
        let edges = [
            try await cluster.startWorker("edge11", .edge, group: "region1"),
            try await cluster.startWorker("edge21", .edge, group: "region2"),
            try await cluster.startWorker("edge22", .edge, group: "region2"),
        ]
        let publisher = try cluster.publish("live/s1", to: origin)
        try await cluster.waitForOrigin(of: "live/s1", "origin1")
        var viewers: [Viewer] = []
        for edge in edges {
            viewers.append(try cluster.view(edge.media("live/s1", ".flv")))
            try await viewers[viewers.count - 1].waitForMore()
        }
        try await cluster.waitForTree(
            of: "live/s1",
            ["edge11": "origin1", "edge21": "origin1", "edge22": "edge21"]
        )

        let settings = edges[1].http("/rest/changeServerSettings")
        let body = #"{"nodeGroup":"region1"}"#
        #expect(try http(settings, method: "POST", body: body).status == 401)
        #expect(try http(settings, method: "POST", bearer: Cluster.adminToken, body: body).status == 200)
        // The secondary origin of region 2 left: its child there takes its place.
        try await cluster.waitForTree(
            of: "live/s1",
            ["edge11": "origin1", "edge21": "origin1", "edge22": "origin1"]
        )
        try await cluster.waitUntilPlayable(cluster.controlURL + "/live/streams/s1.flv?group=region2")
        let play = try http(cluster.controlURL + "/live/streams/s1.flv?group=region2")
        #expect(play.status == 307 && play.headers["location"] == edges[2].media("live/s1", ".flv") + "?group=region2")

        let back = try http(
            cluster.controlURL + "/v1/groups/region2",
            method: "PUT",
            bearer: Cluster.adminToken,
            body: #"{"nodes":["edge21"]}"#
        )
        #expect(back.status == 201)
        try await cluster.waitForTree(
            of: "live/s1",
            ["edge11": "origin1", "edge21": "edge22", "edge22": "origin1"]
        )
        for viewer in viewers { try await viewer.waitForMore() }
        #expect(publisher.isRunning)
        for viewer in viewers {
            viewer.process.kill()
            let times = try videoTimes(in: viewer.path)
            #expect(zip(times, times.dropFirst()).allSatisfy { $0 < $1 }, "timestamps grow in \(viewer.path)")
        }
    }

    @Test
    func `a tree of three levels: a group between gets the stream for all below it, until it is above them no more`()
        async throws
    {
        let cluster = try await Cluster.start(on: .sqlite)
        let origin = try await cluster.startWorker("origin1", .origin, group: "region1")
        _ = try await cluster.startWorker("mid1", .edge, group: "land")
        let leaves = [
            try await cluster.startWorker("leaf1", .edge, group: "city"),
            try await cluster.startWorker("leaf2", .edge, group: "city"),
        ]
        let city = { body in
            try http(
                cluster.controlURL + "/v1/groups/city",
                method: "PUT",
                bearer: Cluster.adminToken,
                body: body
            )
        }
        #expect(try city(#"{"parent":"land"}"#).status == 201)
        let publisher = try cluster.publish("live/s1", to: origin)
        try await cluster.waitForOrigin(of: "live/s1", "origin1")
        var viewers: [Viewer] = []
        // The first becomes its group's secondary origin.
        for leaf in leaves {
            let viewer = try cluster.view(leaf.rtmp("live/s1"))
            try await viewer.waitForMore()
            viewers.append(viewer)
        }
        try await cluster.waitForTree(of: "live/s1", ["mid1": "origin1", "leaf1": "mid1", "leaf2": "leaf1"])

        #expect(try city("{}").status == 200)
        try await cluster.waitForTree(of: "live/s1", ["leaf1": "origin1", "leaf2": "leaf1"])
        for viewer in viewers { try await viewer.waitForMore() }
        #expect(publisher.isRunning)
    }
}
