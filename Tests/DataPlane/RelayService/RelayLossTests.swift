import ClusterModel
import Logging
import MediaModel
import NIOCore
import NIOPosix
import Relay
import RelayService
import Renditions
import StreamFixtures
import Streams
import Synchronization
import Testing
import Timebase
import Worker

/// Parents that go silent or send what no parent may.
@Suite(.timeLimit(.minutes(2))) struct RelayLossTests {
    /// Short, so that the silence need not be waited for.
    private static let impatient = {
        var limits = RelayLimits()
        limits.parentSilenceMax = .milliseconds(200)
        limits.helloTimeout = .milliseconds(200)
        return limits
    }()

    /// Anybody may ask whether a node is there: who asks without end and never reads would fill its memory.
    @Test func `a peer that pings before its hello and does not read the answers is closed`() async throws {
        var limits = RelayLimits()
        limits.helloTimeout = .seconds(600)
        let parent = try await ParentNode(limits: limits)
        let peer = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.socketOption(.so_rcvbuf), value: 4096)
            .channelOption(.autoRead, value: false)
            .connect(host: "127.0.0.1", port: parent.port).get()
        let pings = ByteBuffer(bytes: repeatElement(RelayPing.frame, count: 10_000).joined())
        var hasFailed = false
        for _ in 0..<400 where !hasFailed {
            do { try await peer.writeAndFlush(pings) } catch { hasFailed = true }
        }
        #expect(hasFailed)
        try? await peer.close()
        try await parent.stop()
    }

    @Test func `a parent that goes silent is lost`() async throws {
        let parent = try await ScriptedParent([.accept(ScriptedParent.accept)])
        let child = try await ChildNode()
        let end = await RelayPuller(nodeID: "e1", limits: Self.impatient)
            .pull(child.stream, route: parent.route, ticket: "")
        #expect(end == .lost(RelayError.peerSilent.description))
        #expect(child.tap.entries.tracks == [[Media.video]])
        try await parent.stop()
    }

    @Test func `a parent that never answers is lost`() async throws {
        let parent = try await ScriptedParent([])
        let child = try await ChildNode()
        let end = await RelayPuller(nodeID: "e1", limits: Self.impatient)
            .pull(child.stream, route: parent.route, ticket: "")
        #expect(end == .lost(RelayError.helloTimeout.description))
        try await parent.stop()
    }

    @Test func `a parent that breaks the protocol is lost by that name`() async throws {
        let parent = try await ScriptedParent([.accept(ScriptedParent.accept), .bye])
        let child = try await ChildNode()
        let end = await RelayPuller(nodeID: "e1").pull(child.stream, route: parent.route, ticket: "")
        #expect(end == .lost(RelayError.unexpectedFrame(type: 4).description))
        try await parent.stop()
    }

    @Test func `a port where nobody listens is lost with its address`() async throws {
        let parent = try await ScriptedParent([])
        let route = parent.route
        try await parent.stop()
        let end = await RelayPuller(nodeID: "e1").pull(try await ChildNode().stream, route: route, ticket: "")
        guard case .lost(let reason) = end else {
            Issue.record("the pull ended so: \(end)")
            return
        }
        #expect(reason.contains("127.0.0.1:\(route.parent.relay)"))
    }

    @Test func `viewers of a stream whose parent goes silent are fed by the next parent`() async throws {
        let silent = try await ScriptedParent([.accept(ScriptedParent.accept)])
        let good = try await ParentNode()
        try await good.publish(Media.opening)
        let control = Routes([silent.route, good.route()])
        let coordinator = StreamCoordinator(
            identity: NodeIdentity(
                nodeID: "e1",
                bootID: "b1",
                role: .edge,
                relayKey: ParentNode.key,
                makeID: { "c" }
            ),
            registry: StreamRegistry(),
            control: control,
            puller: RelayPuller(nodeID: "e1", limits: Self.impatient),
            deriver: NoDeriver(),
            clock: Self.clock,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            group: MultiThreadedEventLoopGroup.singleton,
            makeCutter: { _, _ in KeyframeCutter() },
            servers: NoServers()
        )
        let request = PlayRequest(stream: good.id, protocol: .rtmp, remoteAddress: nil, token: nil)
        let stream = try await coordinator.play(request)
        let tap = Tap()
        try await stream.loop.submit { _ = stream.subscribe(tap) }.get()
        _ = await tap.entries { $0.contains(unit: "p1") }
        #expect(control.asked.prefix(2).map(\.failed) == [nil, ["silent"]])
        try await good.onLoop { [stream = good.stream] in stream.end(.unpublished) }
        let entries = await tap.entries { $0.last == .notice(.ended(.unpublished)) }
        #expect(entries.tracks.last == [Media.video, Media.audio])
        try await silent.stop()
        try await good.stop()
    }

    /// Back-offs take no time here; what is longer never comes.
    private static let clock = WorkerClock(
        now: { MonotonicInstant(nanoseconds: Int64(NIODeadline.now().uptimeNanoseconds)) },
        wall: { ParentNode.wall },
        sleep: { duration in
            if duration < .seconds(1) { return true }
            do {
                try await Task.sleep(for: .seconds(3600))
                return true
            } catch { return false }
        }
    )
}

