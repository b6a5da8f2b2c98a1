import ClusterModel
import FanOut
import MediaModel
import NIOCore
import NIOEmbedded
import Streams
import Testing
import Timebase

/// Viewers on the stream's own loop, where a call made at once can overtake one that was put off.
@Suite struct OutletOrderTests {
    /// One letter for each item and notice.
    private struct LetterFormat: WireFormat {
        func prelude(tracks: [Track]) -> [ByteBuffer] { [ByteBuffer(string: "P")] }
        mutating func pieces(for item: StreamItem) -> [ByteBuffer]? {
            if case .unit(let unit) = item { [unit.payload] } else { nil }
        }
        func isStart(_ item: StreamItem) -> Bool { if case .unit(let unit) = item { unit.isKeyframe } else { false } }
        func pieces(for notice: StreamNotice) -> [ByteBuffer]? {
            switch notice {
            case .interrupted: [ByteBuffer(string: "I")]
            case .resumed: [ByteBuffer(string: "R")]
            default: nil
            }
        }
    }

    private struct NoCuts: StreamCutter {
        var next: ResumePoint { .start }
        mutating func mark(before item: StreamItem, at wall: WallTime) -> CutMark? { nil }
        mutating func retainSegments(_ isOn: Bool) {}
    }

    private final class ViewerHandler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        var viewer: Viewer?
        func handlerAdded(context: ChannelHandlerContext) { viewer = Viewer(context: context, isPlain: true) }
    }

    private struct Rig {
        let loop = EmbeddedEventLoop()
        let stream: LiveStream
        let outlet: Outlet<LetterFormat>

        init() throws {
            stream = LiveStream(id: try StreamID(app: "live", id: "s1"), loop: loop)
            outlet = Outlet(stream: stream, loads: LoopLoads(), meters: FanOutMeters(protocolName: "test")) {
                LetterFormat()
            }
            begin(epoch: 1)
        }

        func begin(epoch: Int64) {
            stream.beginTenure(epoch: Epoch(epoch), resume: .start, settings: AppSettings(), cutter: NoCuts())
        }

        static func keyframe(_ name: String, at milliseconds: Int64) -> IngestItem {
            .unit(
                AccessUnit(
                    track: .video,
                    decodeTime: MediaTime(milliseconds: milliseconds),
                    isKeyframe: true,
                    payload: ByteBuffer(string: name)
                ),
                frame: nil
            )
        }

        func feed(_ name: String, at milliseconds: Int64) {
            stream.ingest([Self.keyframe(name, at: milliseconds)], at: WallTime(milliseconds: 0))
        }

        func join() throws -> EmbeddedChannel {
            let handler = ViewerHandler()
            let channel = EmbeddedChannel(handler: handler, loop: loop)
            outlet.add(try #require(handler.viewer))
            return channel
        }

        func received(_ channel: EmbeddedChannel) throws -> String {
            var all = ""
            while let bytes = try channel.readOutbound(as: ByteBuffer.self) { all += String(buffer: bytes) }
            return all
        }
    }

    @Test func `a notice stays between the frames it came between`() throws {
        let rig = try Rig()
        let viewer = try rig.join()
        rig.loop.run()
        rig.feed("a", at: 0)
        rig.stream.interrupt()
        rig.feed("b", at: 40)
        rig.loop.run()
        #expect(try rig.received(viewer) == "PaIRb")
    }

    @Test func `the keyframe that follows a change of owner at once is a start for who comes next`() throws {
        let rig = try Rig()
        _ = try rig.join()
        rig.loop.run()
        rig.feed("a", at: 0)
        rig.begin(epoch: 2)
        rig.feed("b", at: 0)
        rig.loop.run()
        let late = try rig.join()
        rig.loop.run()
        #expect(try rig.received(late) == "Pb")
    }

    @Test func `media that comes while a loop's first viewer enters follows what was kept for it`() throws {
        let rig = try Rig()
        rig.feed("a", at: 0)
        let viewer = try rig.join()
        rig.loop.execute { [stream = rig.stream] in
            stream.ingest([Rig.keyframe("b", at: 40)], at: WallTime(milliseconds: 0))
        }
        rig.loop.run()
        rig.feed("c", at: 80)
        rig.loop.run()
        let all = try rig.received(viewer)
        // The viewer may begin at either keyframe, but nothing old comes after something new.
        #expect(["Pabc", "Pbc"].contains(all), "got \(all)")
    }
}
