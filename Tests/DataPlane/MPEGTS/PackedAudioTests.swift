import Codecs
import MPEGTS
import MediaModel
import NIOCore
import Testing
import Timebase

@Suite struct PackedAudioTests {
    /// A tag as HLS wants it, of ID3 version 2.4.
    private static func tag(_ stamp: UInt64, padding: Int = 0) -> [UInt8] {
        let body =
            Array("com.apple.streaming.transportStreamTimestamp".utf8) + [0]
            + (0..<8).map { UInt8(truncatingIfNeeded: stamp >> UInt64(56 - 8 * $0)) }
        let frame =
            Array("PRIV".utf8) + [0, 0, 0, UInt8(body.count), 0, 0] + body + [UInt8](repeating: 0, count: padding)
        return Array("ID3".utf8) + [4, 0, 0, 0, 0, UInt8(frame.count >> 7), UInt8(frame.count & 0x7F)] + frame
    }

    /// AAC-LC, 48 kHz, stereo.
    private static func frame(_ begin: [UInt8]) -> [UInt8] {
        let payload = begin + [0xAA, 0xBB]
        let config = AudioSpecificConfig(objectType: 2, sampleRateIndex: 3, channelConfiguration: 2)
        let header = config.flatMap { ADTSHeader(config: $0, payloadBytes: payload.count) }?.encoded() ?? ByteBuffer()
        return Array(header.readableBytesView) + payload
    }

    private static func segment(_ parts: [UInt8]...) -> ByteBuffer { ByteBuffer(bytes: parts.flatMap(\.self)) }

    private static func units(_ events: [TSDemuxer.Event]) -> [AccessUnit] {
        events.compactMap { if case .unit(let unit) = $0 { unit } else { nil } }
    }

    @Test func `frames have the tag's time and follow each other by their samples, and the tracks come once`() throws {
        var reader = PackedAudio()
        let first = Self.segment(Self.tag(900_000), Self.frame([1]), Self.frame([2, 2]), Self.frame([3]))
        let events = try reader.take(first)
        guard case .tracks(let tracks)? = events.first else {
            Issue.record("\(events)")
            return
        }
        #expect(tracks.map(\.codec.name) == ["aac"] && tracks.map(\.codec.sampleRate) == [48_000])
        let units = Self.units(events)
        #expect(
            units.map { Array($0.payload.readableBytesView) } == [
                [1, 0xAA, 0xBB], [2, 2, 0xAA, 0xBB], [3, 0xAA, 0xBB],
            ]
        )
        #expect(units.map(\.decodeTime.ticks) == [900_000, 901_920, 903_840])
        let more = try reader.take(Self.segment(Self.tag(1_080_000, padding: 90), Self.frame([4])))
        #expect(more.count == 1 && Self.units(more).map(\.decodeTime.ticks) == [1_080_000])
    }

    @Test func `the clock goes around like that of a transport stream`() throws {
        var reader = PackedAudio()
        let end = UInt64(TSTimestamp.modulus) - 960
        _ = try reader.take(Self.segment(Self.tag(end), Self.frame([1])))
        let units = Self.units(try reader.take(Self.segment(Self.tag(960), Self.frame([2]))))
        #expect(units.map(\.decodeTime.ticks) == [TSTimestamp.modulus + 960])
    }

    @Test func `a segment without a tag goes on where the last one ended`() throws {
        var reader = PackedAudio()
        _ = try reader.take(Self.segment(Self.tag(90_000), Self.frame([1])))
        let units = Self.units(try reader.take(Self.segment(Self.frame([2]), [0, 0, 0], Self.frame([3]))))
        #expect(units.map(\.decodeTime.ticks) == [91_920, 93_840])
    }

    @Test func `what has no time or no frame is refused`() {
        var reader = PackedAudio()
        #expect(throws: PackedAudio.Fault.noTime) { try reader.take(Self.segment(Self.frame([1]))) }
        for bytes in [Self.tag(0), Self.tag(0) + [1, 2, 3], Array(Self.tag(0).dropLast(9))] {
            #expect(throws: PackedAudio.Fault.noFrame) { try reader.take(Self.segment(bytes)) }
        }
    }

    @Test(
        arguments: [
            ([0x47, 0x40, 0x00, 0x10], false), ([0x49, 0x44, 0x33], false), ([0xFF, 0xF1, 0x4C, 0x80], true),
            ([0xFF, 0xFB, 0x90, 0x00], true), ([0x0B, 0x77, 0, 0], true), ([], false), (tag(1), true),
        ] as [([UInt8], Bool)]
    )
    func `a segment shows by its first bytes what it is`(bytes: [UInt8], isPacked: Bool) {
        #expect(PackedAudio.isOne(ByteBuffer(bytes: bytes)) == isPacked)
    }
}
