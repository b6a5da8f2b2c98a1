import ClusterModel
import FanOut
import Logging
import MPEGTS
import MediaFixtures
import MediaModel
import NIOCore
import NIOPosix
import Observability
import SRT
import SRTServer
import Streams
import Synchronization
import Testing
import Timebase

/// A listener and callers in one process, real sockets between them.
@Suite(.timeLimit(.minutes(1)), .serialized) struct LoopbackTests {
    private let gate: HubGate
    private let server: SRTServer
    private let port: Int
    private let fixture = FixtureStream(seed: 11)
    /// What a busy machine may take to send a packet: later ones are given up.
    private static let latency = Duration.milliseconds(1000)

    init() throws {
        gate = try HubGate()
        var limits = SRTLimits()
        // Who sends is a publisher, however late it comes to it.
        limits.silenceMax = .seconds(30)
        limits.warmUpMax = .seconds(30)
        server = Self.makeServer(gate, limits)
        port = try Self.listen(server)
    }

    private static func makeServer(_ gate: HubGate, _ limits: SRTLimits) -> SRTServer {
        SRTServer(
            service: SRTService(
                gate: gate,
                screen: gate,
                outlets: SRTOutlets(meters: FanOutMeters(protocolName: "srt")),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
                group: MultiThreadedEventLoopGroup.singleton,
                takesPublishers: true,
                limits: limits
            )
        )
    }

    private static func listen(_ server: SRTServer) throws -> Int {
        try server.listen(
            host: "127.0.0.1",
            port: 0,
            latency: latency,
            passphrase: Redacted("a long passphrase"),
            sendThreads: 2
        )
    }

    private func call(
        _ streamID: String,
        at port: Int? = nil,
        passphrase: String = "a long passphrase",
        keyBytes: Int? = nil
    ) throws -> SRTSocket {
        try SRTCall(
            address: SocketAddress(ipAddress: "127.0.0.1", port: port ?? self.port),
            streamID: streamID,
            latency: Self.latency,
            passphrase: Redacted(passphrase),
            keyBytes: keyBytes
        ).connect()
    }

    private func send(_ units: [ByteBuffer], to socket: SRTSocket) throws {
        for unit in units {
            try unit.withUnsafeReadableBytes { bytes in
                for start in stride(from: 0, to: bytes.count, by: SRTSocket.payloadBytesMax) {
                    let end = min(start + SRTSocket.payloadBytesMax, bytes.count)
                    let outcome = socket.send(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
                    try #require(outcome == .done)
                }
            }
        }
    }

    private func muxed(_ units: [AccessUnit]) -> [ByteBuffer] {
        var muxer = TSMuxer()
        muxer.setTracks(fixture.tracks)
        return units.compactMap { muxer.packets(for: $0)?.bytes }
    }

    @Test(arguments: ["#!::r=live/s1,m=publish", "live/s1"])
    func `what a caller sends is in the stream and reaches the players of it`(streamID: String) async throws {
        let all = fixture.units(seconds: 2.5)
        let units = fixture.units(seconds: 2)
        let packets = muxed(all)
        let publisher = try call(streamID)
        try send(Array(packets[..<units.count]), to: publisher)
        let stream = try await gate.served()
        await gate.until { stream.receivedBytes == units.reduce(0) { $0 + $1.payload.readableBytes } }
        // The GOP that is there, and no more is sent: what comes is a start with its tables.
        let players = try (0..<3).map { _ in Player(try call("#!::r=live/s1,m=request")) }
        let pictures = units.filter { $0.track == .video }.map(\.payload)
        for player in players {
            await gate.until { player.payloads(.video).count >= 60 }
            #expect(player.payloads(.video) == pictures)
        }
        #expect(stream.viewerCounts.srt == 3)
        players[0].close()
        await gate.until { stream.viewerCounts.srt == 2 }
        // A goodbye ends the stream, and then its players have everything and are closed. After a long silence it would be
        // taken for a loss.
        let before = stream.receivedBytes
        try send(Array(packets[units.count...]), to: publisher)
        await gate.until { stream.receivedBytes > before }
        publisher.close()
        await gate.until { gate.ends == [true] }
        for player in players[1...] { await gate.until { player.isClosed } }
        await gate.until { stream.viewerCounts.srt == 0 }
        await server.close()
    }

    /// A receiver that does not know the round trip asks too seldom for what a burst has lost.
    @Test func `a player gets the pictures that are there once its acknowledgements were answered`() async throws {
        let units = fixture.units(seconds: 2)
        let publisher = try call("#!::r=live/s1,m=publish")
        try send(muxed(units), to: publisher)
        let stream = try await gate.served()
        await gate.until { stream.receivedBytes == units.reduce(0) { $0 + $1.payload.readableBytes } }
        let wire = try await Wire(to: port)
        let player = Player(try call("#!::r=live/s1,m=request", at: wire.port))
        await gate.until { wire.fullPacketsByAnswers.reduce(0, +) > 0 && wire.fullPacketsByAnswers.count > 5 }
        let sent = wire.fullPacketsByAnswers
        // Of acknowledgements in five steps libsrt answers three at least (`SRTWarmUp`): five where they come evenly.
        #expect(sent.prefix(3).allSatisfy { $0 == 0 }, "\(sent)")
        player.close()
        try await wire.close()
        await server.close()
    }

    @Test(arguments: [16, 24, 32]) func `a caller's key is as long as it was to be`(keyBytes: Int) async throws {
        let wire = try await Wire(to: port)
        let publisher = try call("#!::r=live/s1,m=publish", at: wire.port, keyBytes: keyBytes)
        #expect(wire.keyBytes == [keyBytes])
        publisher.close()
        try await wire.close()
        await server.close()
    }

    @Test func `a wrong passphrase, an unknown stream and a name in use are turned away`() async throws {
        #expect(throws: SRTCall.Failure.self) { try call("live/s1", passphrase: "another passphrase") }
        gate.refuse(publish: .inUse(gate.id, owner: nil), play: .unknownStream(gate.id))
        for (streamID, code) in [("#!::r=live/s1,m=request", 1404), ("#!::r=live/s1,m=publish", 1409), ("x", 1400)] {
            #expect {
                try call(streamID)
            } throws: { error in
                guard case .rejected(let rejection, _)? = error as? SRTCall.Failure else { return false }
                return Int(rejection.rawValue) == code
            }
        }
        await server.close()
    }

    @Test func `who sends something else than a transport stream is closed`() async throws {
        let publisher = try call("#!::r=live/s1,m=publish")
        try send([ByteBuffer(repeating: 0x20, count: 400_000)], to: publisher)
        await gate.until { gate.ends == [false] }
        await server.close()
    }

    @Test func `a publisher that stays and sends nothing has lost its stream`() async throws {
        var limits = server.service.limits
        limits.publisherSilenceMax = .seconds(2)
        let impatient = Self.makeServer(gate, limits)
        let publisher = try call("#!::r=live/s1,m=publish", at: try Self.listen(impatient))
        try send(muxed(fixture.units(seconds: 1)), to: publisher)
        _ = try await gate.served()
        await gate.until { gate.ends == [false] }
        publisher.close()
        await impatient.close()
        await server.close()
    }

    @Test func `a publisher that is to leave is closed before its next keyframe`() async throws {
        let units = fixture.units(seconds: 4)
        let keyframes = units.indices.filter { units[$0].track == .video && units[$0].isKeyframe }
        let second = try #require(keyframes.dropFirst().first)
        let packets = muxed(units)
        let publisher = try call("#!::r=live/s1,m=publish")
        try send(Array(packets[..<second]), to: publisher)
        let stream = try await gate.served()
        let player = Player(try call("#!::r=live/s1,m=request"))
        await gate.until { player.payloads(.video).count > 1 }
        gate.publication?.ask(.leaveAtKeyframe)
        // The loop has the request before what comes next.
        try await stream.loop.submit {}.get()
        try send(Array(packets[second...]), to: publisher)
        await gate.until { gate.ends == [false] }
        await gate.until { player.isClosed }
        let before = units[..<second].filter { $0.track == .video }.map(\.payload)
        #expect(player.payloads(.video) == before)
        await server.close()
    }

    @Test func `a port that is taken is an error`() async throws {
        let other = SRTServer(service: server.service)
        #expect(throws: IOError.self) {
            try other.listen(
                host: "127.0.0.1",
                port: port,
                latency: .milliseconds(20),
                passphrase: nil,
                sendThreads: 1
            )
        }
        await server.close()
    }
}

