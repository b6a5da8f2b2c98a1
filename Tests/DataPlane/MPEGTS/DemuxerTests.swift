import MPEGTS
import MediaModel
import Testing
import Timebase

import struct NIOCore.ByteBuffer

@Suite struct DemuxerTests {
    /// What ffprobe 5.1 says of the fixtures.
    struct Expected: Sendable {
        let fixture: Fixture
        let codecs: [String]
        let videoPayloads: Int
        let audioPayloads: Int
        let firstVideo: (decode: Int64, presentation: Int64)?
        let firstAudio: Int64?
    }

    static let expected: [Expected] = [
        .init(
            fixture: .h264AAC,
            codecs: ["h264", "aac"],
            videoPayloads: 6,
            audioPayloads: 25,
            firstVideo: (126_000, 144_000),
            firstAudio: nil
        ),
        .init(
            fixture: .h264Opus,
            codecs: ["h264", "opus"],
            videoPayloads: 6,
            audioPayloads: 26,
            firstVideo: nil,
            firstAudio: nil
        ),
        .init(
            fixture: .h265MP3,
            codecs: ["h265", "mp3"],
            videoPayloads: 6,
            audioPayloads: 22,
            firstVideo: (126_000, 144_000),
            firstAudio: nil
        ),
        .init(
            fixture: .ac3,
            codecs: ["ac3"],
            videoPayloads: 0,
            audioPayloads: 16,
            firstVideo: nil,
            firstAudio: 126_000
        ),
    ]

    @Test(arguments: expected)
    func `what ffmpeg writes is read as ffprobe reads it`(expected: Expected) throws {
        let story = try Story([try expected.fixture.bytes])
        #expect(story.tracks.map { $0.map(\.codec.name) } == [expected.codecs])
        let (video, audio) = (story.units(.video), story.units(.audio))
        #expect(video.count == expected.videoPayloads)
        #expect(audio.count == expected.audioPayloads)
        #expect(story.statistics.continuityErrors == 0 && story.statistics.damagedUnits == 0)
        if let first = expected.firstVideo {
            #expect(video.first?.decodeTime.ticks == first.decode)
            #expect(video.first?.presentationTime.ticks == first.presentation)
        }
        if let first = expected.firstAudio { #expect(audio.first?.decodeTime.ticks == first) }
        for units in [video, audio] {
            #expect(zip(units, units.dropFirst()).allSatisfy { $0.decodeTime < $1.decodeTime })
        }
        if let first = video.first { #expect(first.isKeyframe) }
        #expect(video.filter(\.isKeyframe).count < max(1, video.count))
    }

    @Test(arguments: Fixture.allCases)
    func `every cut of the bytes tells the same story`(fixture: Fixture) throws {
        let bytes = try fixture.bytes
        let whole = try? Story([bytes])
        for cut in 1..<bytes.count {
            #expect((try? Story([Array(bytes[..<cut]), Array(bytes[cut...])])) == whole, "cut at \(cut)")
        }
        #expect((try? Story(bytes.map { [$0] })) == whole)
    }

    @Test(arguments: [Fixture.h264AAC, .h264Opus, .h265MP3, .ac3])
    func `without any one packet no damaged unit gets through and the rest does`(fixture: Fixture) throws {
        let packets = try fixture.packets
        let whole = try Story(packets)
        let payloads = Set((whole.units(.video) + whole.units(.audio)).map(\.payload))
        for index in packets.indices {
            var fewer = packets
            let gone = fewer.remove(at: index)
            // What is missing at the very end shows by nothing.
            guard fewer[index...].contains(where: { $0[1] & 0x1F == gone[1] & 0x1F && $0[2] == gone[2] }) else {
                continue
            }
            let story = try Story(fewer)
            let units = story.units(.video) + story.units(.audio)
            #expect(units.allSatisfy { payloads.contains($0.payload) }, "without packet \(index)")
        }
    }

    @Test func `missing packets are counted, each hole once`() throws {
        let packets = try Fixture.h264AAC.packets
        let video = packets.indices.filter { packets[$0][1] & 0x1F == 1 && packets[$0][2] == 0 }
        var fewer = packets
        fewer.removeSubrange(video[1]...video[2])
        #expect(try Story(fewer).statistics.continuityErrors == 1)
    }

    @Test func `missing bytes cost what they were part of and no more`() throws {
        let bytes = try Fixture.h264AAC.bytes
        let whole = try Story([bytes])
        let pictures = whole.units(.video).count
        for start in stride(from: 188 * 8, to: bytes.count - 800, by: 97) {
            let story = try Story([Array(bytes[..<start]) + Array(bytes[(start + 100)...])])
            #expect(story.statistics.resyncs >= 1)
            #expect(story.units(.video).count >= pictures - 3, "from \(start)")
        }
    }

    @Test func `a packet sent twice is read once`() throws {
        let packets = try Fixture.h264AAC.packets
        let story = try Story(packets.flatMap { [$0, $0] })
        #expect(story.events == (try Story(packets)).events)
    }

    @Test func `counters may begin anew where a packet says so`() throws {
        var packets = try Fixture.ac3.packets
        let whole = try Story(packets)
        // A packet of adaptation alone with the discontinuity flag, then counters that do not follow.
        let index = try #require(packets.indices.filter { packets[$0][1] == 0x41 }.dropFirst().first)
        for later in index..<packets.count where packets[later][1] & 0x1F == 1 {
            packets[later][3] = packets[later][3] & 0xF0 | (packets[later][3] &+ 5) & 0xF
        }
        var sign: [UInt8] = [0x47, 0x01, 0x00, 0x20, 183, 0x80]
        sign += [UInt8](repeating: 0xFF, count: 188 - sign.count)
        packets.insert(sign, at: index)
        let story = try Story(packets)
        #expect(story.statistics.continuityErrors == 0)
        #expect(story.events == whole.events)
    }

    @Test func `bytes that are no transport stream are refused`() {
        let noise = [UInt8](repeating: 0x20, count: 300_000)
        #expect(throws: TSError.notATransportStream) { try Story([noise]) }
    }

    @Test func `a program without a track that can be carried is refused by reason`() throws {
        var limits = TSLimits()
        limits.packetsWithoutTrackMax = 10
        let refusal = TSTrackRefusal(pid: PID(0x100), reason: .unsupported(streamType: 0x11))
        let bytes = try Fixture.latm.bytes
        #expect(throws: TSError.noPlayableTrack([refusal])) { try Story([bytes], limits: limits) }
    }

    @Test func `sound goes on alone when the picture that was promised does not come`() throws {
        let packets = try Fixture.h264AAC.packets.filter { !($0[1] & 0x1F == 1 && $0[2] == 0) }
        let story = try Story(packets)
        #expect(story.tracks.map { $0.map(\.id) } == [[.audio]])
        #expect(story.units(.audio).count == 25)
    }
}