/// Gives one route after the other; the last one again and again.
private final class Routes: ControlPlaneLink {
    private let state: Mutex<(left: [RouteAnswer], asked: [RouteRequest])>

    init(_ routes: [RouteAnswer]) { state = Mutex((routes, [])) }

    var asked: [RouteRequest] { state.withLock { $0.asked } }

    func claim(_ stream: StreamID, _ request: ClaimRequest) async throws(ControlPlaneError) -> ClaimGrant {
        throw .unavailable("not asked here")
    }

    func release(_ stream: StreamID, _ request: ReleaseRequest) async throws(ControlPlaneError) {}

    func assignPublish(_ stream: StreamID) async throws(ControlPlaneError) -> Assignment {
        throw .unavailable("not asked here")
    }

    func route(_ stream: StreamID, _ request: RouteRequest) async throws(ControlPlaneError) -> RouteAnswer {
        let route = state.withLock { state -> RouteAnswer? in
            state.asked.append(request)
            return state.left.count > 1 ? state.left.removeFirst() : state.left.first
        }
        guard let route else { throw .unavailable("no routes") }
        return route
    }
}

private struct NoServers: StreamServers {
    func opened(_ stream: LiveStream) {}
    func closed(_ stream: LiveStream) {}
}

/// Listens as a relay, answers the first bytes with what it was given, and then says nothing.
private struct ScriptedParent {
    static let accept = RelayAccept(
        epoch: Epoch(7),
        hops: ["silent"],
        state: .broadcasting,
        tracks: [Media.video]
    )

    private let channel: any Channel

    init(_ frames: [RelayFrame]) async throws {
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Script(frames))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
    }

    func stop() async throws { try await channel.close() }

    var route: RouteAnswer {
        RouteAnswer(
            epoch: 7,
            parent: .init(nodeId: "silent", host: "127.0.0.1", relay: channel.localAddress?.port ?? 0),
            tier: .origin,
            secondaryForGroup: false,
            ticket: "",
            revision: 1
        )
    }

    private final class Script: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private var frames: [RelayFrame]
        init(_ frames: [RelayFrame]) { self.frames = frames }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            for frame in frames { context.write(NIOAny(frame.encoded), promise: nil) }
            frames = []
            context.flush()
        }
    }
}

private struct NoDeriver: StreamDeriver {
    func derive(_ stream: LiveStream, _ derivation: StreamID.Derivation, of source: LiveStream) async -> DerivedEnd {
        .unknown
    }

    var figures: DeriverFigures { DeriverFigures() }
}
