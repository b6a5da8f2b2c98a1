import ClusterModel
import FanOut
import Logging
import MediaModel
import NIOCore
import NIOPosix
import NIOSSL
import Relay
import RelayService
import StreamFixtures
import Streams
import Synchronization
import Timebase

/// Keeps what a stream sends, and lets a test wait for it.
final class Tap: StreamSubscriber {
    enum Entry: Hashable, Sendable {
        case item(StreamItem)
        case notice(StreamNotice)
    }

    private struct Waiter {
        var isMet: @Sendable ([Entry]) -> Bool
        var continuation: CheckedContinuation<[Entry], Never>
    }

    private struct State {
        var entries: [Entry] = []
        var waiters: [Waiter] = []
    }

    private let state = Mutex(State())

    func stream(_ stream: LiveStream, sent items: [StreamItem]) { add(items.map(Entry.item)) }
    func stream(_ stream: LiveStream, noticed notice: StreamNotice) { add([.notice(notice)]) }

    var entries: [Entry] { state.withLock { $0.entries } }

    /// All that has come, as soon as it is what the test waits for.
    func entries(when isMet: @escaping @Sendable ([Entry]) -> Bool) async -> [Entry] {
        await withCheckedContinuation { continuation in
            let met = state.withLock { state in
                if isMet(state.entries) { return state.entries as [Entry]? }
                state.waiters.append(Waiter(isMet: isMet, continuation: continuation))
                return nil
            }
            if let met { continuation.resume(returning: met) }
        }
    }

    private func add(_ entries: [Entry]) {
        let (met, all) = state.withLock { state in
            state.entries += entries
            let all = state.entries
            let met = state.waiters.filter { $0.isMet(all) }
            state.waiters.removeAll { $0.isMet(all) }
            return (met, all)
        }
        for waiter in met { waiter.continuation.resume(returning: all) }
    }
}

extension Tap.Entry {
    func isRungsGivenUp(_ rungs: [String]) -> Bool { self == .notice(.rungsGivenUp(rungs)) }
}

extension [Tap.Entry] {
    var items: [StreamItem] { compactMap { if case .item(let item) = $0 { item } else { nil } } }
    var units: [AccessUnit] { items.compactMap { if case .unit(let unit) = $0 { unit } else { nil } } }
    var tracks: [[Track]] { items.compactMap { if case .tracks(let tracks) = $0 { tracks } else { nil } } }
    func contains(unit name: String) -> Bool { units.contains { String(buffer: $0.payload) == name } }
}

/// Knows one stream.
private struct OneStreamGate: StreamGate {
    let stream: LiveStream

    func publish(_ request: PublishRequest, on loop: any EventLoop) async throws(Refusal) -> Publication {
        throw .notAnOrigin(origin: nil)
    }

    func play(_ request: PlayRequest) async throws(Refusal) -> LiveStream { try await relay(request.stream, for: "") }

    func relay(_ id: StreamID, for child: String) async throws(Refusal) -> LiveStream {
        guard id == stream.id else { throw .unknownStream(id) }
        return stream
    }
}

/// A node with one stream, served on a relay port of this machine.
struct ParentNode {
    static let key = RelayKey(nodeToken: "secret")
    static let wall = WallTime(milliseconds: 1_000_000)

    let stream: LiveStream
    let id: StreamID
    private let channel: any Channel
    private let isTLS: Bool

    init(name: String = "o1", limits: RelayLimits = RelayLimits(), tls: NIOSSLContext? = nil) async throws {
        id = try StreamID(app: "live", id: "s1")
        let group = MultiThreadedEventLoopGroup.singleton
        let stream = LiveStream(id: id, loop: group.next())
        self.stream = stream
        isTLS = tls != nil
        let service = RelayService(
            gate: OneStreamGate(stream: stream),
            nodeID: name,
            key: Self.key,
            outlets: RelayOutlets(loads: LoopLoads(), meters: FanOutMeters(protocolName: "test")),
            wallClock: { Self.wall },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            limits: limits
        )
        channel = try await service.listen(host: "127.0.0.1", port: 0, on: group, tls: tls)
        try await onLoop {
            stream.beginTenure(epoch: Epoch(7), resume: .start, settings: AppSettings(), cutter: KeyframeCutter())
        }
    }

    func stop() async throws { try await channel.close() }

    var port: Int { channel.localAddress?.port ?? 0 }

    func route(host: String = "127.0.0.1", tls: Bool? = nil) -> RouteAnswer {
        RouteAnswer(
            epoch: 7,
            parent: .init(nodeId: "o1", host: host, relay: port, relayTLS: tls ?? isTLS),
            tier: .origin,
            secondaryForGroup: false,
            ticket: "",
            revision: 1
        )
    }

    func ticket(
        for child: String = "e1",
        key: RelayKey = ParentNode.key,
        expiresAt: WallTime = ParentNode.wall + .seconds(1)
    ) -> String {
        RelayTicket(stream: id, child: child, expiresAt: expiresAt).signed(with: key)
    }

    func publish(_ items: [IngestItem]) async throws {
        try await onLoop { [stream] in stream.ingest(items, at: Self.wall) }
    }

    func onLoop<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async throws -> Value {
        try await stream.loop.submit { body() }.get()
    }
}

/// A node that pulls.
struct ChildNode {
    let stream: LiveStream
    let tap = Tap()

    init() async throws {
        let stream = LiveStream(
            id: try StreamID(app: "live", id: "s1"),
            loop: MultiThreadedEventLoopGroup.singleton.next()
        )
        self.stream = stream
        let tap = tap
        try await stream.loop.submit { _ = stream.subscribe(tap) }.get()
    }

    func pull(
        from parent: ParentNode,
        trust: RelayTrust = RelayTrust(),
        limits: RelayLimits = RelayLimits(),
        tracks: [TrackID] = []
    ) async -> PullEnd {
        await RelayPuller(nodeID: "e1", trust: trust, limits: limits)
            .pull(stream, route: parent.route(), ticket: parent.ticket(), tracks: tracks)
    }
}

enum Media {
    static let video = Track(id: .video, codec: .h264(configuration: ByteBuffer(bytes: [1]), width: 16, height: 16))
    static let wider = Track(id: .video, codec: .h264(configuration: ByteBuffer(bytes: [2]), width: 32, height: 16))
    static let audio = Track(
        id: .audio,
        codec: .aac(configuration: ByteBuffer(bytes: [3]), sampleRate: 48_000, channels: 2)
    )

    static func picture(_ name: String, at milliseconds: Int64, isKeyframe: Bool = false) -> IngestItem {
        unit(.video, name, milliseconds, isKeyframe)
    }

    static func sound(_ name: String, at milliseconds: Int64) -> IngestItem { unit(.audio, name, milliseconds, true) }

    private static func unit(_ track: TrackID, _ name: String, _ time: Int64, _ isKeyframe: Bool) -> IngestItem {
        let unit = AccessUnit(
            track: track,
            decodeTime: MediaTime(milliseconds: time),
            isKeyframe: isKeyframe,
            payload: ByteBuffer(string: name)
        )
        return .unit(unit, frame: nil)
    }

    /// A segment that has begun.
    static let opening: [IngestItem] = [
        .tracks([video, audio]), picture("k0", at: 0, isKeyframe: true), sound("a0", at: 0), picture("p1", at: 40),
    ]
}
