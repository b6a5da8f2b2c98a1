import ClusterHarness
import ClusterModel
import Foundation
import Testing

/// RTMPS and HTTPS with a certificate of the test's own.
@Suite(.serialized) struct TLSTests {
    @Test func `with a certificate RTMPS takes a publisher, and RTMPS and HTTPS play`() async throws {
        let cluster = try await Cluster.start(on: .sqlite)
        let files = try cluster.makeCertificate()
        let ports = try freePorts(2)
        let node = try await cluster.startWorker(
            "node1",
            .hybrid,
            arguments: [
                "--tls-cert", files.certificate, "--tls-key", files.key, "--https-port", "\(ports[0])",
                "--rtmps-port", "\(ports[1])",
            ]
        )
        let (https, rtmps) = ("https://127.0.0.1:\(ports[0])", "rtmps://127.0.0.1:\(ports[1])")
        let publisher = try cluster.publish(at: rtmps + "/live/s1")
        try await cluster.waitForOrigin(of: "live/s1", "node1")
        for url in [rtmps + "/live/s1", https + "/live/streams/s1.flv", https + "/live/streams/s1.m3u8"] {
            try await cluster.waitUntilPlayable(url)
            #expect(try codecs(at: url) == ["aac", "h264"], "\(url)")
        }
        // Plain ports serve the same stream beside them.
        try await cluster.waitUntilPlayable(node.rtmp("live/s1"))
        let shown: NodeResource = try http(
            cluster.controlURL + "/v1/nodes/node1",
            bearer: Cluster.adminToken
        ).json()
        #expect(shown.addresses.https == ports[0] && shown.addresses.rtmps == ports[1])
        #expect(publisher.isRunning)
    }

    @Test func `bytes that are no TLS close their connection and nothing else`() async throws {
        let cluster = try await Cluster.start(on: .sqlite)
        let files = try cluster.makeCertificate()
        let ports = try freePorts(2)
        let node = try await cluster.startWorker(
            "node1",
            .hybrid,
            arguments: [
                "--tls-cert", files.certificate, "--tls-key", files.key, "--https-port", "\(ports[0])",
                "--rtmps-port", "\(ports[1])",
            ]
        )
        for port in ports {
            let script = "exec 3<>/dev/tcp/127.0.0.1/\(port); head -c 65536 /dev/urandom >&3; cat <&3 >/dev/null"
            #expect(try run(["bash", "-c", script], seconds: 20).status != 124, "port \(port)")
        }
        #expect(node.process.isRunning)
        #expect(try run(["curl", "-sk", "https://127.0.0.1:\(ports[0])/livez"]).output == "ok\n")
    }

    @Test func `a key that does not belong to the certificate ends the start with a line`() async throws {
        let cluster = try await Cluster.start(on: .sqlite)
        let (files, others) = (try cluster.makeCertificate(), try cluster.makeCertificate())
        let result = try run([
            "env", "MILLRACE_NODE_TOKEN=\(Cluster.nodeToken)", SourceTree.program("millrace-worker"), "--tls-cert",
            files.certificate, "--tls-key", others.key,
            "--http-port", "0", "--rtmp-port", "0", "--relay-port", "0", "--control", cluster.controlURL,
            "--state-dir", cluster.directory.appending(path: "state").path,
        ])
        #expect(result.status == 64, "\(result.output)")
        #expect(result.output.contains("--tls-cert"))
    }
}
