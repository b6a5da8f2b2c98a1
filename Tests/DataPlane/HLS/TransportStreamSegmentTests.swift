import HLS
import MPEGTS
import MediaFixtures
import MediaModel
import NIOCore
import Testing
import Timebase

/// `hlsSegmentType` `mpegts`.
@Suite struct TransportStreamSegmentTests {
    private static let settings: PackagingSettings = {
        var settings = PackagingSettings()
        settings.container = .transportStream
        return settings
    }()

    private static let fixture: FixtureStream = {
        var fixture = FixtureStream(seed: 5)
        fixture.hasBFrames = true
        return fixture
    }()

    private static let items = marked(fixture.items(seconds: 13), settings: settings)

    private func bytes(_ text: String, of rendition: LiveRendition) throws -> ByteBuffer {
        guard case .bytes(let pieces) = rendition.object(name(text)) else {
            throw Missing(name: text)
        }
        return pieces.reduce(into: ByteBuffer()) { $0.writeImmutableBuffer($1) }
    }

    private struct Missing: Error { var name: String }

    private func units(_ bytes: ByteBuffer) throws -> [AccessUnit] {
        var demuxer = TSDemuxer()
        let events = try demuxer.receive(bytes) + demuxer.finish()
        #expect(demuxer.statistics.resyncs == 0)
        return events.compactMap { if case .unit(let unit) = $0 { unit } else { nil } }
    }

    @Test func `each segment plays alone and holds the units between its marks`() throws {
        let rendition = LiveRendition(settings: Self.settings, items: Self.items)
        for sequence in [3, 4] as [UInt64] {
            let found = try units(bytes("source-7-\(sequence).ts", of: rendition)).filter { $0.track == .video }
            let wanted = Self.fixture.units(seconds: 13).filter {
                $0.track == .video && $0.decodeTime >= MediaTime(seconds: Double(sequence) * 2)
                    && $0.decodeTime < MediaTime(seconds: Double(sequence) * 2 + 2)
            }
            #expect(found.count == wanted.count)
            #expect(found.map(\.isKeyframe) == wanted.map(\.isKeyframe))
            let offset = TSMuxerSettings().timeOffset
            #expect(found.map(\.presentationTime) == wanted.map { $0.presentationTime + offset })
        }
    }

    @Test func `packets are counted without a hole through a segment, and each part begins with the tables`() throws {
        let rendition = LiveRendition(settings: Self.settings, items: Self.items)
        var counters: [PID: UInt8] = [:]
        var whole = ByteBuffer()
        for part in 0..<10 {
            let bytes = try bytes("source-7-5.\(part).ts", of: rendition)
            whole.writeImmutableBuffer(bytes)
            var reader = TSPacketReader()
            reader.append(bytes)
            var isFirst = true
            while let packet = reader.next().flatMap(TSPacket.init(parsing:)) {
                if isFirst { #expect(packet.pid == .programAssociation) }
                isFirst = false
                guard packet.payload != nil else { continue }
                if let last = counters[packet.pid] { #expect(packet.continuityCounter == (last + 1) & 0xF) }
                counters[packet.pid] = packet.continuityCounter
            }
        }
        #expect(try bytes("source-7-5.ts", of: rendition) == whole)
    }

    @Test func `the playlist has no initialization section`() {
        let playlist = LiveRendition(settings: Self.settings, items: Self.items).playlist()
        #expect(!playlist.contains("EXT-X-MAP"))
        #expect(playlist.contains("s1/source-7-5.ts\n"))
        #expect(playlist.contains("URI=\"s1/source-7-5.0.ts\""))
        #expect(!playlist.contains("m4s"))
    }

    @Test func `names of the other container are nobody's`() {
        let segments = LiveRendition(settings: Self.settings, items: Self.items)
        #expect(segments.object(name("source-7-5.m4s")) == .unknown)
        let fragments = LiveRendition(items: Self.items)
        #expect(fragments.object(name("source-7-5.ts")) == .unknown)
    }

    @Test func `a node that joins late makes the same bytes`() throws {
        for joinAt in stride(from: 300, to: Self.items.count - 250, by: 97) {
            var origin = LiveRendition(settings: Self.settings, items: Array(Self.items[..<joinAt]))
            var transported = ByteBuffer()
            origin.index.encode(into: &transported)
            var late = LiveRendition(index: try SegmentIndex(decoding: transported))
            let replayed = DeterminismTests.replay(Self.items, from: joinAt, wholeSegment: true)
            for item in replayed.prefix(replayed.count - (Self.items.count - joinAt)) { late.receive(item) }
            for item in Self.items[joinAt...] {
                origin.receive(item)
                late.receive(item)
                #expect(late.version == origin.version)
            }
            #expect(late.playlist() == origin.playlist())
            #expect(try bytes("source-7-5.ts", of: late) == bytes("source-7-5.ts", of: origin))
        }
    }
}
