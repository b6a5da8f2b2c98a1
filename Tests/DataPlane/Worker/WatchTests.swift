import ClusterModel
import Synchronization
import Testing
import Worker

/// What a watch told, in order.
private enum News: Hashable, Sendable {
    case connected
    case disconnected(ControlPlaneError)
    case event(Int64, WatchEvent)
}

/// A watch whose news can be awaited one by one.
private final class Watching: Sendable {
    private let news: AsyncStream<News>
    private let task: Task<Void, Never>

    init(_ client: ControlPlaneClient, since: Int64? = nil) {
        let (news, feed) = AsyncStream.makeStream(of: News.self)
        self.news = news
        task = Task {
            await client.watch(
                "n1",
                bootID: "b 1",
                since: since,
                onConnected: { feed.yield(.connected) },
                onDisconnected: { feed.yield(.disconnected($0)) }
            ) { revision, event in
                feed.yield(.event(revision, event))
            }
            feed.finish()
        }
    }

    func next() async -> News? {
        var iterator = news.makeAsyncIterator()
        return await iterator.next()
    }

    func cancel() { task.cancel() }
}

private func lost(_ epoch: Int64) -> WatchEvent { .lost(LostHold(app: "live", id: "s1", epoch: epoch, by: "n2")) }

private func lostText(id: Int64, epoch: Int64) -> String {
    "event: lost\nid: \(id)\ndata: {\"app\":\"live\",\"id\":\"s1\",\"epoch\":\(epoch),\"by\":\"n2\"}\n\n"
}

@Suite(.timeLimit(.minutes(1)))
struct WatchTests {
    @Test
    func `Events arrive in order with their revisions`() async throws {
        let server = try await ScriptedServer { _, reply in
            reply.beginEvents()
            reply.send("event: snapshot\nid: 5\ndata: {\"node\":null,\"apps\":{},\"streams\":[]}\n\n")
            reply.send(lostText(id: 6, epoch: 9) + "event: ping\nid: 7\ndata: {}\n\n")
        }
        let watch = Watching(makeClient([server.url]))
        #expect(await watch.next() == .connected)
        #expect(await watch.next() == .event(5, .snapshot(WatchSnapshot(node: nil, apps: [:], streams: []))))
        #expect(await watch.next() == .event(6, lost(9)))
        #expect(await watch.next() == .event(7, .ping(WatchEvent.Ping())))
        let request = try #require(server.requests.first)
        #expect(request.target == "/v1/watch?nodeId=n1&bootId=b%201")
        #expect(request.headers["authorization"] == "Bearer s3cret")
        #expect(request.headers["accept"] == "text/event-stream")
        watch.cancel()
        while await watch.next() != nil {}
    }

    @Test
    func `A connection that ends is resumed behind the last whole event`() async throws {
        let server = try await ScriptedServer { request, reply in
            reply.beginEvents()
            if request.connection == 0 {
                reply.send(lostText(id: 6, epoch: 9) + lostText(id: 7, epoch: 10).dropLast())
                reply.close()
            } else {
                reply.send(lostText(id: 7, epoch: 10))
            }
        }
        let watch = Watching(makeClient([server.url]), since: 5)
        #expect(await watch.next() == .connected)
        #expect(await watch.next() == .event(6, lost(9)))
        #expect(await watch.next() == .disconnected(.unavailable("it closed the watch connection")))
        #expect(await watch.next() == .connected)
        #expect(await watch.next() == .event(7, lost(10)))
        #expect(server.requests.map { $0.target.suffix(8) } == ["&since=5", "&since=6"])
        watch.cancel()
    }

    @Test
    func `An event nobody knows or can read is passed over, but its revision counts`() async throws {
        let server = try await ScriptedServer { request, reply in
            reply.beginEvents()
            if request.connection == 0 {
                reply.send("event: novelty\nid: 8\ndata: {}\n\nevent: lost\nid: 9\ndata: {\n\n")
                reply.close()
            }
        }
        let watch = Watching(makeClient([server.url]))
        #expect(await watch.next() == .connected)
        #expect(await watch.next() == .disconnected(.unavailable("it closed the watch connection")))
        #expect(await watch.next() == .connected)
        #expect(server.requests.last?.target.hasSuffix("&since=9") == true)
        watch.cancel()
    }

    @Test
    func `The watch moves to the next URL when one fails`() async throws {
        let failing = try await ScriptedServer { _, reply in reply.send(status: 503, "") }
        let working = try await ScriptedServer { _, reply in reply.beginEvents() }
        let client = makeClient([failing.url, working.url])
        let watch = Watching(client)
        guard case .disconnected(.unavailable) = await watch.next() else {
            Issue.record("the first URL worked"); return
        }
        #expect(await watch.next() == .connected)
        #expect(client.currentURL == working.url)
        watch.cancel()
    }

    @Test
    func `A watch of an older boot is told that it is superseded`() async throws {
        let server = try await ScriptedServer { _, reply in reply.send(status: 409, Samples.problem(.superseded, 409)) }
        let watch = Watching(makeClient([server.url]))
        #expect(await watch.next() == .disconnected(.superseded))
        watch.cancel()
    }

    @Test
    func `A silent connection is dead and made again`() async throws {
        let server = try await ScriptedServer { _, reply in reply.beginEvents() }
        let watch = Watching(makeClient([server.url]) { $0.watchSilenceMax = .milliseconds(50) })
        // A machine that is slow may be silent for as long before the answer's head, too.
        while await watch.next() != .connected {}
        guard case .disconnected(.unavailable(let reason)) = await watch.next() else {
            Issue.record("it lived on"); return
        }
        #expect(reason.contains("no answer within"))
        while await watch.next() != .connected {}
        watch.cancel()
    }

    @Test
    func `An event too large ends the connection`() async throws {
        let server = try await ScriptedServer { _, reply in
            reply.beginEvents()
            reply.send("data: " + String(repeating: "x", count: 100))
        }
        let watch = Watching(makeClient([server.url]) { $0.watchEventBytesMax = 50 })
        #expect(await watch.next() == .connected)
        #expect(await watch.next() == .disconnected(.unavailable("an event is larger than the 50 bytes allowed")))
        #expect(await server.nextClosedConnection() == 0)
        watch.cancel()
    }

    @Test
    func `Events that come faster than they are handled are asked for again, none is left out`() async throws {
        let last: Int64 = 40
        let server = try await ScriptedServer { request, reply in
            let since = request.target.split(separator: "since=").dropFirst().first.flatMap { Int64($0) } ?? 0
            reply.beginEvents()
            reply.send((since + 1...last).map { lostText(id: $0, epoch: $0) }.joined())
        }
        let watch = Watching(makeClient([server.url]) { $0.watchEventsAheadMax = 4 })
        var revisions: [Int64] = []
        while revisions.last != last, let news = await watch.next() {
            if case .event(let revision, _) = news { revisions.append(revision) }
        }
        #expect(revisions == Array(1...last))
        watch.cancel()
    }

    @Test
    func `Cancelling the watch closes its connection and returns`() async throws {
        let server = try await ScriptedServer { _, reply in reply.beginEvents() }
        let watch = Watching(makeClient([server.url]))
        #expect(await watch.next() == .connected)
        watch.cancel()
        #expect(await watch.next() == nil)
        #expect(await server.nextClosedConnection() == 0)
    }
}
