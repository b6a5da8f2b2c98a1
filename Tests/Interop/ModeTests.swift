import ClusterHarness
import ClusterModel
import Foundation
import Testing

/// `millrace mode`: from one store to the other and back, while workers go on.
@Suite(.serialized) struct ModeTests {
    @Test func `records move from MongoDB to an embedded store and back, and the stream never ends`() async throws {
        let cluster = try await Cluster.start(on: .mongodb)
        let origin = try await cluster.startWorker("origin1", .origin)
        let edge = try await cluster.startWorker("edge1", .edge)
        let publisher = try cluster.publish("live/s1", to: origin)
        try await cluster.waitForOrigin(of: "live/s1", "origin1")
        let epoch = try cluster.stream("live/s1").epoch
        let settings = #"{"mergeWindowMilliseconds":40}"#
        let app = cluster.controlURL + "/v1/apps/kept"
        #expect(try http(app, method: "PUT", bearer: Cluster.adminToken, body: settings).status == 201)
        let viewer = try cluster.view(edge.rtmp("live/s1"))
        try await viewer.waitForMore()

        let embedded = "sqlite:" + cluster.directory.appending(path: "moved.db").path
        #expect(cluster.stopControl(0) == 0)
        try await move(["standalone", embedded, "--from", cluster.storeAddress])
        try await cluster.startControl(0, store: embedded)
        try await expectAll(cluster, epoch, app)

        #expect(cluster.stopControl(0) == 0)
        try await move(["cluster", cluster.storeAddress, "--from", embedded, "--replace"])
        try await cluster.startControl(0)
        try await expectAll(cluster, epoch, app)
        try await viewer.waitForMore()
        #expect(publisher.isRunning && viewer.process.isRunning)
    }

    /// A store that others may use is left alone until no lease in it lives.
    private func move(_ arguments: [String]) async throws {
        try await eventually("millrace mode \(arguments) works", within: .seconds(60)) {
            let result = try run([SourceTree.program("millrace"), "mode"] + arguments)
            guard result.status == 0 else { throw NeverHappened(description: result.output) }
            return true
        }
    }

    private func expectAll(_ cluster: Cluster, _ epoch: Int64, _ app: String) async throws {
        try await cluster.waitForOrigin(of: "live/s1", "origin1")
        #expect(try cluster.stream("live/s1").epoch == epoch)
        let kept: AppSettings = try http(app, bearer: Cluster.adminToken).json()
        #expect(kept.mergeWindowMilliseconds == 40)
        let nodes: Page<NodeResource> = try http(cluster.controlURL + "/v1/nodes", bearer: Cluster.adminToken).json()
        #expect(nodes.items.map(\.nodeId).sorted() == ["edge1", "origin1"])
    }
}
