import ClusterModel
import MediaModel
import NIOConcurrencyHelpers
import NIOCore
import NIOEmbedded
import Streams
import Testing
import Timebase

@Suite struct PublicationTests {
    private struct NoCuts: StreamCutter {
        var next: ResumePoint { .start }
        mutating func mark(before item: StreamItem, at wall: WallTime) -> CutMark? { nil }
        mutating func retainSegments(_ isOn: Bool) {}
    }

    private func publication(_ stream: LiveStream, epoch: Int64 = 1) -> Publication {
        Publication(stream: stream, epoch: Epoch(epoch), wallClock: { WallTime(milliseconds: 0) }) { _, _ in }
    }

    private func standingBy(_ stream: LiveStream) -> Publication {
        Publication(stream: stream, epoch: Epoch(1), standsBy: true, wallClock: { WallTime(milliseconds: 0) }) { _, _ in
        }
    }

    private static let track = Track(id: .video, codec: .vp8(width: 16, height: 16))

    private func begin(_ stream: LiveStream, epoch: Int64) {
        stream.beginTenure(epoch: Epoch(epoch), resume: .start, settings: AppSettings(), cutter: NoCuts())
    }

    private static let unit = IngestItem.unit(
        AccessUnit(track: .video, decodeTime: .zero, isKeyframe: true, payload: ByteBuffer(string: "x")),
        frame: nil
    )

    @Test func `a publisher that has left is not closed again`() throws {
        let publication = publication(LiveStream(id: try StreamID(app: "live", id: "s1"), loop: EmbeddedEventLoop()))
        let heard = NIOLockedValueBox(0)
        publication.whenRevoked { _ in heard.withLockedValue { $0 += 1 } }
        publication.end(isClean: true)
        publication.revoke(.draining)
        publication.whenRevoked { _ in heard.withLockedValue { $0 += 1 } }
        #expect(heard.withLockedValue { $0 } == 0)
    }

    @Test func `who is asked for a keyframe is the publisher that feeds the stream now, not one that waits`() throws {
        let loop = EmbeddedEventLoop()
        let stream = LiveStream(id: try StreamID(app: "live", id: "s1"), loop: loop)
        let asked = NIOLockedValueBox<[String]>([])
        let (first, second) = (publication(stream), standingBy(stream))
        first.whenKeyframeWanted { _ in asked.withLockedValue { $0.append("first") } }
        second.whenKeyframeWanted { _ in asked.withLockedValue { $0.append("second") } }
        begin(stream, epoch: 1)
        for publication in [first, second] { publication.deliver([.tracks([Self.track]), Self.unit]) }
        stream.wantKeyframe()
        #expect(asked.withLockedValue { $0 } == ["first"])
        // Its first keyframe is what the stream waits for, so it is asked at once.
        second.begin()
        #expect(asked.withLockedValue { $0 } == ["first", "second"])
        first.revoke(.removed)
        second.deliver([Self.unit])
        loop.advanceTime(by: .seconds(1))
        stream.wantKeyframe()
        #expect(asked.withLockedValue { $0 } == ["first", "second", "second"])
        second.end(isClean: true)
        loop.advanceTime(by: .seconds(1))
        stream.wantKeyframe()
        #expect(asked.withLockedValue { $0 }.count == 3)
    }

    @Test func `the last batch before a goodbye is kept`() async throws {
        let loop = NIOAsyncTestingEventLoop()
        let stream = LiveStream(id: try StreamID(app: "live", id: "s1"), loop: loop)
        let publication = publication(stream)
        try await loop.executeInContext { self.begin(stream, epoch: 1) }
        publication.deliver([Self.unit])
        publication.end(isClean: true)
        publication.deliver([Self.unit])
        await loop.run()
        #expect(stream.receivedBytes == 1)
        await loop.shutdownGracefully()
    }
}
