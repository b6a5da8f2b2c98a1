import ClusterModel
import Logging
import Synchronization
import Testing
import Worker

enum Samples {
    static let registration = NodeRegistration(
        bootId: "b1",
        role: .edge,
        group: "default",
        version: "1",
        addresses: NodeAddresses(host: "127.0.0.1")
    )
    static let registered =
        #"{"nodeId":"n1","group":"default","state":"alive","leaseSeconds":20,"heartbeatSeconds":5,"revision":7,"apps":{}}"#
    static let claim = ClaimRequest(nodeId: "n1", bootId: "b1", claimId: "c1", protocol: "rtmp")
    static let grant =
        #"{"app":"live","id":"s1","nodeId":"n1","epoch":42,"leaseSeconds":20,"resume":null,"appSettings":{}}"#
    static let alive = #"{"state":"alive","lost":[],"directives":[],"revision":8}"#

    static func problem(_ kind: Problem.Kind, _ status: Int, owner: String? = nil) -> String {
        let owner = owner.map { #","owner":"\#($0)""# } ?? ""
        return
            #"{"type":"\#(Problem.typePrefix + kind.rawValue)","title":"T","status":\#(status),"detail":"why"\#(owner)}"#
    }

    static func stream() throws -> StreamID { try StreamID(app: "live", id: "s1") }
}

func makeClient(_ urls: [String], _ change: (inout ControlPlaneClientLimits) -> Void = { _ in }) -> ControlPlaneClient {
    var limits = ControlPlaneClientLimits()
    limits.roundBackoffMax = .milliseconds(1)
    limits.watchBackoffFirst = .milliseconds(1)
    limits.watchBackoffMax = .milliseconds(1)
    change(&limits)
    return ControlPlaneClient(
        urls: ControlPlaneURLs(urls),
        nodeToken: "s3cret",
        logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
        limits: limits
    )
}

@Suite(.timeLimit(.minutes(1)))
struct ControlPlaneClientTests {
    @Test
    func `A registration is sent as JSON with the node token`() async throws {
        let server = try await ScriptedServer { _, reply in reply.send(status: 200, Samples.registered) }
        let answer = try await makeClient([server.url + "/"]).register("n1", Samples.registration)
        #expect(answer.leaseSeconds == 20)
        #expect(answer.revision == 7)
        let request = try #require(server.requests.first)
        #expect(request.method == "PUT")
        #expect(request.target == "/v1/nodes/n1")
        #expect(request.headers["authorization"] == "Bearer s3cret")
        #expect(request.headers["content-type"] == "application/json")
        #expect(request.body.contains(#""bootId":"b1""#))
    }

    @Test
    func `Leaving is a DELETE without body`() async throws {
        let server = try await ScriptedServer { _, reply in reply.send("HTTP/1.1 204 None\r\n\r\n") }
        try await makeClient([server.url]).leave("n1")
        #expect(server.requests.map { "\($0.method) \($0.target) \($0.body)" } == ["DELETE /v1/nodes/n1 "])
    }

    @Test
    func `The second URL answers when nobody listens at the first, and is asked first from then on`() async throws {
        let server = try await ScriptedServer { _, reply in reply.send(status: 200, Samples.registered) }
        let dead = ScriptedServer.deadURL
        let client = makeClient([dead, server.url])
        #expect(client.currentURL == dead)
        _ = try await client.register("n1", Samples.registration)
        #expect(client.currentURL == server.url)
    }

    @Test
    func `A URL that answers with a server error is left for the next and not asked again`() async throws {
        let failing = try await ScriptedServer { _, reply in
            reply.send(status: 503, Samples.problem(.storeUnavailable, 503))
        }
        let working = try await ScriptedServer { _, reply in reply.send(status: 200, Samples.registered) }
        let client = makeClient([failing.url, working.url])
        for _ in 0..<3 { _ = try await client.register("n1", Samples.registration) }
        #expect(failing.requests.count == 1)
        #expect(working.requests.count == 3)
    }

    @Test(arguments: ["{\"nodeId\":", "", "[]"])
    func `An answer that makes no sense is no answer`(_ body: String) async throws {
        let confused = try await ScriptedServer { _, reply in reply.send(status: 200, body) }
        let working = try await ScriptedServer { _, reply in reply.send(status: 200, Samples.registered) }
        let answer = try await makeClient([confused.url, working.url]).register("n1", Samples.registration)
        #expect(answer.nodeId == "n1")
    }

    @Test
    func `An answer cut short is asked for at the next URL`() async throws {
        let cut = try await ScriptedServer { _, reply in
            reply.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + Samples.registered)
            reply.close()
        }
        let working = try await ScriptedServer { _, reply in reply.send(status: 200, Samples.registered) }
        _ = try await makeClient([cut.url, working.url]).register("n1", Samples.registration)
        #expect(cut.requests.count == 1)
        #expect(working.requests.count == 1)
    }

