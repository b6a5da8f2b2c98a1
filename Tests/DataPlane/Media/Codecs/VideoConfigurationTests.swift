import Codecs
import MediaModel
import Testing

import struct NIOCore.ByteBuffer

@Suite struct VideoConfigurationTests {
    struct Vector: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var record: String
        var width: Int
        var height: Int
        var framesPerSecond: Double?
        var codecString: String
    }

    /// avcC boxes of files written by ffmpeg 5.1 with libx264.
    static let avc = [
        Vector(
            testDescription: "High 4:4:4 at 30000/1001 Hz, cropped from 1,088 lines",
            record: "01f40028ffe1001a67f40028919680780227e2701100000303e90000ea600f1832a001000568ce0f1920fff8f800",
            width: 1920,
            height: 1080,
            framesPerSecond: 30_000.0 / 1001,
            codecString: "avc1.f40028"
        ),
        Vector(
            testDescription: "interlaced High, cropped in field units",
            record:
                "01640028ffe1001e67640028acd94078044fdffe0006000820000003002000000643e2c5b2c001000668fba3cb22c0fdf8f800",
            width: 1920,
            height: 1080,
            framesPerSecond: 25,
            codecString: "avc1.640028"
        ),
        Vector(
            testDescription: "Constrained Baseline, cropped on both sides of odd macroblocks",
            record: "0142c00dffe1001c6742c00dd901519e226ffc00d0011440000003004000000c83c50a9201000568cb83cb20",
            width: 322,
            height: 182,
            framesPerSecond: 25,
            codecString: "avc1.42c00d"
        ),
        Vector(
            testDescription: "High 4:2:2 with 10 bits",
            record:
                "017a001effe1001f677a001eb6cd940a02ff89ffc000c00104000003000400000300c83c58b65801000668ebe3cb22c0fefafa00",
            width: 640,
            height: 360,
            framesPerSecond: 25,
            codecString: "avc1.7a001e"
        ),
    ]

    @Test(arguments: avc)
    func `an AVC record gives size, rate and name, and encodes to itself`(vector: Vector) throws {
        let parameters = try CodecParameters.h264(avcC: hex(vector.record))
        #expect(parameters == .h264(configuration: hex(vector.record), width: vector.width, height: vector.height))
        #expect(parameters.codecString == vector.codecString)
        #expect(parameters.framesPerSecond == vector.framesPerSecond)
    }

    /// Of x264 without B-frames, with three, with three and HRD parameters, with three and no VUI, and with a VUI cut short.
    @Test(
        arguments: [
            ("6764000cacb202833f3e0220000003002000000641e28549", 0),
            ("6764000cacd941419f9f011000000300100000030320f1429960", 2),
            ("6764000dacd941419f9f01100000030010000003032602001e840007a12930c01e28532c", 2),
            ("6764000cacd941419f9d", nil), ("6764000cacd941419f9f01100000030010", nil),
        ] as [(String, Int?)]
    )
    func `an H.264 SPS tells how many pictures wait for their turn, or does not`(sps: String, count: Int?) throws {
        #expect(try H264SequenceParameterSet(parsing: hex(sps)).reorderedPicturesMax == count)
    }

    /// Of x265 without B-frames and with three.
    @Test(arguments: [
        ("42010101600000030090000003000003003ca00a080b9f7964a924caf0168080000003008000000c84", 0),
        ("42010101600000030090000003000003003ca00a080b9f796565924caf016808000003000800000300c840", 2),
    ])
    func `an H.265 SPS tells how many pictures wait for their turn`(sps: String, count: Int) throws {
        #expect(try H265SequenceParameterSet(parsing: hex(sps)).reorderedPicturesMax == count)
    }

    @Test(arguments: avc)
    func `an AVC record is rebuilt from its parameter sets alone`(vector: Vector) throws {
        let parsed = try AVCConfiguration(parsing: hex(vector.record))
        let rebuilt = AVCConfiguration(
            sequenceParameterSets: parsed.sequenceParameterSets,
            pictureParameterSets: parsed.pictureParameterSets
        )
        #expect(rebuilt?.encoded() == hex(vector.record))
    }

    @Test func `two-byte NAL unit lengths become four in the stored record`() throws {
        let record = Self.avc[2].record
        let short = record.replacing("0142c00dff", with: "0142c00dfd")
        #expect(try AVCConfiguration(parsing: hex(short)).lengthBytes == 2)
        #expect(try CodecParameters.h264(avcC: hex(short)) == CodecParameters.h264(avcC: hex(record)))
    }

    /// hvcC boxes of ffmpeg 5.1 with libx265, without their SEI array.
    static let hevc = [
        Vector(
            testDescription: "range extensions 4:4:4",
            record: """
                0104080000009e08000000003cf000fcfff8f800000f03a00001001740010c01ffff0408000003009e0800000300003c959809a10001\
                002c4201010408000003009e0800000300003c9001410173e5cb2b349265780b7020200040000003004000000642a2000100084401c1\
                72860c4624
                """,
            width: 320,
            height: 180,
            codecString: "hvc1.4.10.L60.9E.8"
        ),
        Vector(
            testDescription: "Main 10 with a conformance window",
            record: """
                0102200000009000000000003cf000fcfdfafa00000f03a00001001840010c01ffff02200000030090000003000003003c959809a100\
                01002c42010102200000030090000003000003003ca00a480b9c94d96566924caf016808000003000800000300c840a2000100074401\
                c172b46240
                """,
            width: 322,
            height: 182,
            codecString: "hvc1.2.4.L60.90"
        ),
    ]

    @Test(arguments: hevc)
    func `an HEVC record gives size and name`(vector: Vector) throws {
        let parameters = try CodecParameters.h265(hvcC: hex(vector.record))
        #expect(parameters == .h265(configuration: hex(vector.record), width: vector.width, height: vector.height))
        #expect(parameters.codecString == vector.codecString)
    }

    /// 720 × 576 at 25 Hz in 64:45, by ffmpeg 5.1 with libx264 and libx265.
    static let wideSets = [
        "42010101600000030090000003000003005aa005a20090596566924e57ff80200016b5050605e10000030001000003001908",
        "42010101600000030090000003000003005aa005a200905965654a4c2fff0040002d6a0a0c0bc20000030002000003003210",
    ]

    @Test(arguments: wideSets)
    func `an HEVC parameter set tells shape and rate, however it is cut or bent`(set: String) throws {
        let parsed = try H265SequenceParameterSet(parsing: hex(set))
        #expect(parsed.sampleAspectRatio == SampleAspectRatio(width: 64, height: 45))
        #expect(parsed.framesPerSecond == 25)
        for broken in damaged(hex(set)) { _ = try? H265SequenceParameterSet(parsing: broken) }
    }

    @Test func `an H.264 parameter set tells shape and rate`() throws {
        let set = "6742c01eda02d049bff0040002d6a0a0c0a80000030008000003019078b175"
        let parsed = try H264SequenceParameterSet(parsing: hex(set))
        #expect(parsed.sampleAspectRatio == SampleAspectRatio(width: 64, height: 45))
        #expect(parsed.framesPerSecond == 25)
        let record = AVCConfiguration(
            sequenceParameterSets: [hex(set)],
            pictureParameterSets: [hex("68ce3c80")]
        )
        let codec = try CodecParameters.h264(avcC: try #require(record).encoded())
        #expect(try #require(codec.displaySize) == (1024, 576))
        #expect(try #require(codec.pictureSize) == (720, 576))
    }

    @Test func `an AV1 unit is stored without its delimiter`() throws {
        let rest = hex("0a0b000000043cfecc02f80040" + "320210aa")
        var unit = hex("1200")
        unit.writeImmutableBuffer(rest)
        #expect(try AV1TemporalUnit.withoutDelimiters(unit) == rest)
        #expect(throws: CodecError.self) { try AV1TemporalUnit.withoutDelimiters(hex("3205aa")) }
    }

    @Test func `an HEVC record of thousands of empty NAL units is refused before they are counted up`() {
        var record = hex(Self.hevc[0].record)
        record.moveWriterIndex(to: record.readerIndex + 22)
        record.writeBytes([1, 32, 0xFF, 0xFF] + [UInt8](repeating: 0, count: 2 * 0xFFFF))
        let refusal = CodecError.malformed(.hevcConfiguration, "more than 256 NAL units")
        #expect(throws: refusal) { _ = try HEVCConfiguration(parsing: record) }
    }

    /// From ffmpeg 5.1 with libsvtav1.
    static let av1 = "81000c000a0b000000043cfecc02f80040"

    @Test func `an AV1 record gives size and name`() throws {
        let parameters = try CodecParameters.av1(av1C: hex(Self.av1))
        #expect(parameters == .av1(configuration: hex(Self.av1), width: 320, height: 180))
        #expect(parameters.codecString == "av01.0.00M.08")
    }

    @Test func `a record made of what the stream carries says what the encoder's own record says`() throws {
        let units = hex(String(Self.av1.dropFirst(8)))
        #expect(try AV1Configuration.record(sequenceHeaderIn: units) == hex(Self.av1))
        for vector in Self.hevc {
            let theirs = try HEVCConfiguration(parsing: hex(vector.record))
            let made = try HEVCConfiguration.record(
                videoParameterSets: theirs.parameterSets(.video),
                sequenceParameterSets: theirs.parameterSets(.sequence),
                pictureParameterSets: theirs.parameterSets(.picture)
            )
            let ours = try HEVCConfiguration(parsing: try #require(made))
            #expect(ours.codecString == vector.codecString)
            for kind in [HEVCConfiguration.ParameterSetType.video, .sequence, .picture] {
                #expect(ours.parameterSets(kind) == theirs.parameterSets(kind))
            }
        }
    }

    /// Profile 2, 4.1, ten bits, 4:2:0, full range.
    @Test func `a VP9 record gives name, and reads as it was written`() throws {
        var configuration = VPConfiguration(profile: 2, level: 41)
        (configuration.bitDepth, configuration.isFullRange) = (10, true)
        #expect(configuration.encoded() == hex("0229a30202020000"))
        #expect(try VPConfiguration(parsing: configuration.encoded()) == configuration)
        #expect(configuration.vp9CodecString == "vp09.02.41.10")
        #expect(throws: CodecError.truncated(.vpConfiguration)) { try VPConfiguration(parsing: hex("0229a302020200")) }
    }

    @Test func `an AV1 record without a sequence header is accepted with an unknown size`() throws {
        #expect(try CodecParameters.av1(av1C: hex("81050c00")).pictureSize == nil)
    }

    @Test func `damaged records are refused or read, and never trap`() {
        for vector in Self.avc {
            for bytes in damaged(hex(vector.record)) { _ = try? CodecParameters.h264(avcC: bytes) }
        }
        for vector in Self.hevc {
            for bytes in damaged(hex(vector.record)) { _ = try? CodecParameters.h265(hvcC: bytes) }
        }
        for bytes in damaged(hex(Self.av1)) { _ = try? CodecParameters.av1(av1C: bytes) }
        #expect(throws: CodecError.truncated(.avcConfiguration)) { try CodecParameters.h264(avcC: hex("0164")) }
        #expect(throws: CodecError.self) { try CodecParameters.h264(avcC: hex("01640028ffe000")) }
    }
}
