import Codecs
import MediaModel
import NIOCore
import Testing

/// What transport streams need of the codecs beside the other containers.
@Suite struct TransportCodecTests {
    @Test(arguments: [
        // 48 kHz, 192 kbit/s, 2/0; then 5.1 at 44.1 kHz with the longer frame; 32 kHz mono.
        ("0b77 0000 14 40 43 00", 48_000, 2, 768, "101140"),
        ("0b77 0000 5d 40 e1 c0", 44_100, 6, 1672, "503dc0"),
        ("0b77 0000 80 40 20 00", 32_000, 1, 192, "900800"),
    ])
    func `an AC-3 frame tells its rate, channels, length and MP4 record`(
        head: String,
        rate: Int,
        channels: Int,
        frameBytes: Int,
        record: String
    ) throws {
        let header = try AC3FrameHeader(parsing: hex(head))
        #expect(header.sampleRate == rate && header.channels == channels && header.frameBytes == frameBytes)
        #expect(header.parameters == .ac3(configuration: hex(record), sampleRate: rate, channels: channels))
    }

    @Test(arguments: [
        "0b76 0000 14 40 43 00", "0b77 0000 d4 40 43 00", "0b77 0000 26 40 43 00", "0b77 0000 14 80 43 00",
    ])
    func `what is not AC-3 is refused`(head: String) {
        #expect(throws: CodecError.self) { try AC3FrameHeader(parsing: hex(head)) }
    }

    @Test(
        arguments: [
            ("fffb 9064", 417), ("fffb 9264", 418), ("fff3 8064", 208), ("fffb 0064", nil),
        ] as [(String, Int?)]
    )
    func `an MP3 header tells the length of its frame`(head: String, frameBytes: Int?) throws {
        #expect(try MP3FrameHeader(parsing: hex(head)).frameBytes == frameBytes)
    }

    @Test(arguments: 1...8) func `an Opus header made for a number of channels reads back`(channels: Int) throws {
        let head = try OpusHead(parsing: OpusHead.encoded(channels: channels))
        #expect(head.channels == channels)
        #expect(head.mappingFamily == (channels > 2 ? 1 : 0))
        // Each stream is used, and no channel comes from a stream that is not there.
        let streams = head.mappingTable.prefix(2).reduce(0) { $0 + Int($1) }
        if channels > 2 { #expect(Set(head.mappingTable.dropFirst(2)) == Set((0..<streams).map(UInt8.init))) }
    }
}
