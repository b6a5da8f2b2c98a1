import FMP4
import MediaFixtures
import MediaModel
import Testing
import Timebase

import struct NIOCore.ByteBuffer

struct FragmentDemuxerTests {
    private static func segment() throws -> (initialization: ByteBuffer, media: ByteBuffer, items: [StreamItem]) {
        let items = try SampleClip.items(seconds: 2, start: MediaTime(seconds: 7))
        let tracks = try SampleClip.tracks().compactMap(MP4Track.init)
        let units = items.compactMap { if case .unit(let unit) = $0 { unit } else { nil } }
        let runs = tracks.compactMap { TrackRun($0, units: units, end: MediaTime(seconds: 9)) }
        return (InitializationSegment.encode(tracks), MovieFragment.encode(runs, sequenceNumber: 1), items)
    }

    @Test func `what the packager writes is read back, unit by unit`() throws {
        let (initialization, media, items) = try Self.segment()
        let demuxer = try FragmentDemuxer(initialization: initialization)
        #expect(demuxer.tracks == (try SampleClip.tracks()))
        let units = items.compactMap { if case .unit(let unit) = $0 { unit } else { nil } }
        let read = try demuxer.units(in: media)
        for track in [TrackID.video, .audio] {
            #expect(read.filter { $0.track == track } == units.filter { $0.track == track })
        }
    }

    @Test(arguments: [
        CodecParameters.opus(configuration: hex("4F70757348656164 01 02 3801 44AC0000 0000 00"), channels: 2),
        .opus(configuration: hex("4F70757348656164 01 06 3801 80BB0000 FFFE 01 04 02 00 04 01 02 03 05"), channels: 6),
        .vp9(configuration: hex("01 1E 82 02 02 02 0000"), width: 640, height: 360),
        .ac3(configuration: hex("103DE0"), sampleRate: 48_000, channels: 6),
        .mp3(sampleRate: 44_100, channels: 2),
    ])
    func `a codec is read as it was written`(codec: CodecParameters) throws {
        let track = Track(id: codec.kind == .video ? .video : .audio, codec: codec)
        let initialization = InitializationSegment.encode([track].compactMap(MP4Track.init))
        #expect(try FragmentDemuxer(initialization: initialization).tracks == [track])
    }

    @Test func `a segment that is cut short is refused, or read without what is missing, and never traps`() throws {
        let (initialization, media, _) = try Self.segment()
        let demuxer = try FragmentDemuxer(initialization: initialization)
        for length in 0..<min(media.readableBytes, 3000) {
            let cut = try #require(media.getSlice(at: media.readerIndex, length: length))
            #expect(((try? demuxer.units(in: cut)) ?? []).isEmpty)
        }
        for length in 0..<initialization.readableBytes {
            let cut = try #require(initialization.getSlice(at: initialization.readerIndex, length: length))
            #expect(throws: FragmentDemuxer.Failure.self) { try FragmentDemuxer(initialization: cut) }
        }
    }

    @Test func `no byte that is another one traps`() throws {
        let (initialization, media, _) = try Self.segment()
        let demuxer = try FragmentDemuxer(initialization: initialization)
        for position in 0..<min(media.readableBytes, 2000) {
            var changed = media
            changed.setInteger(UInt8(0xFF), at: changed.readerIndex + position)
            _ = try? demuxer.units(in: changed)
        }
        for position in 0..<initialization.readableBytes {
            var changed = initialization
            changed.setInteger(UInt8(0xFF), at: changed.readerIndex + position)
            _ = try? FragmentDemuxer(initialization: changed).units(in: media)
        }
    }
}
