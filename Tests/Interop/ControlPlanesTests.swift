import ClusterHarness
import ClusterModel
import Testing

/// Two control planes on one store, both active.
@Suite(.serialized) struct ControlPlanesTests {
    @Test func `one is killed and workers go on with the other; without the store nothing wrong is said`() async throws
    {
        let cluster = try await Cluster.start(on: .mongodb)
        try await cluster.startOtherControl()
        let first = try await cluster.startWorker("origin1", .origin)
        let second = try await cluster.startWorker("origin2", .origin)
        let edge = try await cluster.startWorker("edge1", .edge)
        let publisher = try cluster.publish("live/s1", to: first)
        try await cluster.waitForOrigin(of: "live/s1", "origin1")
        let viewer = try cluster.view(edge.media("live/s1", ".flv"))
        try await viewer.waitForMore()

        cluster.killControl()
        let again = try cluster.publish("live/s2", to: second)
        let url = cluster.otherControlURL + "/v1/streams/live/s2"
        try await eventually("the other control plane grants the claim\n\(cluster.logs)") {
            let stream: StreamResource = try http(url, bearer: Cluster.adminToken).json()
            return stream.originNodeId == "origin2" && stream.status == .broadcasting
        }
        try await cluster.waitUntilPlayable(edge.media("live/s2", ".flv"))
        let kept: StreamResource = try http(
            cluster.otherControlURL + "/v1/streams/live/s1",
            bearer: Cluster.adminToken
        ).json()
        #expect(kept.originNodeId == "origin1" && kept.status == .broadcasting)
        try await viewer.waitForMore()

        cluster.killStore()
        try await eventually("calls are refused until the store is back\n\(cluster.logs)") {
            let answer = try http(url, bearer: Cluster.adminToken)
            return answer.status == 503 && answer.headers["retry-after"] != nil
        }
        try await viewer.waitForMore(200_000)
        #expect(publisher.isRunning && again.isRunning)
    }
}
