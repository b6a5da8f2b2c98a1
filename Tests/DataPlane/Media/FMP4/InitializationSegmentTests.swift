import Bytes
import Codecs
import FMP4
import MediaFixtures
import MediaModel
import Testing

import struct NIOCore.ByteBuffer

@Suite struct InitializationSegmentTests {
    static func child(_ path: [FourCC], of bytes: ByteBuffer) throws -> Box? {
        var boxes = try Box.parse(bytes)
        for type in path.dropLast() {
            guard let box = boxes.first(where: { $0.type == type }) else { return nil }
            boxes = try box.children(skipping: type == "stsd" ? 8 : 0)
        }
        return boxes.first { $0.type == path.last }
    }

    @Test func `the header lists its tracks with their timescales and no samples`() throws {
        let tracks = try SampleClip.tracks().compactMap(MP4Track.init)
        #expect(tracks.map(\.timescale) == [90_000, 44_100])
        let bytes = InitializationSegment.encode(tracks)
        #expect(try Box.parse(bytes).map(\.type) == ["ftyp", "moov"])
        let movie = try #require(try Self.child(["moov"], of: bytes)).children()
        #expect(movie.map(\.type) == ["mvhd", "trak", "trak", "mvex"])
        let extends = try #require(movie.last).children()
        #expect(
            extends.map { $0.payload.getInteger(at: $0.payload.readerIndex + 4, as: UInt32.self) }
                == tracks.map(\.number)
        )
    }

    @Test(arguments: [
        (CodecParameters.h264(configuration: hex("0102"), width: 16, height: 16), "avc1" as FourCC, "avcC" as FourCC),
        (.h265(configuration: hex("0102"), width: 16, height: 16), "hvc1", "hvcC"),
        (.av1(configuration: hex("0102"), width: 16, height: 16), "av01", "av1C"),
    ])
    func `each video codec has its sample entry and the record inside`(
        codec: CodecParameters,
        entry: FourCC,
        record: FourCC
    ) throws {
        let found = try Self.sampleEntry(codec)
        #expect(found.type == entry)
        let box = try #require(try found.children(skipping: 78).first)
        #expect(box.type == record)
        #expect(box.payload == hex("0102"))
    }

    @Test(arguments: [
        (
            CodecParameters.aac(configuration: hex("1210"), sampleRate: 44_100, channels: 2), "mp4a" as FourCC,
            "esds" as FourCC,
            "00000000 0380808022 000000 0480808014 40 15 0000000000000000000000 0580808002 1210 0680808001 02"
        ),
        (
            .mp3(sampleRate: 48_000, channels: 2), "mp4a", "esds",
            "00000000 038080801b 000000 048080800d 6b 15 0000000000000000000000 0680808001 02"
        ),
        (
            .ac3(configuration: hex("103de0"), sampleRate: 48_000, channels: 6), "ac-3", "dac3", "103de0"
        ),
        (
            .opus(configuration: hex("4f70757348656164 01 02 3801 80bb0000 0000 00"), channels: 2), "Opus", "dOps",
            "00 02 0138 0000bb80 0000 00"
        ),
    ])
    func `each audio codec has its sample entry and its descriptor`(
        codec: CodecParameters,
        entry: FourCC,
        descriptor: FourCC,
        payload: String
    ) throws {
        let found = try Self.sampleEntry(codec)
        #expect(found.type == entry)
        let box = try #require(try found.children(skipping: 28).first)
        #expect(box.type == descriptor)
        #expect(box.payload == hex(payload))
    }

    @Test func `data has no track in a file`() {
        #expect(MP4Track(Track(id: .data, codec: .data)) == nil)
    }

    static func sampleEntry(_ codec: CodecParameters) throws -> Box {
        let track = try #require(MP4Track(Track(id: TrackID(1), codec: codec)))
        let bytes = InitializationSegment.encode([track])
        let table = try #require(try child(["moov", "trak", "mdia", "minf", "stbl", "stsd"], of: bytes))
        return try #require(try table.children(skipping: 8).first)
    }
}
