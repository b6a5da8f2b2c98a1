import ClusterModel
import FanOut
import MediaModel
import NIOCore
import NIOEmbedded
import Streams
import Testing
import Timebase

/// One stream, one outlet and viewers on one loop whose time the test moves.
struct FanOutRig {
    /// A unit is its payload, tracks are `(n)`, a prelude is `P` and the tracks' number, notices are capitals.
    struct LetterFormat: WireFormat {
        private static func number(of tracks: [Track]) -> String {
            if case .mp3(let rate, _) = tracks.first?.codec { "\(rate)" } else { "" }
        }

        func prelude(tracks: [Track]) -> [ByteBuffer] { [ByteBuffer(string: "P\(Self.number(of: tracks))")] }

        mutating func pieces(for item: StreamItem) -> [ByteBuffer]? {
            switch item {
            case .unit(let unit): [unit.payload]
            case .tracks(let tracks): [ByteBuffer(string: "(\(Self.number(of: tracks)))")]
            case .cut: nil
            }
        }

        func isStart(_ item: StreamItem) -> Bool { if case .unit(let unit) = item { unit.isKeyframe } else { false } }

        func pieces(for notice: StreamNotice) -> [ByteBuffer]? {
            if case .interrupted = notice { [ByteBuffer(string: "I")] } else { nil }
        }
    }

    private struct NoCuts: StreamCutter {
        var next: ResumePoint { .start }
        mutating func mark(before item: StreamItem, at wall: WallTime) -> CutMark? { nil }
        mutating func retainSegments(_ isOn: Bool) {}
    }

    let loop = EmbeddedEventLoop()
    let stream: LiveStream
    let outlet: Outlet<LetterFormat>
    let meters = FanOutMeters(protocolName: "test")

    /// The stream's tracks are number 1.
    init(limits: FanOutLimits = FanOutLimits(), audience: Outlet<LetterFormat>.Audience = .players) throws {
        stream = LiveStream(id: try StreamID(app: "live", id: "s1"), loop: loop)
        outlet = Outlet(stream: stream, limits: limits, audience: audience, loads: LoopLoads(), meters: meters) {
            LetterFormat()
        }
        stream.beginTenure(epoch: Epoch(1), resume: .start, settings: AppSettings(), cutter: NoCuts())
        feed(Self.tracks(1))
    }

    static func tracks(_ number: Int) -> IngestItem {
        .tracks([Track(id: .video, codec: .mp3(sampleRate: number, channels: 1))])
    }

    static func key(_ text: String, at milliseconds: Int64) -> IngestItem { unit(text, milliseconds, true) }
    static func delta(_ text: String, at milliseconds: Int64) -> IngestItem { unit(text, milliseconds, false) }

    private static func unit(_ text: String, _ milliseconds: Int64, _ isKeyframe: Bool) -> IngestItem {
        .unit(
            AccessUnit(
                track: .video,
                decodeTime: MediaTime(milliseconds: milliseconds),
                isKeyframe: isKeyframe,
                payload: ByteBuffer(string: text)
            ),
            frame: nil
        )
    }

    /// The items of one call are one batch.
    func feed(_ items: IngestItem...) {
        stream.ingest(items, at: WallTime(milliseconds: 0))
        loop.run()
    }

    func join() throws -> Player {
        let player = Player(loop: loop)
        outlet.add(player.viewer)
        loop.run()
        return player
    }

    /// A viewer whose socket the test can stop and let go on.
    final class Player {
        let viewer: Viewer
        private(set) var ends: [Viewer.End] = []
        private(set) var firstFrames = 0
        private let channel: EmbeddedChannel
        private let tap = Tap()

        init(loop: EmbeddedEventLoop) {
            let handler = ContextHandler()
            channel = EmbeddedChannel(handlers: [tap, handler], loop: loop)
            viewer = Viewer(context: handler.context, isPlain: false)
            viewer.onEnd = { [weak self] in self?.ends.append($0) }
            viewer.onFirstFrame = { [weak self] in self?.firstFrames += 1 }
        }

        func stopReading() { tap.isOpen = false }
        func goOnReading() { tap.open() }
        func takeOneWrite() { tap.takeOne() }
        func breakConnection() { tap.fail() }

        /// All bytes since the last call.
        func received() throws -> String {
            var all = ""
            while let bytes = try channel.readOutbound(as: ByteBuffer.self) { all += String(buffer: bytes) }
            return all
        }
    }

    private final class ContextHandler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        var context: ChannelHandlerContext!
        func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    }

    /// Holds writes back while closed.
    private final class Tap: ChannelOutboundHandler {
        typealias OutboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer
        var isOpen = true
        private var held: [(ByteBuffer, EventLoopPromise<Void>?)] = []
        private var context: ChannelHandlerContext?

        func handlerAdded(context: ChannelHandlerContext) { self.context = context }
        func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

        func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
            if isOpen { context.write(data, promise: promise) } else { held.append((unwrapOutboundIn(data), promise)) }
        }

        func open() {
            isOpen = true
            let writes = held
            held = []
            for (bytes, promise) in writes { context?.write(wrapOutboundOut(bytes), promise: promise) }
            context?.flush()
        }

        /// The oldest write held back goes through; what it makes the viewer write is held in turn.
        func takeOne() {
            guard !held.isEmpty else { return }
            let (bytes, promise) = held.removeFirst()
            context?.writeAndFlush(wrapOutboundOut(bytes), promise: promise)
        }

        func fail() {
            let writes = held
            held = []
            for (_, promise) in writes { promise?.fail(ChannelError.ioOnClosedChannel) }
        }
    }
}
