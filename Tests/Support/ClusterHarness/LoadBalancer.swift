import Foundation

/// HAProxy with the project's configuration, and the program that fills it from the control plane's list.
package struct LoadBalancer: Sendable {
    package let publishPort: Int
    package let playPort: Int
    package let httpPort: Int
    package let httpsPort: Int
    package let statisticsPort: Int
    private let socketPath: String
    private let process: Child
    private let sync: Child

    package func rtmpPublish(_ stream: String) -> String { "rtmp://127.0.0.1:\(publishPort)/\(stream)" }
    package func rtmpPlay(_ stream: String) -> String { "rtmp://127.0.0.1:\(playPort)/\(stream)" }
    package func http(_ path: String) -> String { "http://127.0.0.1:\(httpPort)\(path)" }
    package func webSocket(_ path: String) -> String { "ws://127.0.0.1:\(httpPort)\(path)" }
    package func https(_ path: String) -> String { "https://127.0.0.1:\(httpsPort)\(path)" }

    /// A server as `show stat` tells it.
    package struct Server: Hashable, Sendable {
        package var status: String
        /// Sessions now and so far.
        package var sessions: Int
        package var sessionsTotal: Int
    }

    /// Servers of a backend by name.
    package func servers(of backend: String) throws -> [String: Server] {
        let script =
            "import socket,sys; s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.sendall(b'show stat\\n'); "
            + "d=b''\nwhile True:\n c=s.recv(65536)\n if not c: break\n d+=c\nsys.stdout.write(d.decode())"
        let text = try run(["python3", "-c", script, socketPath]).output
        var servers: [String: Server] = [:]
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            guard fields.count > 17, fields[0] == backend, fields[1] != "BACKEND" else { continue }
            servers[fields[1]] = Server(
                status: fields[17],
                sessions: Int(fields[4]) ?? 0,
                sessionsTotal: Int(fields[7]) ?? 0
            )
        }
        return servers
    }

    package func waitForServers(_ backend: String, _ names: [String]) async throws {
        try await eventually("\(backend) has \(names)\n\(lastLines)") {
            let servers = try servers(of: backend)
            return names.allSatisfy { servers[$0]?.status.hasPrefix("UP") == true }
        }
    }

    package var lastLines: String { process.lastLines + "\n" + sync.lastLines }

    fileprivate init(ports: [Int], socketPath: String, process: Child, sync: Child) {
        (publishPort, playPort, httpPort, httpsPort, statisticsPort) = (
            ports[0], ports[1], ports[2], ports[3], ports[4]
        )
        self.socketPath = socketPath
        self.process = process
        self.sync = sync
    }
}

extension Cluster {
    package func startLoadBalancer() async throws -> LoadBalancer {
        let ports = try freePorts(5)
        let socketPath = directory.appending(path: "haproxy.sock").path
        let certificate = try makeJoinedCertificate()
        let folder = SourceTree.root.appending(path: "ops/haproxy")
        let haproxy = try launch(
            "haproxy",
            "/usr/bin/env",
            ["haproxy", "-db", "-f", folder.appending(path: "haproxy.cfg").path],
            [
                "MILLRACE_LB_SOCKET": socketPath, "MILLRACE_LB_CERT": certificate,
                "MILLRACE_LB_RTMP_PUBLISH": "127.0.0.1:\(ports[0])", "MILLRACE_LB_RTMP_PLAY": "127.0.0.1:\(ports[1])",
                "MILLRACE_LB_HTTP": "127.0.0.1:\(ports[2])", "MILLRACE_LB_HTTPS": "127.0.0.1:\(ports[3])",
                "MILLRACE_LB_STATS": "127.0.0.1:\(ports[4])",
                "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/bin",
            ]
        )
        let sync = try launch(
            "sync",
            folder.appending(path: "sync").path,
            ["--control", controlURLs(seenFrom: nil), "--socket", socketPath, "--interval", "0.5"],
            ["MILLRACE_NODE_TOKEN": Self.nodeToken]
        )
        return LoadBalancer(ports: ports, socketPath: socketPath, process: haproxy, sync: sync)
    }

    /// Certificate and key in one file, as HAProxy wants them.
    private func makeJoinedCertificate() throws -> String {
        let files = try makeCertificate()
        let parts = try [files.certificate, files.key].map { try String(contentsOfFile: $0, encoding: .utf8) }
        let path = directory.appending(path: "haproxy.pem").path
        try parts.joined().write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }
}
