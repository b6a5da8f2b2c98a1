import ClusterModel
import LibAV
import Logging
import MediaModel
import NIOCore
import NIOPosix
import Renditions
import StreamFixtures
import Streams
import Testing
import Timebase

/// A publisher that sends a lower layer beside its pictures: VP8, which nothing here encodes or decodes.
@Suite(.timeLimit(.minutes(1))) struct LayerRenditionTests {
    private static let layer = Track(id: TrackID(16), codec: .vp8(width: 320, height: 180))
    private static let name = "180p172kbps"

    private let loop: any EventLoop = MultiThreadedEventLoopGroup.singleton.next()
    private let service = RenditionService(codecs: LibAVCodecs(), logger: Logger(label: "test"))

    private static var tracks: [Track] {
        var video = Track(id: .video, codec: .vp8(width: 1280, height: 720))
        video.layers = [layer]
        return [video]
    }

    /// Of ten pictures a second, the layer's before the stream's.
    private static func pictures(_ numbers: Range<Int>) -> [IngestItem] {
        numbers.flatMap { number in
            [layer.id, .video].map { track in
                let unit = AccessUnit(
                    track: track,
                    decodeTime: MediaTime(milliseconds: Int64(number) * 100 + (track == .video ? 0 : 3)),
                    isKeyframe: number % 10 == 0,
                    payload: ByteBuffer(bytes: [track.value])
                )
                return track == .video ? .unit(unit, frame: nil) : .layer(unit)
            }
        }
    }

    private func ingest(_ items: [IngestItem], to source: LiveStream) {
        loop.execute { source.ingest(items, at: WallTime(milliseconds: 0)) }
    }

    /// A derived stream that is being fed.
    private func begin() async throws -> (source: LiveStream, rung: Collector, end: Task<DerivedEnd, Never>) {
        let source = LiveStream(id: try StreamID(app: "live", id: "s1"), loop: loop)
        let target = LiveStream(id: source.id.derived(.rung(Self.name)), loop: loop)
        let collector = Collector()
        let (begun, feed) = AsyncStream<Void>.makeStream()
        loop.execute {
            _ = target.subscribe(collector)
            source.beginTenure(epoch: Epoch(7), resume: .start, settings: source.settings, cutter: KeyframeCutter())
            source.ingest([.tracks(Self.tracks)], at: WallTime(milliseconds: 0))
            source.onDemandChanged = { _ in feed.yield() }
        }
        let service = service
        let end = Task { await service.derive(target, .rung(Self.name), of: source) }
        for await _ in begun { break }
        return (source, collector, end)
    }

    @Test func `a layer is a rung as it is: its own pictures, with the source's cuts and times`() async throws {
        let (source, rung, end) = try await begin()
        ingest(Self.pictures(0..<20), to: source)
        loop.execute { source.end(.unpublished) }
        #expect(await end.value == .ended(.unpublished))
        let items = rung.items
        #expect(items.first == .tracks([Track(id: .video, codec: Self.layer.codec)]))
        let cuts = items.compactMap { if case .cut(let mark) = $0, mark.part == 0 { mark } else { nil } }
        #expect(cuts.map(\.sequence) == [0, 1])
        let units = items.compactMap { if case .unit(let unit) = $0 { unit } else { nil } }
        #expect(units.map(\.payload) == Array(repeating: ByteBuffer(bytes: [Self.layer.id.value]), count: 20))
        #expect(units.map(\.decodeTime) == (0..<20).map { MediaTime(milliseconds: $0 * 100) })
        #expect(units.filter(\.isKeyframe).map(\.decodeTime) == cuts.map(\.mediaTime))
    }

    @Test func `a layer that is not sent any more ends its rung`() async throws {
        let (source, rung, end) = try await begin()
        ingest(Self.pictures(0..<10), to: source)
        ingest([.tracks([Track(id: .video, codec: Self.tracks[0].codec)])], to: source)
        #expect(await end.value == .unknown)
        #expect(!rung.items.isEmpty)
    }

    @Test func `who wants a keyframe of the rung asks the publisher for one of the layer`() async throws {
        let (source, rung, end) = try await begin()
        let (asked, feed) = AsyncStream<TrackID>.makeStream()
        let publication = Publication(
            stream: source,
            epoch: Epoch(7),
            wallClock: { WallTime(milliseconds: 0) },
            onEnd: { _, _ in }
        )
        publication.whenKeyframeWanted { feed.yield($0) }
        publication.deliver(Self.pictures(0..<10))
        for await items in rung.arrivals where !items.isEmpty { break }
        loop.execute { rung.stream?.wantKeyframe() }
        for await track in asked {
            #expect(track == Self.layer.id)
            break
        }
        end.cancel()
        _ = await end.value
    }
}
