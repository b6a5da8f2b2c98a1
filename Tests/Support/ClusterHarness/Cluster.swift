package import ClusterModel
package import Foundation
import Synchronization

/// The database a cluster of a test stands on.
package enum StoreKind: String, CaseIterable, Sendable {
    case sqlite
    case mongodb
}

/// Where one worker of a test listens.
package struct WorkerPorts: Hashable, Sendable {
    package let http: Int
    package let rtmp: Int
    package let relay: Int
    /// UDP, and TCP on the same number.
    package let webrtc: Int
    /// 0 when it answers no agent check.
    package var agent = 0
    /// 0 when it serves no SRT.
    package var srt = 0
}

package struct WorkerHandle: Sendable {
    package let id: String
    package let role: NodeRole
    package let ports: WorkerPorts
    package let process: Child
    package var host = "127.0.0.1"

    package func rtmp(_ stream: String) -> String { "rtmp://\(host):\(ports.rtmp)/\(stream)" }

    /// Without `mode` in the plain form, which leaves it to the server to find out; `more` is further parameters of the URL.
    package func srt(_ stream: String, mode: String? = nil, more: String = "") -> String {
        let id = mode.map { "#!::r=\(stream),m=\($0)" } ?? stream
        return "srt://\(host):\(ports.srt)?streamid=\(id)\(more)"
    }

    /// `live/s1` with the ending `.flv`, `.m3u8`, …
    package func media(_ stream: String, _ ending: String) -> String {
        let parts = stream.split(separator: "/")
        return "http://\(host):\(ports.http)/\(parts[0])/streams/\(parts[1])\(ending)"
    }

    package func http(_ path: String) -> String { "http://\(host):\(ports.http)\(path)" }
    package func webSocket(_ path: String) -> String { "ws://\(host):\(ports.http)\(path)" }

    /// What the node says it has sent by one protocol.
    package func egressBytes(_ protocolName: String) throws -> Double {
        let metrics = String(decoding: try ClusterHarness.http(http("/metrics")).body, as: UTF8.self)
        let series = "millrace_egress_bytes_total{protocol=\"\(protocolName)\"} "
        let line = metrics.split(separator: "\n").first { $0.hasPrefix(series) }
        return line.flatMap { Double($0.dropFirst(series.count)) } ?? 0
    }
}

