import ClusterHarness
import ClusterModel
import Testing

/// Two control planes on one store, both active.
@Suite(.serialized) struct ControlPlanesTests {
    @Test func `one is killed and workers go on with the other; without the store nothing wrong is said`() async throws
    {
        let cluster = try await Cluster.start(on: .mongodb)
        try await cluster.startControl(1)
        let first = try await cluster.startWorker("origin1", .origin)
        let second = try await cluster.startWorker("origin2", .origin)
        let edge = try await cluster.startWorker("edge1", .edge)
        let publisher = try cluster.publish("live/s1", to: first)
        try await cluster.waitForOrigin(of: "live/s1", "origin1")
        let viewer = try cluster.view(edge.media("live/s1", ".flv"))
        try await viewer.waitForMore()

        cluster.killControl()
        let again = try cluster.publish("live/s2", to: second)
        let url = cluster.controlURL(1) + "/v1/streams/live/s2"
        try await eventually("the other control plane grants the claim\n\(cluster.logs)") {
            let stream: StreamResource = try http(url, bearer: Cluster.adminToken).json()
            return stream.originNodeId == "origin2" && stream.status == .broadcasting
        }
        try await cluster.waitUntilPlayable(edge.media("live/s2", ".flv"))
        let kept: StreamResource = try http(
            cluster.controlURL(1) + "/v1/streams/live/s1",
            bearer: Cluster.adminToken
        ).json()
        #expect(kept.originNodeId == "origin1" && kept.status == .broadcasting)
        try await viewer.waitForMore()

        let node: NodeResource = try http(
            cluster.controlURL(1) + "/v1/nodes/origin2",
            bearer: Cluster.adminToken
        ).json()
        cluster.killStore()
        try await eventually("calls are refused until the store is back\n\(cluster.logs)") {
            let answer = try http(url, bearer: Cluster.adminToken)
            return answer.status == 503 && answer.headers["retry-after"] != nil
        }
        try expectNoPromises(cluster.controlURL(1), to: node)
        try await viewer.waitForMore(200_000)
        #expect(publisher.isRunning && again.isRunning)
    }

    /// What would be a promise without the store: who owns a stream, where it comes from, what an app is set to.
    private func expectNoPromises(_ control: String, to node: NodeResource) throws {
        let claim = #"{"nodeId":"\#(node.nodeId)","bootId":"\#(node.bootId)","claimId":"c","protocol":"rtmp"}"#
        let calls = [
            ("POST", "/v1/streams/live/s3/claim", Cluster.nodeToken, claim),
            ("POST", "/v1/streams/live/s1/claim", Cluster.nodeToken, claim),
            (
                "POST", "/v1/streams/live/s1/route", Cluster.nodeToken,
                #"{"nodeId":"\#(node.nodeId)","bootId":"\#(node.bootId)"}"#
            ),
            ("PUT", "/v1/apps/live", Cluster.adminToken, #"{"mergeWindowMilliseconds":40}"#),
            ("DELETE", "/v1/nodes/\(node.nodeId)", Cluster.adminToken, "{}"),
        ]
        for (method, path, token, body) in calls {
            let answer = try http(control + path, method: method, bearer: token, body: body)
            #expect(answer.status == 503 && answer.headers["retry-after"] != nil, "\(method) \(path): \(answer.status)")
        }
    }
}
