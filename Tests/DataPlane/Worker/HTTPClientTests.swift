import HTTPClient
import Synchronization
import Testing

/// Longer than any test may last: a request that should end otherwise never ends by this.
private let never = Duration.seconds(600)

private func get(_ url: String, timeout: Duration = never) -> HTTPRequest { HTTPRequest(.get, url, timeout: timeout) }

@Suite(.timeLimit(.minutes(1)))
struct HTTPClientTests {
    @Test
    func `A request arrives with its method, headers and body, and its response comes back`() async throws {
        let server = try await ScriptedServer { _, reply in reply.send(status: 201, "made") }
        let client = HTTPClient()
        let request = HTTPRequest(
            .post,
            server.url + "/a?b=c",
            headers: [HTTPHeader("X-One", "1"), HTTPHeader("X-Empty", "")],
            body: Array("hello".utf8),
            timeout: never
        )
        let response = try await client.send(request)
        #expect(response.status == 201)
        #expect(response.head["content-type"] == "application/json")
        #expect(String(decoding: response.body, as: UTF8.self) == "made")
        let received = try #require(server.requests.first)
        #expect(received.method == "POST")
        #expect(received.target == "/a?b=c")
        #expect(received.headers["x-one"] == "1")
        #expect(received.headers["x-empty"] == "")
        #expect(received.headers["expect"] == nil)
        #expect(received.body == "hello")
    }

    @Test(arguments: [HTTPMethod.get, .put, .post, .delete])
    func `A request without body is complete`(_ method: HTTPMethod) async throws {
        let server = try await ScriptedServer { _, reply in reply.send("HTTP/1.1 204 None\r\n\r\n") }
        let response = try await HTTPClient().send(HTTPRequest(method, server.url, timeout: never))
        #expect(response.status == 204)
        #expect(server.requests.map(\.method) == [method.rawValue])
    }

    @Test
    func `Requests one after the other share a connection`() async throws {
        let server = try await ScriptedServer { _, reply in reply.send(status: 200, "{}") }
        let client = HTTPClient()
        for _ in 0..<5 { _ = try await client.send(get(server.url)) }
        #expect(server.requests.map(\.connection) == [0, 0, 0, 0, 0])
    }

    @Test
    func `Concurrent requests run side by side and their connections are used again`() async throws {
        let width = 4
        let waiting = Mutex<[Responder]>([])
        // Nobody is answered before all are there.
        let server = try await ScriptedServer { _, reply in
            let all: [Responder] = waiting.withLock { waiting in
                waiting.append(reply)
                guard waiting.count == width else { return [] }
                defer { waiting = [] }
                return waiting
            }
            for reply in all { reply.send(status: 200, "{}") }
        }
        let (client, url) = (HTTPClient(), server.url)
        for _ in 0..<2 {
            try await withThrowingTaskGroup { group in
                for _ in 0..<width { group.addTask { _ = try await client.send(get(url)) } }
                try await group.waitForAll()
            }
        }
        #expect(server.requests.count == 2 * width)
        #expect(Set(server.requests.map(\.connection)) == Set(0..<width))
    }

    @Test
    func `Redirects are handed back, not followed`() async throws {
        let server = try await ScriptedServer { _, reply in
            reply.send("HTTP/1.1 307 Elsewhere\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n")
        }
        let response = try await HTTPClient().send(get(server.url))
        #expect(response.status == 307)
        #expect(response.head["Location"] == "/other")
        #expect(server.requests.count == 1)
    }

    @Test
    func `An interim response is passed over`() async throws {
        let server = try await ScriptedServer { _, reply in
            reply.send("HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n")
            reply.send(status: 200, "{}")
        }
        let response = try await HTTPClient().send(get(server.url))
        #expect(response.status == 200)
        #expect(response.head["X-Early"] == nil)
    }

    @Test
    func `A body cut short is an error`() async throws {
        let server = try await ScriptedServer { _, reply in
            reply.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")
            reply.close()
        }
        let error = await #expect(throws: HTTPClientError.self) { try await HTTPClient().send(get(server.url)) }
        guard case .connectionLost = error else { Issue.record("got \(String(describing: error))"); return }
    }