/// One stream on one loop, with nobody to ask.
private final class HubGate: StreamGate, StreamScreen {
    let id: StreamID
    private let loop = MultiThreadedEventLoopGroup.singleton.any()
    private let state = Mutex(State())

    private struct State {
        var stream: LiveStream?
        var publication: Publication?
        var ends: [Bool] = []
        var publishRefusal: Refusal?
        var playRefusal: Refusal?
    }

    /// Cuts a segment at each keyframe, which is all that a cache needs.
    private struct Cutter: StreamCutter {
        var next = ResumePoint.start

        mutating func mark(before item: StreamItem, at wall: WallTime) -> CutMark? {
            guard case .unit(let unit) = item, unit.isKeyframe, unit.track == .video else { return nil }
            defer { next.sequence += 1 }
            return CutMark(
                sequence: next.sequence,
                part: 0,
                discontinuity: 0,
                isDiscontinuous: false,
                mediaTime: unit.decodeTime,
                wallTime: wall,
                oldestSequence: next.sequence
            )
        }

        mutating func retainSegments(_ isOn: Bool) {}
    }

    init() throws { id = try StreamID(app: "live", id: "s1") }

    var publication: Publication? { state.withLock { $0.publication } }
    var ends: [Bool] { state.withLock { $0.ends } }

