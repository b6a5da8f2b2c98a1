import ClusterModel
import FanOut
import MediaModel
import NIOCore
import NIOEmbedded
import Streams
import Testing
import Timebase

/// What may wait for live media, on a socket that takes one write at a time.
@Suite struct BacklogTests {
    /// Frames as the number of the unit, one byte.
    private struct OneByteFormat: WireFormat {
        func prelude(tracks: [Track]) -> [ByteBuffer] { [] }
        mutating func pieces(for item: StreamItem) -> [ByteBuffer]? {
            if case .unit(let unit) = item { [unit.payload] } else { nil }
        }
        func isStart(_ item: StreamItem) -> Bool { if case .unit(let unit) = item { unit.isKeyframe } else { false } }
    }

    private struct NoCuts: StreamCutter {
        var next: ResumePoint { .start }
        mutating func mark(before item: StreamItem, at wall: WallTime) -> CutMark? { nil }
        mutating func retainSegments(_ isOn: Bool) {}
    }

    /// Keeps each write until it is released.
    private final class FullSocket: ChannelOutboundHandler {
        typealias OutboundIn = ByteBuffer

        private var held: [(bytes: ByteBuffer, promise: EventLoopPromise<Void>?)] = []

        func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
            held.append((unwrapOutboundIn(data), promise))
        }

        /// Takes what was written, and lets the writer know.
        func take() -> String {
            let taken = held
            held = []
            for write in taken { write.promise?.succeed() }
            return taken.map { String(buffer: $0.bytes) }.joined()
        }
    }

    private final class Backlog {
        var pieces: [String] = []
        func next() -> ByteBuffer? { pieces.isEmpty ? nil : ByteBuffer(string: pieces.removeFirst()) }
    }

    private final class Rig {
        let loop = EmbeddedEventLoop()
        let socket = FullSocket()
        let backlog = Backlog()
        let viewer: Viewer
        private let channel: EmbeddedChannel
        private let stream: LiveStream
        private let outlet: Outlet<OneByteFormat>

        init() throws {
            channel = EmbeddedChannel(loop: loop)
            stream = LiveStream(id: try StreamID(app: "live", id: "s1"), loop: loop)
            stream.beginTenure(epoch: Epoch(1), resume: .start, settings: AppSettings(), cutter: NoCuts())
            stream.ingest([.tracks([Track(id: .video, codec: .data)])], at: WallTime(milliseconds: 0))
            var limits = FanOutLimits()
            limits.slowViewer = .close
            outlet = Outlet(
                stream: stream,
                limits: limits,
                audience: .nodes,
                loads: LoopLoads(),
                meters: FanOutMeters(protocolName: "test")
            ) { OneByteFormat() }
            let anchor = Anchor()
            try channel.pipeline.syncOperations.addHandlers(socket, anchor)
            viewer = Viewer(context: try #require(anchor.context), isPlain: false)
            viewer.backlog = { [backlog] in backlog.next() }
            outlet.add(viewer)
            loop.run()
            _ = socket.take()
        }

        func publish(_ text: String, isKeyframe: Bool = false) {
            let unit = AccessUnit(
                track: .video,
                decodeTime: .zero,
                isKeyframe: isKeyframe,
                payload: ByteBuffer(string: text)
            )
            stream.ingest([.unit(unit, frame: nil)], at: WallTime(milliseconds: 0))
            loop.run()
        }

        func end() {
            stream.end(.unpublished)
            loop.run()
        }
    }

    private final class Anchor: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        var context: ChannelHandlerContext?
        func handlerAdded(context: ChannelHandlerContext) { self.context = context }
        func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }
    }

    @Test func `A live frame waits for one piece at most, and the pieces for every frame`() throws {
        let rig = try Rig()
        rig.publish("1", isKeyframe: true)
        #expect(rig.socket.take() == "1")
        rig.backlog.pieces = ["a", "b", "c"]
        rig.viewer.backlogAdded()
        rig.publish("2")
        rig.publish("3")
        #expect(rig.socket.take() == "a")
        #expect(rig.socket.take() == "23")
        rig.publish("4")
        #expect(rig.socket.take() == "b")
        #expect(rig.socket.take() == "4")
        #expect(rig.socket.take() == "c")
        #expect(rig.socket.take() == "")
    }

    @Test func `A viewer that waits for its first keyframe gets its backlog meanwhile`() throws {
        let rig = try Rig()
        rig.backlog.pieces = ["a", "b"]
        rig.viewer.backlogAdded()
        #expect(rig.socket.take() == "a")
        rig.publish("1", isKeyframe: true)
        #expect(rig.socket.take() == "b")
        #expect(rig.socket.take() == "1")
    }

    @Test func `Control bytes go before both`() throws {
        let rig = try Rig()
        rig.backlog.pieces = ["a", "b"]
        rig.viewer.backlogAdded()
        rig.publish("1", isKeyframe: true)
        rig.viewer.send(ByteBuffer(string: "!"))
        #expect(rig.socket.take() == "a")
        #expect(rig.socket.take() == "!")
        #expect(rig.socket.take() == "1")
        #expect(rig.socket.take() == "b")
    }

    @Test func `The end of the stream does not wait for a backlog`() throws {
        let rig = try Rig()
        var ends: [Viewer.End] = []
        rig.viewer.onEnd = { ends.append($0) }
        rig.publish("1", isKeyframe: true)
        rig.backlog.pieces = ["a", "b"]
        rig.end()
        #expect(rig.socket.take() == "1")
        #expect(ends == [.streamEnded(.unpublished)])
        #expect(rig.backlog.pieces.count == 2)
    }
}