/// Real processes from the release folder, on free ports, in a folder of their own. All end with the value.
package final class Cluster: Sendable {
    package static let nodeToken = "node-token-of-the-tests"
    package static let adminToken = "admin-token-of-the-tests"

    package let directory: URL
    package let store: StoreKind
    /// Of the first control plane.
    package var controlURL: String { controlURL(0) }
    private let controlPorts: [Int]
    private let storePort: Int
    private let children = Mutex<[Child]>([])
    /// Where workers live that have a namespace of their own.
    package let network: Network?

    private init(store: StoreKind, network: Network?) throws {
        let ports = try freePorts(4)
        self.store = store
        self.network = network
        storePort = ports[0]
        controlPorts = Array(ports.dropFirst())
        directory = FileManager.default.temporaryDirectory.appending(path: "millrace-e2e-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    }

    deinit {
        for child in children.withLock({ $0.reversed() }) { child.kill() }
        try? FileManager.default.removeItem(at: directory)
    }

    /// Of the app `live`: its rungs, as JSON.
    package func setLadder(_ rungs: String) throws {
        let put = try http(
            controlURL + "/v1/apps/live",
            method: "PUT",
            bearer: Cluster.adminToken,
            body: #"{"encoderSettings":\#(rungs)}"#
        )
        guard (200...201).contains(put.status) else { throw NeverHappened(description: "\(put)") }
    }

    /// A store and a control plane that is ready.
    package static func start(on store: StoreKind, network: Network? = nil) async throws -> Cluster {
        let cluster = try Cluster(store: store, network: network)
        try await cluster.startStore()
        try await cluster.startControl()
        return cluster
    }

    /// Nil for the embedded store.
    @discardableResult
    package func startStore() async throws -> Child? {
        guard store == .mongodb else { return nil }
        let data = directory.appending(path: "mongodb").path
        let program = SourceTree.root.appending(path: "ops/mongodb-test-server").path
        let server = try launch("mongodb", program, ["run", "\(storePort)", data])
        try await eventually("the MongoDB test server answers; \(server.lastLines)", within: .seconds(90)) {
            try run(["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/\(self.storePort)"]).status == 0
        }
        return server
    }

    /// One of up to three on the same store, by number from 0; on another where `address` is given. Workers that start
    /// later know all that run.
    @discardableResult
    package func startControl(_ number: Int = 0, store address: String? = nil) async throws -> Child {
        let child = try launch(
            Self.controlName(number),
            SourceTree.program("millrace-control"),
            [
                "--listen", "\(network == nil ? "127.0.0.1" : "0.0.0.0"):\(controlPorts[number])", "--store",
                address ?? storeAddress,
            ],
            ["MILLRACE_NODE_TOKEN": Self.nodeToken, "MILLRACE_ADMIN_TOKEN": Self.adminToken]
        )
        try await ready(Self.controlName(number), controlURL(number) + "/readyz", child)
        return child
    }

    package func controlURL(_ number: Int) -> String { controlURL(number, seenFrom: nil) }

    private func controlURL(_ number: Int, seenFrom place: Network.Place?) -> String {
        "http://\(place?.gateway ?? "127.0.0.1"):\(controlPorts[number])"
    }

    private static func controlName(_ number: Int) -> String { "control plane \(number)" }

    func controlURLs(seenFrom place: Network.Place?) -> String {
        let names = children.withLock { Set($0.map(\.name)) }
        return controlPorts.indices.filter { names.contains(Self.controlName($0)) }
            .map { controlURL($0, seenFrom: place) }.joined(separator: ",")
    }

    package func killControl(_ number: Int = 0) { kill(Self.controlName(number)) }

    /// SIGTERM, and waits for the end; its exit status.
    package func stopControl(_ number: Int) -> Int32? {
        signalControl(number, SIGTERM)?.waitForEnd()
    }

    @discardableResult
    package func signalControl(_ number: Int, _ signal: Int32) -> Child? {
        let running = children.withLock { $0.last { $0.name == Self.controlName(number) && $0.isRunning } }
        running?.signal(signal)
        return running
    }

    package func killStore() { kill("mongodb") }

    private func kill(_ name: String) {
        for child in children.withLock({ $0 }) where child.name == name { child.kill() }
    }

    package var storeAddress: String {
        switch store {
        case .sqlite: "sqlite:" + directory.appending(path: "millrace.db").path
        case .mongodb:
            "mongodb://127.0.0.1:\(storePort)/millrace?replicaSet=secantus&retryWrites=false"
        }
    }

    /// A worker that is ready. One started again under its old id takes its old ports. It lives in the network's namespace
    /// of its name, if there is one.
    ///
    /// Without a control plane it never is ready: then only its port is waited for. `trusted` is a certificate (PEM) that it
    /// takes for the only authority of its system.
    package func startWorker(
        _ id: String,
        _ role: NodeRole,
        group: String? = nil,
        ports: WorkerPorts? = nil,
        isControlAway: Bool = false,
        discoversControl: Bool = false,
        knowingControl only: Int? = nil,
        answersAgentCheck: Bool = false,
        servesSRT: Bool = false,
        drainTimeout: String = "1s",
        trusted: String? = nil,
        arguments: [String] = []
    ) async throws -> WorkerHandle {
        let free = try freePorts(6)
        let agent = answersAgentCheck ? free[5] : 0
        let ports =
            ports
            ?? WorkerPorts(
                http: free[0],
                rtmp: free[1],
                relay: free[2],
                webrtc: free[3],
                agent: agent,
                srt: servesSRT ? free[4] : 0
            )
        let place = network?.places[id]
        let host = place?.address ?? "127.0.0.1"
        let entrance = (place?.entrance ?? []) + (trusted.map(Self.system(trusting:)) ?? [])
        let child = try launch(
            id,
            "/usr/bin/env",
            entrance + [SourceTree.program("millrace-worker")] + [
                "--node-id", id, "--role", role.rawValue, "--control",
                discoversControl ? "discover" : only.map(controlURL) ?? controlURLs(seenFrom: place),
                "--advertise", host,
                "--state-dir", directory.appending(path: id).path, "--http-port", "\(ports.http)",
                "--rtmp-port", "\(ports.rtmp)", "--relay-port", "\(ports.relay)", "--srt-port", "\(ports.srt)",
                "--webrtc-port", "\(ports.webrtc)", "--agent-port", "\(ports.agent)", "--drain-timeout", drainTimeout,
            ] + (group.map { ["--group", $0] } ?? []) + arguments,
            ["MILLRACE_NODE_TOKEN": Self.nodeToken]
        )
        try await ready(id, "http://\(host):\(ports.http)/\(isControlAway ? "livez" : "readyz")", child)
        return WorkerHandle(id: id, role: role, ports: ports, process: child, host: host)
    }

    /// The beginning of a command line that runs the rest where no other authority is known.
    private static func system(trusting certificate: String) -> [String] {
        let script = #"mount --bind "$0" /etc/ssl/certs/ca-certificates.crt && exec "$@""#
        return ["unshare", "-m", "bash", "-c", script, certificate]
    }

    /// A node that the control plane knows and nobody can reach.
    package func pretendNode(_ id: String, relayPort: Int) throws {
        let body = """
            {"bootId":"b","role":"origin","group":"default","version":"1",\
            "addresses":{"host":"127.0.0.1","relay":\(relayPort)}}
            """
        let answer = try http("\(controlURL)/v1/nodes/\(id)", method: "PUT", bearer: Self.nodeToken, body: body)
        guard answer.status == 200 else { throw NeverHappened(description: "\(id) was not registered: \(answer)") }
    }

    /// Publishes colour bars and a tone, a keyframe a second, until killed; with `seconds` it unpublishes by itself.
    package func publish(
        _ stream: String,
        to worker: WorkerHandle,
        seconds: Int? = nil,
        size: String = "320x180"
    ) throws -> Child {
        try publish(at: worker.rtmp(stream), seconds: seconds, size: size)
    }

    package func publish(at url: String, seconds: Int? = nil, size: String = "320x180") throws -> Child {
        let end = seconds.map { ["-t", "\($0)"] } ?? []
        let picture = ["-f", "lavfi", "-i", "testsrc2=size=\(size):rate=25"]
        let tone = ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000"]
        let video = [
            "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-pix_fmt", "yuv420p", "-g", "25",
        ]
        return try launch(
            "publisher",
            "/usr/bin/env",
            ["ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "warning", "-re"] + picture + tone + end + video
                + ["-c:a", "aac", "-f", url.hasPrefix("srt:") ? "mpegts" : "flv", url]
        )
    }

    /// Publishes what ffmpeg makes of `arguments`, in which spaces part words, as fast as it plays.
    package func publish(by arguments: String, at url: String) throws -> Child {
        try launch(
            "publisher",
            "/usr/bin/env",
            ["ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "warning", "-re"]
                + arguments.split(separator: " ").map(String.init)
                + ["-f", url.hasPrefix("srt:") ? "mpegts" : "flv", url]
        )
    }

    /// Sets up an app.
    package func set(_ settings: String, app: String) throws {
        let url = "\(controlURL)/v1/apps/\(app)"
        let answer = try http(url, method: "PUT", bearer: Self.adminToken, body: settings)
        guard answer.status < 300 else {
            throw NeverHappened(description: "\(url): \(String(decoding: answer.body, as: UTF8.self))")
        }
    }

    /// Records what a viewer gets, over one connection that is never made anew; it leaves after `patience` of silence.
    package func view(_ url: String, patience: Duration = .seconds(20)) throws -> Viewer {
        let path = directory.appending(path: "viewer-\(UUID().uuidString).flv").path
        let child = try launch(
            "viewer",
            "/usr/bin/env",
            [
                "ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "warning", "-rw_timeout",
                "\(patience / .microseconds(1))", "-i", url, "-c", "copy", "-flush_packets", "1", "-f", "flv", path,
            ]
        )
        return Viewer(process: child, path: path)
    }

    /// A self-signed certificate for 127.0.0.1 and its key, as PEM files.
    package func makeCertificate() throws -> (certificate: String, key: String) {
        let name = UUID().uuidString
        let certificate = directory.appending(path: "\(name).pem").path
        let key = directory.appending(path: "\(name).key").path
        let result = try run([
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
            "2",
            "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate,
        ])
        guard result.status == 0 else { throw NeverHappened(description: result.output) }
        return (certificate, key)
    }

    /// The stream as the control plane shows it.
    package func stream(_ stream: String) throws -> StreamResource {
        try http("\(controlURL)/v1/streams/\(stream)", bearer: Self.adminToken).json()
    }

    /// Waits until the nodes pull the stream as `tree` says: by node, its parent.
    package func waitForTree(of stream: String, _ tree: [String: String]) async throws {
        try await eventually("the relay tree is \(tree)\n\(logs)") {
            let links = try self.stream(stream).relayTree
            return Dictionary(links.map { ($0.nodeId, $0.from) }) { $1 } == tree
        }
    }

    package func waitForOrigin(of stream: String, _ nodeID: String) async throws {
        try await eventually("\(stream) is broadcast by \(nodeID)\n\(logs)") {
            let resource = try self.stream(stream)
            return resource.status == .broadcasting && resource.originNodeId == nodeID
        }
    }

    package func waitUntilPlayable(_ url: String) async throws {
        try await eventually("\(url) plays\n\(logs)") { try codecs(at: url).contains("h264") }
    }

    /// The last lines of every process, for the message of a failed test.
    package var logs: String { children.withLock { $0.map(\.lastLines).joined(separator: "\n") } }

    package func launch(
        _ name: String,
        _ program: String,
        _ arguments: [String],
        _ environment: [String: String] = [:]
    ) throws -> Child {
        let child = try Child(name, program, arguments, environment: environment, in: directory)
        children.withLock { $0.append(child) }
        return child
    }

    private func ready(_ what: String, _ url: String, _ child: Child) async throws {
        try await eventually("\(what) is ready\n\(child.lastLines)") {
            guard child.isRunning else { throw NeverHappened(description: child.lastLines) }
            return try http(url).status == 200
        }
    }
}

/// One player's connection.
package struct Viewer: Sendable {
    package let process: Child
    package let path: String

    package var bytes: Int {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        return attributes?[.size] as? Int ?? 0
    }

    /// Waits until more has come over the same connection.
    package func waitForMore(_ more: Int = 50_000, within limit: Duration = .seconds(30)) async throws {
        let before = bytes
        try await eventually("the viewer gets more than \(before) bytes; \(process.lastLines)", within: limit) {
            guard process.isRunning else { throw NeverHappened(description: process.lastLines) }
            return bytes >= before + more
        }
    }
}
