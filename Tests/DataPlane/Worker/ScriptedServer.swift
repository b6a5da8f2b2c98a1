import NIOCore
import NIOPosix
import Synchronization

/// A request as the server read it.
struct ReceivedRequest: Sendable {
    /// Counts the server's connections from 0.
    var connection: Int
    var method: String
    /// Path and query.
    var target: String
    /// Names in lower case.
    var headers: [String: String]
    var body: String
}

/// Answers one connection, now or later, with whatever bytes the test wants.
struct Responder: Sendable {
    fileprivate let channel: any Channel

    func send(_ text: String) { channel.writeAndFlush(ByteBuffer(string: text), promise: nil) }

    func close() { channel.close(promise: nil) }

    func send(status: Int, type: String = "application/json", _ body: String) {
        send(
            "HTTP/1.1 \(status) Scripted\r\nContent-Type: \(type)\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
        )
    }

    func beginEvents() { send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n") }
}

/// A server on a free port of the loopback that does what its script says, valid HTTP or not.
final class ScriptedServer: Sendable {
    typealias Script = @Sendable (ReceivedRequest, Responder) -> Void

    let port: Int
    private let seen: Recording

    init(_ script: @escaping Script) async throws {
        let seen = Recording()
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                let number = seen.connectionOpened()
                channel.closeFuture.whenComplete { _ in seen.connectionClosed(number) }
                return channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        RequestReader(connection: number) { request, channel in
                            seen.note(request)
                            script(request, Responder(channel: channel))
                        }
                    )
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        port = listener.localAddress?.port ?? 0
        self.seen = seen
    }

    var url: String { "http://127.0.0.1:\(port)" }

    var requests: [ReceivedRequest] { seen.requests }

    /// Waits for the next request not yet taken.
    func nextRequest() async -> ReceivedRequest? {
        var iterator = seen.requestStream.makeAsyncIterator()
        return await iterator.next()
    }

    /// Waits for the next connection to close.
    func nextClosedConnection() async -> Int? {
        var iterator = seen.closedStream.makeAsyncIterator()
        return await iterator.next()
    }

    /// A URL nobody listens at: port 1 is never handed out as a free one.
    static let deadURL = "http://127.0.0.1:1"
}

private final class Recording: Sendable {
    let requestStream: AsyncStream<ReceivedRequest>
    let closedStream: AsyncStream<Int>
    private let requestFeed: AsyncStream<ReceivedRequest>.Continuation
    private let closedFeed: AsyncStream<Int>.Continuation
    private let state = Mutex((requests: [ReceivedRequest](), connections: 0))

    init() {
        (requestStream, requestFeed) = AsyncStream.makeStream()
        (closedStream, closedFeed) = AsyncStream.makeStream()
    }

    var requests: [ReceivedRequest] { state.withLock { $0.requests } }

    func connectionOpened() -> Int {
        state.withLock { state in
            defer { state.connections += 1 }
            return state.connections
        }
    }

    func connectionClosed(_ number: Int) { closedFeed.yield(number) }

    func note(_ request: ReceivedRequest) {
        state.withLock { $0.requests.append(request) }
        requestFeed.yield(request)
    }
}

/// Cuts a connection's bytes into requests with `Content-Length` bodies.
private final class RequestReader: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let connection: Int
    private let take: @Sendable (ReceivedRequest, any Channel) -> Void
    private var text = ""

    init(connection: Int, take: @escaping @Sendable (ReceivedRequest, any Channel) -> Void) {
        self.connection = connection
        self.take = take
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        text += String(buffer: unwrapInboundIn(data))
        while let request = cutRequest() { take(request, context.channel) }
    }

    private func cutRequest() -> ReceivedRequest? {
        guard let end = text.firstRange(of: "\r\n\r\n") else { return nil }
        let lines = text[..<end.lowerBound].split(separator: "\r\n")
        let headers = lines.dropFirst().reduce(into: [String: String]()) { headers, line in
            let halves = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            headers[halves[0].lowercased()] = halves.count > 1 ? String(halves[1].drop { $0 == " " }) : ""
        }
        let rest = text[end.upperBound...]
        let length = headers["content-length"].flatMap(Int.init) ?? 0
        guard rest.utf8.count >= length else { return nil }
        let body = String(rest.prefix(length))
        text = String(rest.dropFirst(length))
        let words = lines[0].split(separator: " ")
        return ReceivedRequest(
            connection: connection,
            method: String(words[0]),
            target: String(words[1]),
            headers: headers,
            body: body
        )
    }
}
