import ClusterModel
import ICE
import MediaModel
import NIOCore
import NIOPosix
import Observability
import SDP
import Streams
import Synchronization
import Testing
import Timebase
import WebRTC
import WebRTCServer

/// WHIP, WHEP and the port behind them over real sockets: who gets in, who is counted, and who is closed.
@Suite(.timeLimit(.minutes(2))) struct WebRTCLoopbackTests {
    private struct Session {
        var path: String
        var userFragment: String
        var password: String

        init(_ answer: RawAnswer) throws {
            try #require(answer.status == 201, "\(answer)")
            let transport = try #require(try SessionDescription(parsing: answer.body).media.first?.transport)
            path = try #require(answer.headers["location"])
            userFragment = try #require(transport.userFragment)
            password = try #require(transport.password)
        }

        /// A connectivity check.
        func datagram(isSigned: Bool) -> ByteBuffer {
            let check = StunMessage(
                .request,
                transactionID: StunTransactionID(high: 1, low: 2),
                attributes: [.username("\(userFragment):clnt"), .priority(1 << 24), .iceControlling(7), .useCandidate]
            )
            return check.encoded(signedWith: isSigned ? password : nil)
        }

        /// One behind its length, as TCP carries it.
        func check(isSigned: Bool) -> ByteBuffer {
            var framed = ByteBuffer()
            _ = framed.writeFramedDatagram(datagram(isSigned: isSigned))
            return framed
        }
    }

    private let id: StreamID

    init() throws { id = try StreamID(app: "live", id: "s1") }

    /// A worker with a stream of VP8 and Opus.
    private func start(
        on host: String = "127.0.0.1",
        _ change: (inout WebRTCLimits) -> Void = { _ in }
    ) async throws -> (worker: TestWorker, stream: LiveStream) {
        var options = TestWorker.Options()
        var limits = WebRTCLimits()
        change(&limits)
        options.webRTC = limits
        options.webRTCHost = host
        let worker = try await TestWorker(options)
        try #require(worker.webRTCPort > 0)
        let stream = try await worker.gate.addStream(id, on: worker.group.next())
        try await stream.loop.submit {
            let tracks = [
                Track(id: .video, codec: .vp8(width: 16, height: 16)),
                Track(id: .audio, codec: .opus(configuration: ByteBuffer(), channels: 2)),
            ]
            stream.ingest([.tracks(tracks)], at: WallTime(milliseconds: 0))
        }.get()
        return (worker, stream)
    }

    private static func offer(_ video: CodecFormat, _ direction: Direction = .receiveOnly) throws -> String {
        let transport = LocalTransport(
            userFragment: "clnt",
            password: "clientpasswordclientpw",
            fingerprints: [try #require(Fingerprint(.sha256, Array(0..<32)))],
            candidates: [],
            isICELite: false
        )
        let media = [("video", video), ("audio", .opus)].map { kind, format in
            MediaCapabilities(kind, direction, codecs: [CodecCapability(format)])
        }
        let origin = SessionDescription.Origin(sessionID: 1, sessionVersion: 1)
        return Offer(media, transport: transport, origin: origin).description.text
    }

    private func ask(
        _ worker: TestWorker,
        _ video: CodecFormat = .vp8,
        from address: String = "127.0.0.1"
    ) async throws -> RawAnswer {
        try await worker.ask("POST", "/live/whep/s1", Self.offer(video), type: "application/sdp", from: address)
    }

    private func play(at worker: TestWorker) async throws -> Session {
        try Session(await ask(worker))
    }

    // MARK: TCP

    @Test func `a TCP connection that only names a session is closed, and one that proved itself with it`() async throws
    {
        let (worker, _) = try await start { $0.firstCheckTimeout = .milliseconds(50) }
        let session = try await play(at: worker)
        // On a busy machine the time may be over before the check is there.
        var proven: RawClient?
        try await eventually("the check is answered") {
            let client = try await RawClient(port: worker.webRTCPort, on: worker.group)
            client.send(session.check(isSigned: true).readableBytesView)
            try await eventually("an answer, or the end") { client.received.readableBytes > 20 || client.isClosed }
            proven = client.isClosed ? nil : client
            return proven != nil
        }
        let peer = try #require(proven)
        var strangers: [RawClient] = []
        for _ in 0..<20 {
            let stranger = try await RawClient(port: worker.webRTCPort, on: worker.group)
            stranger.send(session.check(isSigned: false).readableBytesView)
            strangers.append(stranger)
        }
        try await eventually("strangers are closed") { strangers.allSatisfy(\.isClosed) }
        #expect(!peer.isClosed)
        #expect(try await worker.ask("DELETE", session.path).status == 200)
        try await eventually("the peer's connection ends with its session") { peer.isClosed }
        try await worker.stop()
    }

    @Test func `connections without a check have so many places and no more`() async throws {
        let (worker, _) = try await start { $0.unprovenConnectionsMax = 3 }
        let session = try await play(at: worker)
        var clients: [RawClient] = []
        for _ in 0..<3 { clients.append(try await RawClient(port: worker.webRTCPort, on: worker.group)) }
        for number in 1...4 {
            clients.append(try await RawClient(port: worker.webRTCPort, on: worker.group))
            try await eventually("one too many is closed") { clients.count(where: \.isClosed) == number }
        }
        // Who shows that it is a session's peer leaves its place to the next.
        let peer = try #require(clients.first { !$0.isClosed })
        peer.send(session.check(isSigned: true).readableBytesView)
        try await eventually("the check is answered") { peer.received.readableBytes > 20 }
        let next = try await RawClient(port: worker.webRTCPort, on: worker.group)
        next.send(session.check(isSigned: true).readableBytesView)
        try await eventually("the next is let in") { next.received.readableBytes > 20 }
        try await worker.stop()
    }

    // MARK: Addresses

    /// Where datagrams came from.
    private final class Senders: ChannelInboundHandler, Sendable {
        typealias InboundIn = AddressedEnvelope<ByteBuffer>

        private let seen = Mutex<[String]>([])
        var addresses: [String] { seen.withLock { $0 } }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let sender = unwrapInboundIn(data).remoteAddress.ipAddress ?? "?"
            seen.withLock { $0.append(sender) }
        }
    }

    struct Way: Sendable, CustomTestStringConvertible {
        var host: String
        var client: String
        var asked: String
        var testDescription: String { "\(asked), of a socket on \(host)" }
    }

    /// All of 127.0.0.0/8 is this host; to 127.0.0.1 the kernel answers from 127.0.0.1 by itself.
    static let ways = [
        Way(host: "0.0.0.0", client: "127.0.0.1", asked: "127.0.0.1"),
        Way(host: "0.0.0.0", client: "127.0.0.1", asked: "127.0.0.5"),
        Way(host: "::", client: "127.0.0.1", asked: "127.0.0.1"),
        Way(host: "::", client: "127.0.0.1", asked: "127.0.0.5"),
        Way(host: "::", client: "::1", asked: "::1"),
    ]

    @Test(arguments: ways) func `a check is answered from the address that was asked`(way: Way) async throws {
        let (worker, _) = try await start(on: way.host)
        let session = try await play(at: worker)
        let senders = Senders()
        let client = try await DatagramBootstrap(group: worker.group)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(senders) }
            }
            .bind(host: way.client, port: 0).get()
        let remote = try SocketAddress(ipAddress: way.asked, port: worker.webRTCPort)
        try await eventually("answers") {
            let check = AddressedEnvelope(remoteAddress: remote, data: session.datagram(isSigned: true))
            try await client.writeAndFlush(check).get()
            // The first is answered before the path is known, the others after.
            return senders.addresses.count >= 3
        }
        #expect(Set(senders.addresses) == [way.asked])
        try await client.close().get()
        try await worker.stop()
    }

    // MARK: Publishers

    @Test func `a publisher that falls silent is away soon`() async throws {
        let (worker, _) = try await start {
            $0.publisherSilenceMax = .milliseconds(50)
            $0.peer.ice.consentTimeout = .seconds(1000)
        }
        let answer = try await worker.ask("POST", "/live/whip/s2", Self.offer(.vp8, .sendOnly), type: "application/sdp")
        let session = try Session(answer)
        let peer = try await RawClient(port: worker.webRTCPort, on: worker.group)
        peer.send(session.check(isSigned: true).readableBytesView)
        try await eventually("it is interrupted") { worker.gate.ends == [.broken] }
        #expect(try await worker.ask("DELETE", session.path).status == 404)
        try await worker.stop()
    }

    // MARK: Players that do not come

    @Test func `a player is no viewer before it is there, and holds a place for a moment only`() async throws {
        let (worker, stream) = try await start { $0.placeHeld = .seconds(60) }
        let session = try await play(at: worker)
        #expect(stream.viewerCounts.webrtc == 0 && stream.expectedViewers == 1)
        #expect(try await worker.ask("DELETE", session.path).status == 200)
        try await eventually("its place is free") { stream.expectedViewers == 0 }
        #expect(stream.viewerCounts.webrtc == 0)
        try await worker.stop()

        let (other, its) = try await start { $0.placeHeld = .milliseconds(1) }
        let late = try await play(at: other)
        try await eventually("its place is free") { its.expectedViewers == 0 }
        #expect(try await other.ask("DELETE", late.path).status == 200)
        #expect(its.viewerCounts.webrtc == 0 && its.expectedViewers == 0)
        try await other.stop()
    }

    @Test func `one address has so many sessions that wait for their peers`() async throws {
        let (worker, _) = try await start { $0.halfOpenSessionsOfClientMax = 2 }
        let sessions = [try await play(at: worker), try await play(at: worker)]
        let refused = try await ask(worker)
        #expect(refused.status == 503 && refused.body.contains("of one address"), "\(refused)")
        #expect(try await worker.ask("DELETE", sessions[0].path).status == 200)
        try await eventually("there is a place") { try await ask(worker).status == 201 }
        try await worker.stop()
    }

    @Test func `when all places are taken the oldest of who has most gives way to who has fewer`() async throws {
        let (worker, stream) = try await start { $0.halfOpenSessionsMax = 3 }
        let crowd = [try await play(at: worker), try await play(at: worker), try await play(at: worker)]
        // One that has as many gets none.
        #expect(try await ask(worker).status == 503)
        #expect(try await ask(worker, from: "127.0.0.2").status == 201)
        try await eventually("the oldest is gone") { try await worker.ask("DELETE", crowd[0].path).status == 404 }
        #expect(try await worker.ask("DELETE", crowd[1].path).status == 200)
        #expect(try await worker.ask("DELETE", crowd[2].path).status == 200)
        #expect(stream.viewerCounts.webrtc == 0)
        // All places but one are free again, and no more.
        let later = [try await play(at: worker), try await play(at: worker)]
        #expect(later.count == 2)
        try await worker.stop()
    }

    @Test func `a flood from one address leaves places to others`() {
        var limits = WebRTCLimits()
        (limits.halfOpenSessionsMax, limits.halfOpenSessionsOfClientMax) = (5, 3)
        var sessions = HalfOpenSessions()
        func take(_ address: String?) -> Bool {
            sessions.take(for: HalfOpenSessions.Client(address), limits: limits) == nil
        }
        #expect((1...10).map { take("2001:db8::\($0)") }.count { $0 } == 3, "one network is one client")
        #expect(take("192.0.2.1") && take("::ffff:192.0.2.1") && !take("192.0.2.2"), "of five")
        sessions.giveBack(of: HalfOpenSessions.Client("2001:db8::9"))
        #expect(take("2001:db8:0:1::1") && !take("2001:db8::1"))
        for _ in 0..<2 { sessions.giveBack(of: HalfOpenSessions.Client("192.0.2.1")) }
        #expect(take("2001:db8::1") && take(nil) && !take(nil))
    }

    // MARK: Answers

    @Test func `a player that cannot take the picture is refused, with what to do`() async throws {
        let (worker, _) = try await start()
        let answer = try await ask(worker, .av1(profile: 0))
        #expect(answer.status == 422 && answer.body.contains("offer VP8"), "\(answer)")
        try await worker.stop()
    }

    @Test(arguments: [
        (Refusal.viewersFull("2 of 2 viewers"), "viewerLimitReached"), (.overloaded("cpu 90 %"), "highResourceUsage"),
    ])
    func `Ant Media's SDK hears of a refusal in its own words`(refusal: Refusal, definition: String) async throws {
        let (worker, _) = try await start()
        worker.gate.state.withLock { $0.refusal = refusal }
        let client = try await RawClient(port: worker.httpPort, on: worker.group)
        client.send(
            "GET /live/websocket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        try await eventually("the upgrade") { client.text.contains("101 Switching") }
        let words = #"{"command":"play","streamId":"s1"}"#
        // A text frame with a mask of zeros (RFC 6455 §5.2).
        client.send([0x81, 0x80 | UInt8(words.utf8.count), 0, 0, 0, 0] + Array(words.utf8))
        try await eventually("the refusal") { client.text.contains(definition) }
        try await worker.stop()
    }

    @Test func `an offer that is too long is refused, counted and logged like every other`() async throws {
        let (worker, _) = try await start()
        let offer = String(repeating: "a=x\r\n", count: 60_000)
        let answer = try await worker.ask("POST", "/live/whep/s1?token=t", offer, type: "application/sdp")
        #expect(answer.status == 413 && answer.body.contains("Offer fewer"), "\(answer)")
        #expect(TestMetrics.shared.render().contains(#"reason="too_long""#))
        #expect(worker.logged("session refused", "reason=too_long", "stream=live/s1"))
        try await worker.stop()
    }

    @Test func `a session is known under its own address only`() async throws {
        let (worker, _) = try await start()
        let session = try await play(at: worker)
        let (other, publisher) = (
            session.path.replacing("/whep/s1/", with: "/whep/s2/"), session.path.replacing("/whep/", with: "/whip/")
        )
        for path in [other, publisher] {
            #expect(try await worker.ask("DELETE", path).status == 404, "\(path)")
        }
        #expect(try await worker.ask("DELETE", session.path).status == 200)
        try await worker.stop()
    }
}
