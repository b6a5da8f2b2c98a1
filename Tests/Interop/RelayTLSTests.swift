import ClusterHarness
import ClusterModel
import Foundation
import TestSupport
import Testing

/// Real nodes that relay over TLS.
@Suite(.serialized) struct RelayTLSTests {
    @Test func `a stream crosses a TLS relay to an edge that trusts the CA, and to no other`() async throws {
        let cluster = try await Cluster.start(on: .sqlite)
        func file(_ name: String, _ text: String) throws -> String {
            let url = cluster.directory.appending(path: name)
            try Data(text.utf8).write(to: url)
            return url.path
        }
        let shown = [
            "--tls-cert", try file("cert.pem", TestCertificates.node.chain),
            "--tls-key", try file("key.pem", TestCertificates.node.key),
            "--https-port", "0", "--rtmps-port", "0", "--relay-tls", "--relay-ca",
        ]
        let ca = try file("ca.pem", TestCertificates.ca)
        let otherCA = try file("other.pem", TestCertificates.otherCA)
        let origin = try await cluster.startWorker("origin1", .origin, arguments: shown + [ca])
        let edge = try await cluster.startWorker("edge1", .edge, arguments: shown + [ca])
        let stranger = try await cluster.startWorker("edge2", .edge, arguments: ["--relay-ca", otherCA])
        let publisher = try cluster.publish("live/s1", to: origin)
        try await cluster.waitForOrigin(of: "live/s1", "origin1")
        try await cluster.waitUntilPlayable(edge.rtmp("live/s1"))
        let refused = try run(["ffprobe", "-v", "error", "-rw_timeout", "8000000", stranger.rtmp("live/s1")])
        #expect(refused.status != 0)
        #expect(cluster.logs.contains("no TLS with the parent"), "\(cluster.logs)")
        #expect(publisher.isRunning)
    }
}
