import ClusterModel
import HLS
import HTTPServer
import MediaFixtures
import MediaModel
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Streams
import Synchronization
import Timebase

/// The HLS cutter as the hub knows it, keeping every segment that players may want.
struct PlainCutter: StreamCutter {
    var cutter: SegmentCutter

    mutating func mark(before item: StreamItem, at wall: WallTime) -> CutMark? { cutter.receive(item, at: wall) }
    mutating func retainSegments(_ isOn: Bool) {}
    var next: ResumePoint { cutter.next }
}

/// A gate that knows the streams it was given.
struct FakeGate: StreamGate {
    var streams: [LiveStream]

    func publish(_ request: PublishRequest, on loop: any EventLoop) async throws(Refusal) -> Publication {
        throw .notAnOrigin(origin: nil)
    }

    func play(_ request: PlayRequest) async throws(Refusal) -> LiveStream { try await relay(request.stream, for: "") }

    func relay(_ id: StreamID, for child: String) async throws(Refusal) -> LiveStream {
        guard let stream = streams.first(where: { $0.id == id }) else { throw .unknownStream(id) }
        return stream
    }
}

/// One node: a stream and its packager on a loop the test turns.
final class HLSNode {
    let loop = EmbeddedEventLoop()
    let stream: LiveStream
    let packager: HLSStream
    private let service: HLSService
    private let dash: DASHService

    init(_ id: StreamID, _ limits: HLSLimits = HLSLimits()) {
        stream = LiveStream(id: id, loop: loop)
        service = HLSService(gate: FakeGate(streams: [stream]), limits: limits)
        dash = DASHService(hls: service)
        packager = service.packager(of: stream)
    }

    /// The answer, if it came at once.
    func ask(_ ask: HLSAsk, connection: AnyObject? = nil) -> MediaResponse? {
        let held = hold(ask, connection: connection)
        return held.response
    }

    /// Nil also of what is no object's name.
    func ask(object name: some StringProtocol, connection: AnyObject? = nil) -> MediaResponse? {
        switch MediaRoute(path: "/live/streams/\(stream.id.id)/\(name)") {
        case .object(_, let name): ask(.object(name), connection: connection)
        case .segment(_, let name): ask(.segment(name), connection: connection)
        default: nil
        }
    }

    /// Asks for DASH's description.
    func describe() -> HeldAnswer {
        let held = HeldAnswer()
        let request = PlayRequest(stream: stream.id, protocol: .dash, remoteAddress: nil, token: nil)
        dash.serve(request, isAdaptive: false, token: nil) { held.answered($0) }
        loop.run()
        return held
    }

    /// Asks, and keeps what is answered whenever that is.
    func hold(_ ask: HLSAsk, connection: AnyObject? = nil) -> HeldAnswer {
        let held = HeldAnswer()
        let request = PlayRequest(stream: stream.id, protocol: .hls, remoteAddress: nil, token: nil)
        service.serve(ask, request, connection: ObjectIdentifier(connection ?? held)) { held.answered($0) }
        loop.run()
        return held
    }
}

final class HeldAnswer: Sendable {
    private let state = Mutex<[MediaResponse]>([])

    func answered(_ response: MediaResponse) { state.withLock { $0.append(response) } }
    var response: MediaResponse? { state.withLock { $0.first } }
    var count: Int { state.withLock { $0.count } }
}

extension MediaResponse {
    var text: String { String(buffer: whole) }
    var whole: ByteBuffer { body.reduce(into: ByteBuffer()) { $0.writeImmutableBuffer($1) } }
}

/// The owner of a stream, its publisher being a fixture.
final class HLSOrigin {
    let node: HLSNode
    private let items: [StreamItem]
    private var position = 0
    private let tap = ItemTap()

    /// `settings` are those of the packager, not of the cutter.
    init(
        _ id: StreamID,
        seconds: Double,
        _ limits: HLSLimits = HLSLimits(),
        settings: AppSettings = AppSettings()
    ) {
        node = HLSNode(id, limits)
        items = FixtureStream(seed: 7).items(seconds: seconds)
        let cutter = PlainCutter(cutter: SegmentCutter(settings: PackagingSettings(AppSettings()), resume: .start))
        node.stream.beginTenure(epoch: Epoch(3), resume: .start, settings: settings, cutter: cutter)
        _ = node.stream.subscribe(tap)
    }

    /// Publishes what comes before `seconds`, and returns what the hub sent of it, cut marks included.
    func publish(until seconds: Double) -> [StreamItem] {
        let from = tap.items.count
        while position < items.count {
            switch items[position] {
            case .tracks(let tracks): node.stream.ingest([.tracks(tracks)], at: WallTime(milliseconds: 1_000_000))
            case .unit(let unit):
                guard unit.decodeTime < MediaTime(seconds: seconds) else { return Array(tap.items[from...]) }
                let wall = WallTime(milliseconds: 1_000_000 + unit.decodeTime.milliseconds)
                node.stream.ingest([.unit(unit, frame: nil)], at: wall)
            case .cut: break
            }
            position += 1
        }
        return Array(tap.items[from...])
    }
}

/// Keeps what a stream sends, as a child's connection would pass it on.
private final class ItemTap: StreamSubscriber, @unchecked Sendable {
    var items: [StreamItem] = []
    func stream(_ stream: LiveStream, sent items: [StreamItem]) { self.items += items }
    func stream(_ stream: LiveStream, noticed notice: StreamNotice) {}
}

/// A pull without a network: objects come from the parent's packager.
final class DirectUpstream: StreamUpstream, @unchecked Sendable {
    private let parent: HLSNode
    var hops: [String] { ["o1"] }
    let chosenTracks: [TrackID] = []

    init(_ parent: HLSNode) { self.parent = parent }

    func wantObjects(_ isWanted: Bool) { parent.stream.wantObjects(isWanted) }
    func wantKeyframe() { parent.stream.wantKeyframe() }
    func fetch(object name: String, _ answer: @escaping @Sendable (ObjectAnswer) -> Void) {
        parent.packager.object(named: name, answer)
    }
}

/// A pull whose parent answers no question.
final class SilentUpstream: StreamUpstream, @unchecked Sendable {
    private(set) var asked: [String] = []
    let hops = ["o1"]
    let chosenTracks: [TrackID] = []

    func wantObjects(_ isWanted: Bool) {}
    func wantKeyframe() {}
    func fetch(object name: String, _ answer: @escaping @Sendable (ObjectAnswer) -> Void) { asked.append(name) }
}
