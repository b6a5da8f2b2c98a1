import ClusterHarness
import ClusterModel

extension Cluster {
    /// An origin, to which `live/s1` is published, and an edge.
    static func publishing(
        settings: String? = nil,
        seconds: Int? = nil,
        size: String = "320x180"
    ) async throws -> (cluster: Cluster, origin: WorkerHandle, edge: WorkerHandle, publisher: Child) {
        let cluster = try await Cluster.start(on: .sqlite)
        if let settings { try cluster.set(settings, app: "live") }
        let origin = try await cluster.startWorker("origin1", .origin)
        let edge = try await cluster.startWorker("edge1", .edge)
        let publisher = try cluster.publish("live/s1", to: origin, seconds: seconds, size: size)
        try await cluster.waitForOrigin(of: "live/s1", "origin1")
        return (cluster, origin, edge, publisher)
    }
}
