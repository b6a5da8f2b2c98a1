import Codecs
import MPEGTS
import MediaFixtures
import MediaModel
import Testing
import Timebase

import struct NIOCore.ByteBuffer

@Suite struct MuxerTests {
    private static func packets(_ items: [StreamItem]) throws -> [TSPacket] {
        try muxed(items).flatMap { buffer in
            try stride(from: 0, to: buffer.readableBytes, by: 188).map { offset in
                try #require(buffer.getSlice(at: offset, length: 188).flatMap(TSPacket.init(parsing:)))
            }
        }
    }

    @Test(arguments: [false, true]) func `what is written is read back unchanged`(hasBFrames: Bool) throws {
        var fixture = FixtureStream(seed: 7)
        fixture.hasBFrames = hasBFrames
        fixture.frameBytes = 10...90_000
        let units = fixture.units(seconds: 3)
        let settings = TSMuxerSettings()
        let story = try Story(muxed(fixture.items(seconds: 3)).map(\.bytes))
        #expect(story.tracks.count == 1)
        #expect(story.tracks.first?.first == fixture.tracks.first)
        for track in [TrackID.video, .audio] {
            let sent = units.filter { $0.track == track }.map { $0.shifted(by: settings.timeOffset) }
            #expect(story.units(track) == sent)
        }
        #expect(story.statistics.continuityErrors == 0)
    }

    @Test(arguments: [Fixture.h264AAC, .h264Opus, .h265MP3, .ac3])
    func `what ffmpeg wrote is the same after another round`(fixture: Fixture) throws {
        let first = try Story([try fixture.bytes])
        let items = first.events.compactMap { event -> StreamItem? in
            switch event {
            case .tracks(let tracks): .tracks(tracks)
            case .unit(let unit): .unit(unit)
            case .refused: nil
            }
        }
        let second = try Story(muxed(items).map(\.bytes))
        #expect(second.tracks == first.tracks)
        for track in [TrackID.video, .audio] {
            let sent = first.units(track).map { $0.shifted(by: TSMuxerSettings().timeOffset) }
            #expect(second.units(track) == sent)
        }
    }

    @Test func `a unit is whole as soon as its packets have come`() throws {
        let fixture = FixtureStream(seed: 3)
        var demuxer = TSDemuxer()
        var waiting = 0
        for (number, packets) in muxed(fixture.items(seconds: 1)).enumerated() {
            let events = try demuxer.receive(packets)
            waiting += 1 - events.count { if case .unit = $0 { true } else { false } }
            // Only the tracks are waited for.
            if number > 4 { #expect(waiting == 0, "unit \(number)") }
        }
    }

    @Test func `times go on where 33 bits end`() throws {
        var settings = TSMuxerSettings()
        settings.timeOffset = MediaTime(ticks: TSTimestamp.modulus) - MediaTime(seconds: 1)
        var fixture = FixtureStream(seed: 5)
        fixture.hasBFrames = true
        let story = try Story(muxed(fixture.items(seconds: 3), settings).map(\.bytes))
        for track in [TrackID.video, .audio] {
            let sent = fixture.units(seconds: 3).filter { $0.track == track }
            #expect(story.units(track) == sent.map { $0.shifted(by: settings.timeOffset) })
        }
    }

    @Test func `tables stand before each keyframe and are never long away`() throws {
        var muxer = TSMuxer()
        let fixture = FixtureStream(seed: 2)
        muxer.setTracks(fixture.tracks)
        var last: MediaTime?
        for unit in fixture.units(seconds: 4) {
            let written = muxer.packets(for: unit)
            let packets = try #require(written)
            if unit.track == .video, unit.isKeyframe { #expect(packets.beginsWithTables) }
            if packets.beginsWithTables { last = unit.decodeTime }
            let since = try #require(last)
            #expect(unit.decodeTime - since <= TSMuxerSettings().tablePeriod)
        }
    }

    @Test(arguments: [(true, Int64(30)), (true, 2), (false, 30)])
    func `the clock comes often, only grows and never passes the units`(hasVideo: Bool, framesPerSecond: Int64) throws {
        var fixture = FixtureStream(seed: 4)
        fixture.hasVideo = hasVideo
        fixture.framesPerSecond = framesPerSecond
        fixture.keyframeInterval = Int(framesPerSecond) * 2
        let clocks = try Self.packets(fixture.items(seconds: 4)).compactMap(\.programClock)
        #expect(zip(clocks, clocks.dropFirst()).allSatisfy { $0 < $1 && $1 - $0 <= 27_000_000 / 10 })
        let lead = TSMuxerSettings().clockLead.ticks * 300
        #expect(clocks.first == TSMuxerSettings().timeOffset.ticks * 300 - lead)
        #expect(Double(clocks.count) > 4 / 0.1)
    }

    @Test func `counters have no hole, and begin anew only where it is said`() throws {
        var counters: [PID: UInt8] = [:]
        for packet in try Self.packets(FixtureStream(seed: 6).items(seconds: 2)) {
            guard packet.payload != nil else { continue }
            if let last = counters[packet.pid] {
                #expect(packet.continuityCounter == (last + 1) & 0xF)
                #expect(!packet.isDiscontinuous)
            } else {
                #expect(packet.isDiscontinuous)
            }
            counters[packet.pid] = packet.continuityCounter
        }
        #expect(counters.count == 4)
    }

    @Test func `tables that are required come with the next unit, whatever it is`() throws {
        var muxer = TSMuxer()
        let fixture = FixtureStream(seed: 8)
        muxer.setTracks(fixture.tracks)
        for unit in fixture.units(seconds: 2) {
            muxer.requireTables()
            #expect(muxer.packets(for: unit)?.beginsWithTables == true)
        }
    }

    @Test func `pictures begin with a delimiter and keyframes with their parameter sets, each once`() throws {
        let fixture = FixtureStream(seed: 9)
        let keyframe = try #require(fixture.units(seconds: 1).first { $0.isKeyframe && $0.track == .video })
        // A keyframe that brings its own sets and a delimiter, as some publishers send it.
        let own = try AVCConfiguration(parsing: SampleClip.avcConfiguration)
        var rich = keyframe
        rich.payload = LengthPrefixedNALUnits.join(
            [ByteBuffer(bytes: [0x09, 0xF0])] + own.sequenceParameterSets + own.pictureParameterSets
                + (try LengthPrefixedNALUnits.split(keyframe.payload))
        )
        for unit in [keyframe, rich] {
            let packets = try Self.packets([.tracks(fixture.tracks), .unit(unit)]).filter { $0.pid == PID(0x100) }
            let stream = ByteBuffer(bytes: packets.compactMap(\.payload).flatMap(\.bytes))
            let types = AnnexB.split(stream).compactMap(H264NALUnitType.init(of:))
            #expect(
                types == [.accessUnitDelimiter, .sequenceParameterSet, .pictureParameterSet, .idrSlice]
            )
        }
    }

    @Test func `tracks that a transport stream cannot carry are left out`() {
        var muxer = TSMuxer()
        let audio = FixtureStream(seed: 1).tracks[1]
        muxer.setTracks([
            Track(id: .video, codec: .av1(configuration: ByteBuffer(), width: 1, height: 1)), audio,
            Track(id: .data, codec: .data),
        ])
        #expect(muxer.tracks == [audio])
    }
}
