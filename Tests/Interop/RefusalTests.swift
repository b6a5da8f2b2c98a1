import ClusterHarness
import ClusterModel
import Testing

@Suite(.serialized) struct RefusalTests {
    @Test func `what does not exist is refused in every protocol`() async throws {
        let cluster = try await Cluster.start(on: .sqlite)
        let node = try await cluster.startWorker("node1", .hybrid)
        for ending in [".flv", ".m3u8"] {
            let answer = try http(node.media("live/nothing", ending))
            #expect(answer.status == 404, "\(ending)")
            #expect(answer.headers["content-type"]?.hasPrefix("application/problem+json") == true, "\(ending)")
        }
        let play = try run(["ffprobe", "-v", "verbose", "-rw_timeout", "8000000", node.rtmp("live/nothing")])
        #expect(play.status != 0)
        #expect(play.output.contains("Server error"), "\(play.output)")
        #expect(node.process.isRunning)
    }

    @Test func `a second publisher is refused and the first goes on`() async throws {
        let cluster = try await Cluster.start(on: .sqlite)
        let first = try await cluster.startWorker("origin1", .origin)
        let second = try await cluster.startWorker("origin2", .origin)
        let publisher = try cluster.publish("live/s1", to: first)
        try await cluster.waitForOrigin(of: "live/s1", "origin1")
        for worker in [first, second] {
            let intruder = try cluster.publish("live/s1", to: worker)
            try await eventually("\(worker.id) refuses it\n\(cluster.logs)") { !intruder.isRunning }
        }
        #expect(publisher.isRunning)
        #expect(try cluster.stream("live/s1").originNodeId == "origin1")
    }

    @Test func `an edge and a name out of bounds take no publisher`() async throws {
        let cluster = try await Cluster.start(on: .sqlite)
        let origin = try await cluster.startWorker("origin1", .origin)
        let edge = try await cluster.startWorker("edge1", .edge)
        for (worker, stream) in [(edge, "live/s1"), (origin, "v1/s1"), (origin, "live/s1_adaptive")] {
            let publisher = try cluster.publish(stream, to: worker)
            try await eventually("\(worker.id) refuses \(stream)\n\(cluster.logs)") { !publisher.isRunning }
        }
        let streams: Page<StreamResource> = try http(
            cluster.controlURL + "/v1/streams",
            bearer: Cluster.adminToken
        ).json()
        #expect(streams.items.isEmpty)
    }

    @Test func `the control plane answers only who has a token for it`() async throws {
        let cluster = try await Cluster.start(on: .sqlite)
        let nodes = cluster.controlURL + "/v1/nodes"
        #expect(try http(nodes).status == 401)
        #expect(try http(nodes, bearer: "wrong").status == 401)
        #expect(try http(nodes, bearer: Cluster.adminToken).status == 200)
        let app = cluster.controlURL + "/v1/apps/live"
        #expect(try http(app, method: "PUT", bearer: Cluster.nodeToken, body: "{}").status == 403)
        for open in ["/livez", "/readyz", "/metrics", "/openapi.json"] {
            #expect(try http(cluster.controlURL + open).status == 200, "\(open)")
        }
    }

    @Test func `bytes that are no protocol close their connection and nothing else`() async throws {
        let cluster = try await Cluster.start(on: .sqlite)
        let node = try await cluster.startWorker("node1", .hybrid)
        let publisher = try cluster.publish("live/s1", to: node)
        try await cluster.waitForOrigin(of: "live/s1", "node1")
        for port in [node.ports.http, node.ports.rtmp, node.ports.relay] {
            // Ends when the worker closes the connection; timeout(1) would make it 124.
            let script = "exec 3<>/dev/tcp/127.0.0.1/\(port); head -c 65536 /dev/urandom >&3; cat <&3 >/dev/null"
            #expect(try run(["bash", "-c", script], seconds: 40).status != 124, "port \(port)")
        }
        #expect(publisher.isRunning && node.process.isRunning)
        try await cluster.waitUntilPlayable(node.rtmp("live/s1"))
    }

    @Test(arguments: [
        ("millrace-worker", ["--rtmp-port", "70000"], "rtmp-port"),
        ("millrace-worker", ["--role", "relay"], "role"),
        ("millrace-worker", ["--tls-cert", "a.pem"], "tls-key"),
        ("millrace-control", ["--listen", "5070"], "listen"),
        ("millrace-control", ["--store", "postgres://x"], "store"),
        ("millrace-control", ["--liste", "x"], "--listen"),
    ])
    func `a wrong setting ends the start with one line and status 64`(
        program: String,
        arguments: [String],
        name: String
    ) throws {
        // Counters that another killed program left under this id would have libmongoc add a line before main.
        let result = try run(["env", "MONGOC_DISABLE_SHM=1", SourceTree.program(program)] + arguments)
        #expect(result.status == 64)
        #expect(result.output.contains(name))
        #expect(result.output.split(separator: "\n").count == 1, "\(result.output)")
    }
}
