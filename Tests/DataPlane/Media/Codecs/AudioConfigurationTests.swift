import Codecs
import MediaModel
import Testing

import struct NIOCore.ByteBuffer

@Suite struct AudioConfigurationTests {
    struct Vector: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var config: String
        var sampleRate: Int
        var channels: Int
        var samplesPerFrame: Int
        var codecString = "mp4a.40.2"
    }

    static let vectors = [
        Vector(
            testDescription: "AAC-LC stereo",
            config: "1210",
            sampleRate: 44_100,
            channels: 2,
            samplesPerFrame: 1024
        ),
        Vector(
            testDescription: "AAC-LC mono with a sync extension that says no SBR",
            config: "120856e500",
            sampleRate: 44_100,
            channels: 1,
            samplesPerFrame: 1024
        ),
        Vector(
            testDescription: "explicit SBR: the rate that is heard is twice the core's",
            config: "2b920800",
            sampleRate: 44_100,
            channels: 2,
            samplesPerFrame: 2048,
            codecString: "mp4a.40.5"
        ),
        Vector(
            testDescription: "explicit parametric stereo makes two channels of one",
            config: "eb8a0800",
            sampleRate: 44_100,
            channels: 2,
            samplesPerFrame: 2048,
            codecString: "mp4a.40.29"
        ),
        Vector(
            testDescription: "sampling frequency written out",
            config: "1780562208",
            sampleRate: 44_100,
            channels: 1,
            samplesPerFrame: 1024
        ),
        Vector(
            testDescription: "960-sample frames",
            config: "1214",
            sampleRate: 44_100,
            channels: 2,
            samplesPerFrame: 960
        ),
        Vector(
            testDescription: "channels in a program config element",
            config: "12000504000020",
            sampleRate: 44_100,
            channels: 2,
            samplesPerFrame: 1024
        ),
        Vector(testDescription: "5.1", config: "11b0", sampleRate: 48_000, channels: 6, samplesPerFrame: 1024),
    ]

    @Test(arguments: vectors)
    func `an AudioSpecificConfig says what comes out of the decoder`(vector: Vector) throws {
        let parameters = try CodecParameters.aac(audioSpecificConfig: hex(vector.config))
        let expected = CodecParameters.aac(
            configuration: hex(vector.config),
            sampleRate: vector.sampleRate,
            channels: vector.channels
        )
        #expect(parameters == expected)
        #expect(parameters.samples(inFrame: ByteBuffer()) == vector.samplesPerFrame)
        #expect(parameters.codecString == vector.codecString)
    }

    @Test func `ADTS and AudioSpecificConfig describe the same stream`() throws {
        let config = try AudioSpecificConfig(parsing: hex("1210"))
        let header = try #require(ADTSHeader(config: config, payloadBytes: 100))
        #expect(header.encoded() == hex("fff1 5080 0d7f fc"))
        let parsed = try ADTSHeader(parsing: header.encoded())
        #expect(parsed == header)
        #expect(parsed.audioSpecificConfig?.encoded() == hex("1210"))
    }

    @Test func `Opus is named by its head, and its packets by their first byte`() throws {
        let head = hex("4f70757348656164 01 02 3801 80bb0000 0000 00")
        #expect(try CodecParameters.opus(head: head) == .opus(configuration: head, channels: 2))
        #expect(try OpusHead(parsing: head).preSkip == 312)
        let cases: [(String, Int?)] = [
            ("fc", 960), ("f8", 960), ("e0", 120), ("19", 5760), ("83 04", 480), ("fb 3f", nil), ("", nil), ("03", nil),
        ]
        for (packet, samples) in cases { #expect(OpusPacket.samples(hex(packet)) == samples, "\(packet)") }
    }

    @Test(arguments: [
        ("fffb5400", 48_000, 2, 1152), ("fff344c4", 24_000, 1, 576), ("ffe318c4", 8000, 1, 576),
    ])
    func `an MP3 frame header says rate, channels and length`(header: String, rate: Int, channels: Int, samples: Int)
        throws
    {
        let parameters = try CodecParameters.mp3(firstFrame: hex(header))
        #expect(parameters == .mp3(sampleRate: rate, channels: channels))
        #expect(parameters.samples(inFrame: hex(header)) == samples)
    }

    @Test(arguments: ["", "12", "17", "1680", "1780000000", "0000"])
    func `an AudioSpecificConfig cut short or without rate or channels is refused`(config: String) {
        #expect(throws: CodecError.self) { try CodecParameters.aac(audioSpecificConfig: hex(config)) }
    }

    @Test func `damaged audio headers are refused or read, and never trap`() {
        for vector in Self.vectors {
            for bytes in damaged(hex(vector.config)) { _ = try? CodecParameters.aac(audioSpecificConfig: bytes) }
        }
        for bytes in damaged(hex("4f70757348656164 01 08 3801 80bb0000 0000 01 05 03 0001020304050607")) {
            _ = try? CodecParameters.opus(head: bytes)
        }
        for bytes in damaged(hex("fff15080 0d7ffc")) { _ = try? ADTSHeader(parsing: bytes).audioSpecificConfig }
        for bytes in damaged(hex("fffb5400")) { _ = try? CodecParameters.mp3(firstFrame: bytes) }
    }
}