    func refuse(publish: Refusal?, play: Refusal?) {
        state.withLock { ($0.publishRefusal, $0.playRefusal) = (publish, play) }
    }

    func refusal(toPublish stream: StreamID) -> Refusal? { state.withLock { $0.publishRefusal } }
    func refusal(toPlay stream: StreamID) -> Refusal? { state.withLock { $0.playRefusal } }

    func publish(_ request: PublishRequest, on _: any EventLoop) async throws(Refusal) -> Publication {
        let stream = LiveStream(id: id, loop: loop)
        state.withLock { $0.stream = stream }
        loop.execute {
            stream.beginTenure(epoch: Epoch(1), resume: .start, settings: AppSettings(), cutter: Cutter())
        }
        let publication = Publication(
            stream: stream,
            epoch: Epoch(1),
            wallClock: { WallTime(milliseconds: 0) },
            onEnd: { publication, isClean in
                publication.stream.loop.execute { publication.stream.end(.unpublished) }
                self.state.withLock { $0.ends.append(isClean) }
            }
        )
        state.withLock { $0.publication = publication }
        return publication
    }

    func play(_ request: PlayRequest) async throws(Refusal) -> LiveStream {
        guard let stream = state.withLock({ $0.stream }) else { throw .unknownStream(id) }
        return stream
    }

    func relay(_ stream: StreamID, for child: String) async throws(Refusal) -> LiveStream { throw .draining }

    /// The stream once it has tracks.
    func served() async throws -> LiveStream {
        await until { self.state.withLock { $0.stream?.isServing ?? false } }
        return try #require(state.withLock { $0.stream })
    }

    /// Comes back when `condition` holds; the suite's time limit is the end of all waiting.
    func until(_ condition: @escaping @Sendable () -> Bool) async {
        while !condition(), !Task.isCancelled {
            try? await loop.scheduleTask(in: .milliseconds(5)) {}.futureResult.get()
        }
    }
}

/// What goes between one caller and the listener, looked at on its way.
private final class Wire: Sendable {
    private let near: any Channel
    private let far: any Channel
    private let watch = Watch()

    var port: Int { near.localAddress?.port ?? 0 }

    /// How many packets of more than stuffing the listener sent before its first answer to an acknowledgement, and after each.
    var fullPacketsByAnswers: [Int] { watch.counts.withLock(\.self) }

    /// Of the keys that the caller has sent.
    var keyBytes: Set<Int> { watch.keyBytes.withLock(\.self) }