    @Test
    func `When no URL answers the last reason is told`() async throws {
        let failing = try await ScriptedServer { _, reply in
            reply.send(status: 503, Samples.problem(.storeUnavailable, 503))
        }
        let client = makeClient([ScriptedServer.deadURL, failing.url])
        await #expect(throws: ControlPlaneError.unavailable("it answered 503: why")) {
            try await client.register("n1", Samples.registration)
        }
        #expect(failing.requests.count == 1)
    }

    @Test
    func `A client without URLs says so`() async throws {
        let client = makeClient([])
        await #expect(throws: ControlPlaneError.unavailable("no URL of a control plane is set")) {
            try await client.leave("n1")
        }
        #expect(client.currentURL == "")
    }

    @Test
    func `A heartbeat of an older boot is superseded`() async throws {
        let server = try await ScriptedServer { _, reply in
            reply.send(status: 409, type: "application/problem+json", Samples.problem(.superseded, 409))
        }
        let client = makeClient([server.url, ScriptedServer.deadURL])
        await #expect(throws: ControlPlaneError.superseded) {
            try await client.heartbeat("n1", Heartbeat(bootId: "b1", load: NodeLoad()))
        }
    }

    @Test
    func `A stream in use names its owner and is not asked for again`() async throws {
        let server = try await ScriptedServer { _, reply in
            reply.send(status: 409, Samples.problem(.streamInUse, 409, owner: "n2"))
        }
        let other = try await ScriptedServer { _, reply in reply.send(status: 201, Samples.grant) }
        let client = makeClient([server.url, other.url])
        let error = await #expect(throws: ControlPlaneError.self) {
            try await client.claim(Samples.stream(), Samples.claim)
        }
        guard case .refused(let problem) = error else { Issue.record("got \(String(describing: error))"); return }
        #expect(problem.kind == .streamInUse)
        #expect(problem.owner == "n2")
        #expect(server.requests.count == 1)
        #expect(other.requests.isEmpty)
    }

    @Test
    func `A route to a stream nobody has is refused as unknown`() async throws {
        let server = try await ScriptedServer { _, reply in
            reply.send(status: 404, Samples.problem(.unknownStream, 404))
        }
        let client = makeClient([server.url])
        let error = await #expect(throws: ControlPlaneError.self) {
            try await client.route(Samples.stream(), RouteRequest(nodeId: "n1", bootId: "b1"))
        }
        guard case .refused(let problem) = error else { Issue.record("got \(String(describing: error))"); return }
        #expect(problem.kind == .unknownStream)
        #expect(server.requests.map(\.target) == ["/v1/streams/live/s1/route"])
    }

    @Test(arguments: [401, 404, 409, 418])
    func `Another web server's refusal is not taken for the control plane's`(_ status: Int) async throws {
        let server = try await ScriptedServer { _, reply in reply.send(status: status, type: "text/html", "<h1>No</h1>")
        }
        let client = makeClient([server.url])
        let error = await #expect(throws: ControlPlaneError.self) {
            try await client.route(Samples.stream(), RouteRequest(nodeId: "n1", bootId: "b1"))
        }
        guard case .unavailable(let reason) = error else { Issue.record("got \(String(describing: error))"); return }
        #expect(reason.contains("that is no Millrace control plane") && reason.contains("\(status)"))
    }

    @Test
    func `A claim whose answer was lost is repeated with the same id`() async throws {
        let isFirst = Atomic(true)
        let server = try await ScriptedServer { _, reply in
            if isFirst.exchange(false, ordering: .relaxed) {
                reply.close()
            } else {
                reply.send(status: 201, Samples.grant)
            }
        }
        let grant = try await makeClient([server.url]).claim(Samples.stream(), Samples.claim)
        #expect(grant.epoch == 42)
        #expect(server.requests.count == 2)
        #expect(server.requests.allSatisfy { $0.body.contains(#""claimId":"c1""#) })
    }

    @Test
    func `A heartbeat is answered while claims are held`() async throws {
        let held = Mutex<[Responder]>([])
        let server = try await ScriptedServer { request, reply in
            if request.target.hasSuffix("/heartbeat") {
                reply.send(status: 200, Samples.alive)
            } else {
                held.withLock { $0.append(reply) }
            }
        }
        let client = makeClient([server.url]) { $0.claimTimeout = .seconds(600) }
        // One more than a client opens connections: the last waits behind the others.
        let claims = (0..<33).map { _ in Task { try await client.claim(Samples.stream(), Samples.claim) } }
        for _ in 0..<32 { _ = await server.nextRequest() }
        let answer = try await client.heartbeat("n1", Heartbeat(bootId: "b1", load: NodeLoad()))
        #expect(answer.revision == 8)
        for claim in claims { claim.cancel() }
        for claim in claims { _ = await claim.result }
    }

    @Test
    func `A cancelled request is not tried at the next URL`() async throws {
        let mute = try await ScriptedServer { _, _ in }
        let other = try await ScriptedServer { _, reply in reply.send(status: 200, Samples.registered) }
        let client = makeClient([mute.url, other.url])
        let task = Task { try await client.register("n1", Samples.registration) }
        _ = await mute.nextRequest()
        task.cancel()
        await #expect(throws: ControlPlaneError.unavailable("the request was cancelled")) { try await task.value }
        #expect(other.requests.isEmpty)
        #expect(client.currentURL == mute.url)
    }

    @Test
    func `The token shows in no dump of the client`() {
        var dumped = ""
        dump(makeClient(["http://127.0.0.1:1"]), to: &dumped)
        #expect(!dumped.contains("s3cret"))
    }
}
