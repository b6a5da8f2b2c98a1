import NIOCore
import NIOSSL
import Observability
import Synchronization
import TestSupport
import Testing

/// RTMPS and HTTPS with a peer that does not get TLS right.
@Suite(.timeLimit(.minutes(2))) struct TLSFailureTests {
    private func worker() async throws -> TestWorker {
        let chain = try NIOSSLCertificate.fromPEMBytes(Array(TestCertificates.node.chain.utf8))
        let key = try NIOSSLPrivateKey(bytes: Array(TestCertificates.node.key.utf8), format: .pem)
        var options = TestWorker.Options()
        options.tls = try NIOSSLContext(
            configuration: .makeServerConfiguration(
                certificateChain: chain.map { .certificate($0) },
                privateKey: .privateKey(key)
            )
        )
        return try await TestWorker(options)
    }

    @Test func `a handshake that fails closes its connection, named in log and metric`() async throws {
        let worker = try await worker()
        for (name, port) in [("rtmp", worker.rtmpPort), ("http", worker.httpPort)] {
            let before = TestMetrics.value(MetricNames.protocolErrors, name, "tls")
            let client = try await RawClient(port: port, on: worker.group)
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            try await eventually("\(name) closes") { client.isClosed }
            try await eventually("\(name) is counted") {
                TestMetrics.value(MetricNames.protocolErrors, name, "tls") > before
            }
        }
        #expect(worker.state.lines.withLock { $0.count { $0.contains("reason=tls") } } == 2)
        try await worker.stop()
    }

    /// Health checks of TCP open a connection and close it.
    @Test func `a connection closed before a handshake began is nobody's fault`() async throws {
        let worker = try await worker()
        for port in [worker.rtmpPort, worker.httpPort] {
            let client = try await RawClient(port: port, on: worker.group)
            client.close()
            try await eventually("it is closed") { client.isClosed }
        }
        try await eventually("both are noticed") {
            worker.state.lines.withLock { $0.count { $0.contains("connection closed on an error") } } == 2
        }
        #expect(worker.state.lines.withLock { $0.count { $0.contains("reason=tls") } } == 0)
        try await worker.stop()
    }
}