    init(to port: Int) async throws {
        let bootstrap = DatagramBootstrap(group: MultiThreadedEventLoopGroup.singleton.any())
        let listener = try SocketAddress(ipAddress: "127.0.0.1", port: port)
        let caller = Mutex<SocketAddress?>(nil)
        let ways = Mutex<(near: any Channel, far: any Channel)?>(nil)
        near = try await Self.bind(bootstrap) { [watch] packet in
            watch.noteKey(in: packet.data)
            caller.withLock { $0 = packet.remoteAddress }
            let envelope = AddressedEnvelope(remoteAddress: listener, data: packet.data)
            ways.withLock(\.self)?.far.writeAndFlush(envelope, promise: nil)
        }
        far = try await Self.bind(bootstrap) { [watch] packet in
            watch.note(packet.data)
            guard let caller = caller.withLock(\.self) else { return }
            let envelope = AddressedEnvelope(remoteAddress: caller, data: packet.data)
            ways.withLock(\.self)?.near.writeAndFlush(envelope, promise: nil)
        }
        ways.withLock { [near, far] in $0 = (near, far) }
    }

    private static func bind(
        _ bootstrap: DatagramBootstrap,
        _ forward: @escaping @Sendable (AddressedEnvelope<ByteBuffer>) -> Void
    ) async throws -> any Channel {
        try await bootstrap.channelInitializer { channel in
            channel.pipeline.addHandler(Forwarder(forward))
        }.bind(host: "127.0.0.1", port: 0).get()
    }

    func close() async throws {
        try await near.close()
        try await far.close()
    }

    private final class Watch: Sendable {
        let counts = Mutex([0])
        let keyBytes = Mutex<Set<Int>>([])
        /// A header and one packet of the transport stream.
        private static let stuffingBytes = 16 + 188

        /// A key material message (draft-sharabayko-srt-01 §3.2.2): version and type, the sign "HAI", and behind ten more bytes
        /// the length of the key in words of four.
        func noteKey(in packet: ByteBuffer) {
            let bytes = Array(packet.readableBytesView)
            guard bytes.first == 0x80, let start = bytes.firstRange(of: [0x12, 0x20, 0x29])?.lowerBound,
                start + 15 < bytes.count
            else { return }
            keyBytes.withLock { _ = $0.insert(Int(bytes[start + 15]) * 4) }
        }

        /// A control packet begins with a bit 1 and its type (draft-sharabayko-srt-01 §3); 6 is ACKACK.
        func note(_ packet: ByteBuffer) {
            guard let head = packet.getInteger(at: packet.readerIndex, as: UInt16.self) else { return }
            counts.withLock { counts in
                if head == 0x8006 { counts.append(0) }
                guard head < 0x8000, packet.readableBytes > Self.stuffingBytes else { return }
                counts[counts.count - 1] += 1
            }
        }
    }

    private final class Forwarder: ChannelInboundHandler, Sendable {
        typealias InboundIn = AddressedEnvelope<ByteBuffer>
        private let forward: @Sendable (InboundIn) -> Void

        init(_ forward: @escaping @Sendable (InboundIn) -> Void) { self.forward = forward }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) { forward(unwrapInboundIn(data)) }
    }
}

/// A player that reads all it is sent.
private final class Player: Sendable {
    private struct State {
        var demuxer = TSDemuxer()
        var units: [AccessUnit] = []
        var isClosed = false
    }

    private static let poller = try? SRTPoller()
    private let socket: SRTSocket
    private let state = Mutex(State())

    init(_ socket: SRTSocket) {
        self.socket = socket
        Self.poller?.add(socket, wantsInput: true) { readiness in
            var bytes = ByteBuffer()
            while socket.receive(into: &bytes) == .done {}
            self.take(bytes, isClosed: readiness == .broken)
        }
    }

    var isClosed: Bool { state.withLock { $0.isClosed } }

    func payloads(_ track: TrackID) -> [ByteBuffer] {
        state.withLock { state in state.units.filter { $0.track == track }.map(\.payload) }
    }

    func close() {
        Self.poller?.remove(socket)
        socket.close()
    }

    private func take(_ bytes: ByteBuffer, isClosed: Bool) {
        state.withLock { state in
            state.isClosed = isClosed
            for case .unit(let unit) in (try? state.demuxer.receive(bytes)) ?? [] { state.units.append(unit) }
        }
    }
}
