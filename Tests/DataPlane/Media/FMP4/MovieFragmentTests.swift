import Bytes
import FMP4
import MediaModel
import Testing
import Timebase

import struct NIOCore.ByteBuffer

@Suite struct MovieFragmentTests {
    static let video = MP4Track(Track(id: .video, codec: .h264(configuration: ByteBuffer(), width: 16, height: 16)))
    static let audio = MP4Track(
        Track(id: .audio, codec: .aac(configuration: hex("1210"), sampleRate: 44_100, channels: 2))
    )

    static func unit(_ track: TrackID, _ time: Int64, offset: Int64 = 0, key: Bool = true, _ payload: String)
        -> AccessUnit
    {
        AccessUnit(
            track: track,
            decodeTime: MediaTime(ticks: time),
            compositionOffset: MediaTime(ticks: offset),
            isKeyframe: key,
            payload: hex(payload)
        )
    }

    @Test func `a chunk is written as the specification lays it out`() throws {
        let units = [
            Self.unit(.video, 9000, offset: 3000, "aa"), Self.unit(.audio, 9000, "cccc"),
            Self.unit(.video, 12_000, offset: -3000, key: false, "bbbb"),
        ]
        let runs = [Self.video, Self.audio].compactMap { $0 }
            .compactMap { TrackRun($0, units: units, end: MediaTime(ticks: 15_000)) }
        let bytes = MovieFragment.encode(runs, sequenceNumber: 5)
        let expected = """
            000000c8 6d6f6f66
              00000010 6d666864 00000000 00000005
              00000064 74726166
                00000014 74666864 00020020 00000002 01010000
                00000014 74666474 01000000 0000000000002328
                00000034 7472756e 01000f01 00000002 000000d0
                  00000bb8 00000001 02000000 00000bb8
                  00000bb8 00000002 01010000 fffff448
              0000004c 74726166
                00000014 74666864 00020020 00000003 02000000
                00000014 74666474 01000000 000000000000113a
                0000001c 7472756e 01000301 00000001 000000d3
                  00000400 00000002
            0000000d 6d646174 aa bbbb cccc
            """
        #expect(bytes == hex(expected))
        #expect(try Box.parse(bytes).map(\.type) == ["moof", "mdat"])
    }

    @Test func `rounded times never drift from the true ones`() throws {
        let track = try #require(Self.audio)
        let units = (0..<431).map { number in
            AccessUnit(
                track: .audio,
                decodeTime: MediaTime(milliseconds: MediaTime(samples: number * 1024, rate: 44_100).milliseconds),
                isKeyframe: true,
                payload: hex("00")
            )
        }
        let run = try #require(TrackRun(track, units: units, end: nil))
        let beforeLast = run.samples.dropLast().reduce(0) { $0 + Int64($1.duration) }
        #expect(beforeLast == units[430].decodeTime.samples(atRate: 44_100))
        #expect(run.samples.last?.duration == 1024)
    }

    @Test func `audio times are rounded to the nearest sample`() throws {
        let track = try #require(Self.audio)
        // 45 ticks are 22.05 samples, 46 are 22.54.
        #expect(TrackRun(track, units: [Self.unit(.audio, 45, "aa")], end: nil)?.decodeTime == 22)
        #expect(TrackRun(track, units: [Self.unit(.audio, 46, "aa")], end: nil)?.decodeTime == 23)
    }

    @Test func `the last picture lasts to the end, and at a break as long as the one before`() throws {
        let track = try #require(Self.video)
        let units = [Self.unit(.video, 0, "aa"), Self.unit(.video, 3000, "aa")]
        #expect(TrackRun(track, units: units, end: MediaTime(ticks: 7500))?.samples.map(\.duration) == [3000, 4500])
        #expect(TrackRun(track, units: units, end: nil)?.samples.map(\.duration) == [3000, 3000])
        #expect(TrackRun(track, units: units, end: MediaTime(ticks: 1000))?.samples.map(\.duration) == [3000, 3000])
        #expect(TrackRun(track, units: [units[0]], end: nil)?.samples.map(\.duration) == [3000])
    }

    @Test(arguments: ["00000007 66726565", "00000010 66726565 00", "0000", "00000008 66726565 00"])
    func `the reader refuses boxes that do not fill what holds them`(bytes: String) {
        #expect(throws: Box.Failure.self) { try Box.parse(hex(bytes)) }
    }
}
