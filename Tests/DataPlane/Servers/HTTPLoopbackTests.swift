import ClusterModel
import Foundation
import HTTPServer
import MediaModel
import NIOCore
import NIOPosix
import Observability
import Streams
import Synchronization
import Testing

/// The media HTTP server over real sockets: what it answers, what it refuses, and when it hangs up.
@Suite(.timeLimit(.minutes(2))) struct HTTPLoopbackTests {
    private static let answers: [(method: String, target: String, status: Int, kind: String?)] = [
        ("GET", "/livez", 200, nil),
        ("GET", "/readyz", 200, nil),
        ("GET", "/metrics", 200, nil),
        ("GET", "/nowhere", 404, "not-found"),
        ("GET", "/live/streams/s1.txt", 404, "not-found"),
        ("GET", "/live/streams/s1.flv", 404, "unknown-stream"),
        ("GET", "/live/streams/s1.m3u8", 404, "unknown-stream"),
        ("GET", "/live/streams/s1_adaptive.m3u8", 404, "unknown-stream"),
        ("GET", "/live/streams/s1_720p2500kbps.m3u8", 404, "unknown-stream"),
        ("GET", "/live/streams/s1/source-1-0.m4s", 404, "unknown-stream"),
        ("GET", "/live/streams/.hidden.flv", 400, "bad-name"),
        ("GET", "/metrics/streams/s1.flv", 400, "bad-name"),
        ("GET", "/live/streams/s%31.m3u8", 400, "bad-name"),
        ("POST", "/live/whip/.hidden", 400, "bad-name"),
        ("POST", "/metrics/whep/s1", 400, "bad-name"),
        ("DELETE", "/live/whep/s%31/n1.00", 400, "bad-name"),
        ("POST", "/live/streams/s1.m3u8", 405, "method-not-allowed"),
        ("DELETE", "/live/streams/s1.flv", 405, "method-not-allowed"),
        ("PUT", "/livez", 405, "method-not-allowed"),
    ]

    @Test func `Each path has the contract's status and problem, and lets pages of other origins read it`() async throws
    {
        let worker = try await TestWorker()
        for (method, target, status, kind) in Self.answers {
            let answer = try await worker.ask(method, target)
            #expect(answer.status == status, "\(method) \(target)")
            #expect(answer.headers["access-control-allow-origin"] == "*", "\(target)")
            #expect(answer.headers["access-control-expose-headers"] == "Location, ETag, Link, Retry-After", "\(target)")
            guard let kind else { continue }
            #expect(answer.headers["content-type"] == "application/problem+json", "\(target)")
            #expect(answer.body.contains("\"type\":\"urn:millrace:problem/\(kind)\""), "\(target): \(answer.body)")
            if status == 404 { #expect(answer.headers["cache-control"] == "max-age=1", "\(target)") }
            if status == 405 { #expect(answer.headers["allow"] == "GET, HEAD, OPTIONS", "\(target)") }
        }
        try await worker.stop()
    }

    @Test func `OPTIONS tells what a page of another origin may send`() async throws {
        let worker = try await TestWorker()
        let answer = try await worker.ask("OPTIONS", "/live/streams/s1.m3u8")
        #expect(answer.status == 204)
        #expect(answer.headers["access-control-allow-headers"] == "Authorization, Content-Type, If-Match")
        #expect(answer.headers["access-control-allow-origin"] == "*")
        #expect(answer.headers["content-length"] == nil)
        try await worker.stop()
    }

    @Test func `HEAD has the head of GET and no body`() async throws {
        let worker = try await TestWorker()
        for target in ["/livez", "/live/streams/s1.m3u8", "/nowhere"] {
            let get = try await worker.ask("GET", target)
            let head = try await worker.ask("HEAD", target)
            #expect(head.status == get.status, "\(target)")
            #expect(head.headers == get.headers, "\(target)")
            #expect(!get.body.isEmpty && head.body.isEmpty, "\(target)")
        }
        try await worker.stop()
    }

    @Test(arguments: [
        ("GET", "/"), ("GET", "/rest/v2/cluster/nodes/0/10"), ("POST", "/live/rest/v2/broadcasts/create?x=1"),
        ("DELETE", "/rest/v2/cluster/node/a"),
    ])
    func `REST and the dashboard are at the control plane`(method: String, target: String) async throws {
        let worker = try await TestWorker()
        let answer = try await worker.ask(method, target)
        #expect(answer.status == 307)
        #expect(answer.headers["location"] == "http://control.example:5070\(target)")
        try await worker.stop()
    }

    private static let refusals: [(Refusal, status: Int, kind: String?, header: String?)] = [
        (.notAnEdge, 403, "forbidden", nil),
        (.unauthorized("no token"), 401, "unauthorized", "www-authenticate"),
        (.forbidden("not from there"), 403, "forbidden", nil),
        (.overloaded("viewers"), 503, "overloaded", "retry-after"),
        (.draining, 503, "draining", "retry-after"),
        (.unavailable("no control plane"), 503, "unavailable", "retry-after"),
        (.notAnOrigin(origin: "http://o1:5080/x"), 307, nil, "location"),
        (.notAnOrigin(origin: nil), 503, "unavailable", "retry-after"),
    ]

    @Test func `Each refusal has the contract's status`() async throws {
        let worker = try await TestWorker()
        let id = try StreamID(app: "live", id: "s1")
        for (refusal, status, kind, header) in Self.refusals + [(.inUse(id, owner: "o2"), 409, "stream-in-use", nil)] {
            worker.gate.state.withLock { $0.refusal = refusal }
            for target in ["/live/streams/s1.flv", "/live/streams/s1.m3u8", "/live/streams/s1/source-1-0.m4s"] {
                let before = TestMetrics.value(MetricNames.connectionsRefused, "http", refusal.reason)
                let answer = try await worker.ask("GET", target)
                #expect(answer.status == status, "\(refusal) \(target)")
                if let kind { #expect(answer.body.contains("problem/\(kind)\""), "\(refusal) \(target)") }
                if let header { #expect(answer.headers[header] != nil, "\(refusal) \(target)") }
                #expect(TestMetrics.value(MetricNames.connectionsRefused, "http", refusal.reason) > before, "\(target)")
            }
            #expect(worker.logged("play refused", "reason=\(refusal.reason)"))
        }
        try await worker.stop()
    }

    @Test func `readyz tells why new sessions should go elsewhere`() async throws {
        let worker = try await TestWorker()
        worker.state.readiness.withLock { $0 = .notReady("draining") }
        let answer = try await worker.ask("GET", "/readyz")
        #expect(answer.status == 503)
        #expect(answer.body == "not ready: draining\n")
        worker.state.readiness.withLock { $0 = .readyBut("full for players: 9 of 9 viewers") }
        let open = try await worker.ask("GET", "/readyz")
        #expect(open.status == 200 && open.body == "ready, but full for players: 9 of 9 viewers\n")
        #expect(try await worker.ask("GET", "/livez").status == 200)
        try await worker.stop()
    }

    @Test func `A token is taken from the query, else from the header`() async throws {
        let worker = try await TestWorker()
        _ = try await worker.ask("GET", "/live/streams/s1.m3u8?x=1&token=q")
        let client = try await RawClient(port: worker.httpPort, on: worker.group)
        client.send(
            "GET /live/streams/s1.flv HTTP/1.1\r\nHost: a\r\nAuthorization: bEARER h\r\nConnection: close\r\n\r\n"
        )
        _ = try await client.textUntilClosed()
        #expect(worker.gate.state.withLock { $0.requests.map(\.token) } == ["q", "h"])
        try await worker.stop()
    }

    // MARK: Connections

    @Test func `Requests sent at once are answered in their order on one connection`() async throws {
        let worker = try await TestWorker()
        let client = try await RawClient(port: worker.httpPort, on: worker.group)
        client.send(
            "GET /livez HTTP/1.1\r\nHost: a\r\n\r\nGET /live/streams/s1.m3u8 HTTP/1.1\r\nHost: a\r\n\r\n"
                + "HEAD /readyz HTTP/1.1\r\nHost: a\r\n\r\nGET /readyz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        )
        let text = try await client.textUntilClosed()
        let statuses = text.split(separator: "HTTP/1.1 ").map { $0.prefix(3) }
        #expect(statuses == ["200", "404", "200", "200"])
        #expect(text.hasSuffix("\r\n\r\nready\n"))
        try await worker.stop()
    }

    private static let broken: [(reason: String, request: String)] = [
        ("malformed_request", "\u{16}\u{3}\u{1}\u{2}\r\n\r\n"),
        ("malformed_request", "GET /livez\r\n\r\n"),
        ("malformed_request", "GET /livez HTTP/1.1\r\nno colon here\r\n\r\n"),
        ("malformed_request", "GET /livez HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n"),
        ("malformed_request", "POST /rest HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"),
        ("headers_too_large", "GET /" + String(repeating: "a", count: 20_000) + " HTTP/1.1\r\n\r\n"),
        ("headers_too_large", "GET / HTTP/1.1\r\nX: " + String(repeating: "a", count: 20_000) + "\r\n\r\n"),
        ("headers_too_large", "GET / HTTP/1.1\r\n" + String(repeating: "A: b\r\n", count: 200) + "\r\n"),
    ]

    @Test func `A request that is none, or too large, closes its connection with a named reason`() async throws {
        let worker = try await TestWorker()
        let other = try await RawClient(port: worker.httpPort, on: worker.group)
        for (reason, request) in Self.broken {
            let before = TestMetrics.value(MetricNames.protocolErrors, "http", reason)
            let client = try await RawClient(port: worker.httpPort, on: worker.group)
            client.send(request)
            let text = try await client.textUntilClosed()
            #expect(text.hasPrefix("HTTP/1.1 400 "), "\(request.prefix(60)): \(text.prefix(60))")
            #expect(text.contains("content-type: application/problem+json"), "\(request.prefix(60))")
            #expect(text.contains(#""type":"urn:millrace:problem/bad-request""#), "\(request.prefix(60))")
            #expect(TestMetrics.value(MetricNames.protocolErrors, "http", reason) > before, "\(request.prefix(60))")
            #expect(worker.logged("connection closed", "reason=\(reason)"), "\(request.prefix(60))")
        }
        other.send("GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n")
        #expect(try await other.textUntilClosed().hasPrefix("HTTP/1.1 200 "))
        try await worker.stop()
    }

    @Test func `A body that no media request has is refused before it is all there`() async throws {
        let worker = try await TestWorker()
        let client = try await RawClient(port: worker.httpPort, on: worker.group)
        client.send("POST /live/rest/v2/x HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n")
        client.send([UInt8](repeating: 0x61, count: 100_000))
        #expect(try await client.textUntilClosed().hasPrefix("HTTP/1.1 413 "))
        try await worker.stop()
    }

    @Test func `A client that trickles its request is closed, however often it sends`() async throws {
        var options = TestWorker.Options()
        options.http.requestTimeout = .milliseconds(100)
        let worker = try await TestWorker(options)
        let client = try await RawClient(port: worker.httpPort, on: worker.group)
        client.send("GET /livez HTTP/1.1\r\n")
        try await eventually("it is closed") {
            client.send("A")
            return client.isClosed
        }
        #expect(worker.logged("connection closed", "reason=request_timeout"))
        #expect(TestMetrics.value(MetricNames.protocolErrors, "http", "request_timeout") > 0)
        try await worker.stop()
    }

    @Test func `A connection without a request is closed when it is idle, one that waits for its answer is not`()
        async throws
    {
        var options = TestWorker.Options()
        options.http.requestTimeout = .milliseconds(20)
        let worker = try await TestWorker(options)
        let id = try StreamID(app: "live", id: "s1")
        let stream = try await worker.gate.addStream(id, on: worker.group.next())
        let held = try await RawClient(port: worker.httpPort, on: worker.group)
        held.send("GET /live/streams/s1.m3u8 HTTP/1.1\r\nConnection: close\r\n\r\n")
        options.http.idleTimeout = .milliseconds(20)
        let quick = try await TestWorker(options)
        let idle = try await RawClient(port: quick.httpPort, on: quick.group)
        #expect(try await idle.textUntilClosed() == "")
        #expect(!held.isClosed)
        stream.loop.execute { worker.gate.end(stream, .removed) }
        #expect(try await held.textUntilClosed().hasPrefix("HTTP/1.1 503 "))
        try await quick.stop()
        try await worker.stop()
    }

    @Test func `Who asks and never reads gets no more answers than its socket holds, and is closed`() async throws {
        var options = TestWorker.Options()
        options.http.idleTimeout = .milliseconds(200)
        let worker = try await TestWorker(options)
        let before = TestMetrics.value(MetricNames.httpRequests, "metrics", "2xx")
        let client = try await RawClient(port: worker.httpPort, on: worker.group)
        await client.stopReading()
        let count = 20_000
        client.send(String(repeating: "GET /metrics HTTP/1.1\r\n\r\n", count: count))
        try await eventually("it is closed") { worker.logged("connection closed on an error", "IdleTimeout") }
        let answered = TestMetrics.value(MetricNames.httpRequests, "metrics", "2xx") - before
        #expect(answered < 1000)
        try await worker.stop()
    }
}