    @Test(arguments: ["Content-Length: 1001\r\n", ""])
    func `A body over the limit is an error`(_ length: String) async throws {
        let server = try await ScriptedServer { _, reply in
            reply.send("HTTP/1.1 200 OK\r\n\(length)\r\n" + String(repeating: "x", count: 1001))
        }
        var limits = HTTPClientLimits()
        limits.responseBodyBytesMax = 1000
        let client = HTTPClient(limits: limits)
        await #expect(throws: HTTPClientError.responseTooLarge(bytesMax: 1000)) {
            try await client.send(get(server.url))
        }
        #expect(await server.nextClosedConnection() == 0)
    }

    @Test
    func `A head over the limit is an error`() async throws {
        let server = try await ScriptedServer { _, reply in
            reply.send("HTTP/1.1 200 OK\r\n" + String(repeating: "X-Filler: 0123456789\r\n", count: 50))
        }
        var limits = HTTPClientLimits()
        limits.responseHeadBytesMax = 1000
        let client = HTTPClient(limits: limits)
        await #expect(throws: HTTPClientError.responseTooLarge(bytesMax: 1000)) {
            try await client.send(get(server.url))
        }
    }

    @Test
    func `A server that is not there is told from one that does not answer`() async throws {
        let client = HTTPClient()
        let dead = ScriptedServer.deadURL
        let refused = await #expect(throws: HTTPClientError.self) { try await client.send(get(dead)) }
        guard case .cannotConnect = refused else { Issue.record("got \(String(describing: refused))"); return }

        // The second request finds a connection already made.
        let mute = try await ScriptedServer { request, reply in
            if request.target == "/first" { reply.send(status: 200, "{}") }
        }
        _ = try await client.send(get(mute.url + "/first"))
        let time = Duration.milliseconds(50)
        await #expect(throws: HTTPClientError.timedOut(time)) { try await client.send(get(mute.url, timeout: time)) }
        #expect(mute.requests.map(\.connection) == [0, 0])
    }

    @Test
    func `Cancelling the task ends the request and its connection`() async throws {
        let server = try await ScriptedServer { _, _ in }
        let (client, url) = (HTTPClient(), server.url)
        let task = Task { () async -> HTTPClientError? in
            do throws(HTTPClientError) { _ = try await client.send(get(url)) } catch { return error }
            return nil
        }
        _ = await server.nextRequest()
        task.cancel()
        #expect(await task.value == .cancelled)
        #expect(await server.nextClosedConnection() == 0)
    }

    @Test
    func `A task cancelled before it asks gets no answer`() async throws {
        let server = try await ScriptedServer { _, _ in }
        let (client, url) = (HTTPClient(), server.url)
        let task = Task { () async -> HTTPClientError? in
            while !Task.isCancelled { await Task.yield() }
            do throws(HTTPClientError) { _ = try await client.send(get(url)) } catch { return error }
            return nil
        }
        task.cancel()
        #expect(await task.value == .cancelled)
    }

    @Test
    func `Shutting down ends what is under way and refuses what comes after`() async throws {
        let server = try await ScriptedServer { _, _ in }
        let (client, url) = (HTTPClient(), server.url)
        let task = Task { () async -> HTTPClientError? in
            do throws(HTTPClientError) { _ = try await client.send(get(url)) } catch { return error }
            return nil
        }
        _ = await server.nextRequest()
        client.shutdown()
        #expect(await task.value == .closed)
        await #expect(throws: HTTPClientError.closed) { try await client.send(get(url)) }
    }

    @Test
    func `Requests over the limit are refused at once`() async throws {
        let server = try await ScriptedServer { _, _ in }
        var limits = HTTPClientLimits()
        limits.requestsMax = 1
        let (client, url) = (HTTPClient(limits: limits), server.url)
        let first = Task { try await client.send(get(url)) }
        _ = await server.nextRequest()
        await #expect(throws: HTTPClientError.tooManyRequests(requestsMax: 1)) { try await client.send(get(url)) }
        first.cancel()
        _ = await first.result
    }

    @Test
    func `A stream is handed on as it arrives`() async throws {
        let replies = Mutex<Responder?>(nil)
        let server = try await ScriptedServer { _, reply in
            replies.withLock { $0 = reply }
            reply.beginEvents()
            reply.send("one")
        }
        let (client, url) = (HTTPClient(), server.url)
        let (pieces, feed) = AsyncStream.makeStream(of: String.self)
        let task = Task {
            try await client.stream(get(url)) {
                feed.yield("status \($0.status)")
            } onBytes: {
                feed.yield(String(decoding: $0, as: UTF8.self))
            }
            feed.finish()
        }
        var iterator = pieces.makeAsyncIterator()
        #expect(await iterator.next() == "status 200")
        #expect(await iterator.next() == "one")
        let reply = try #require(replies.withLock { $0 })
        reply.send("two")
        #expect(await iterator.next() == "two")
        reply.close()
        #expect(await iterator.next() == nil)
        try await task.value
    }

    @Test
    func `A stream that falls silent is ended`() async throws {
        let server = try await ScriptedServer { _, reply in reply.beginEvents() }
        let silence = Duration.milliseconds(50)
        await #expect(throws: HTTPClientError.timedOut(silence)) {
            try await HTTPClient().stream(get(server.url, timeout: silence), onHead: { _ in }, onBytes: { _ in })
        }
        #expect(await server.nextClosedConnection() == 0)
    }

    @Test
    func `A secret shows in no description and no error`() async throws {
        let secret = "Bearer s3cret"
        var request = HTTPRequest(
            .get,
            "http://127.0.0.1/path?token=s3cret",
            headers: [HTTPHeader("Authorization", secret)],
            timeout: never
        )
        var dumped = ""
        dump(request, to: &dumped)
        #expect(!"\(request) \(String(reflecting: request)) \(dumped)".contains("s3cret"))
        request.headers = [HTTPHeader("Authorization", secret + "\r\nX-Other: 1")]
        let error = await #expect(throws: HTTPClientError.self) { try await HTTPClient().send(request) }
        guard case .badRequest(let reason) = error else { Issue.record("got \(String(describing: error))"); return }
        #expect(!reason.contains("s3cret"))
    }

    @Test
    func `The CA file given is the one used: without it no server is trusted`() async throws {
        let server = try await ScriptedServer { _, _ in }
        let client = HTTPClient(caFile: "/nonexistent/ca.pem")
        let secure = server.url.replacing("http:", with: "https:")
        let error = await #expect(throws: HTTPClientError.self) { try await client.send(get(secure)) }
        guard case .untrusted(let reason) = error else { Issue.record("got \(String(describing: error))"); return }
        #expect(reason.contains("/nonexistent/ca.pem"))
    }

    @Test(arguments: ["ftp://127.0.0.1/", "file:///etc/hostname", "http://", ""])
    func `Only HTTP URLs are asked`(_ url: String) async throws {
        let error = await #expect(throws: HTTPClientError.self) { try await HTTPClient().send(get(url)) }
        guard case .badRequest = error else { Issue.record("got \(String(describing: error))"); return }
    }
}
