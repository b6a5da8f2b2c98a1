import Bytes
import FMP4
import MediaFixtures
import MediaModel
import NIOCore
import Testing
import Timebase

@Suite struct TrackExtractionTests {
    private static let fixture = FixtureStream(seed: 3)
    private static let tracks = fixture.tracks.compactMap(MP4Track.init)
    private static let runs = tracks.compactMap { TrackRun($0, units: fixture.units(seconds: 1), end: nil) }
    /// Each under the number of an only track.
    private static let soleTracks = tracks.compactMap { track in
        MP4Track(Track(id: TrackID(0), codec: track.track.codec))
    }
    private static let soleRuns = zip(tracks, soleTracks).compactMap { track, sole in
        let units = fixture.units(seconds: 1).filter { $0.track == track.track.id }.map { unit in
            var unit = unit
            unit.track = TrackID(0)
            return unit
        }
        return TrackRun(sole, units: units, end: nil)
    }

    @Test(arguments: [0, 1]) func `one track of a chunk is the chunk of that track alone`(index: Int) {
        let both = MovieFragment.encode(Self.runs, sequenceNumber: 7)
        let alone = MovieFragment.encode([Self.soleRuns[index]], sequenceNumber: 7)
        #expect(TrackExtraction.extract(track: Self.tracks[index].number, from: both) == alone)
    }

    @Test(arguments: [0, 1]) func `of a segment of many chunks each gives its part`(index: Int) {
        var segment = ByteBuffer()
        var alone = ByteBuffer()
        for number in 0..<3 as Range<UInt32> {
            segment.writeImmutableBuffer(MovieFragment.encode(Self.runs, sequenceNumber: number))
            alone.writeImmutableBuffer(MovieFragment.encode([Self.soleRuns[index]], sequenceNumber: number))
        }
        #expect(TrackExtraction.extract(track: Self.tracks[index].number, from: segment) == alone)
    }

    @Test(arguments: [0, 1]) func `a header keeps the track and what belongs to it`(index: Int) throws {
        let both = InitializationSegment.encode(Self.tracks)
        let found = try #require(TrackExtraction.extract(track: Self.tracks[index].number, from: both))
        let alone = InitializationSegment.encode([Self.soleTracks[index]])
        let boxes = try Box.parse(found).map { try $0.type == "moov" ? $0.children() : [$0] }.joined()
        let wanted = try Box.parse(alone).map { try $0.type == "moov" ? $0.children() : [$0] }.joined()
        #expect(boxes.map(\.type) == wanted.map(\.type))
        for (box, wanted) in zip(boxes, wanted) where box.type != "mvhd" { #expect(box.payload == wanted.payload) }
    }

    @Test func `a chunk without the track gives nothing, and what is no chunk is refused`() throws {
        let sound = MovieFragment.encode([Self.runs[1]], sequenceNumber: 7)
        #expect(TrackExtraction.extract(track: Self.tracks[0].number, from: sound) == ByteBuffer())
        for length in stride(from: 1, to: sound.readableBytes, by: 7) {
            let cut = try #require(sound.getSlice(at: sound.readerIndex, length: length))
            #expect(TrackExtraction.extract(track: Self.tracks[1].number, from: cut) == nil)
        }
    }
}
