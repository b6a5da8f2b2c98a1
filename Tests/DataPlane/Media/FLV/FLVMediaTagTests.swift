import Bytes
import FLV
import NIOCore
import Testing

@Suite struct FLVMediaTagTests {
    struct Vector: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var body: [UInt8]
        var tag: FLVMediaTag

        init(_ testDescription: String, _ body: [UInt8], _ tag: FLVMediaTag) {
            (self.testDescription, self.body, self.tag) = (testDescription, body, tag)
        }
    }

    static func frame(_ codec: FLVCodec, key: Bool = true, offset: Int32 = 0, _ payload: [UInt8] = [0xAA])
        -> FLVMediaTag
    {
        .frame(
            FLVFrame(
                codec: codec,
                isKeyframe: key,
                compositionOffsetMilliseconds: offset,
                payload: ByteBuffer(bytes: payload)
            )
        )
    }

    static func header(_ codec: FLVCodec) -> FLVMediaTag {
        .sequenceHeader(codec, configuration: ByteBuffer(bytes: [0xCC]))
    }

    static let hvc1 = Array("hvc1".utf8)
    static let av01 = Array("av01".utf8)

    static let video = [
        Vector("AVC sequence header", [0x17, 0, 0, 0, 0, 0xCC], header(.avc)),
        Vector("AVC keyframe", [0x17, 1, 0, 0, 0x50, 0xAA], frame(.avc, offset: 80)),
        Vector(
            "AVC inter frame, shown before its time",
            [0x27, 1, 0xFF, 0xFF, 0xFF, 0xAA],
            frame(.avc, key: false, offset: -1)
        ),
        Vector("AVC end of sequence", [0x17, 2, 0, 0, 0], .endOfSequence),
        Vector("HEVC by its unofficial number", [0x1C, 1, 0, 0, 0, 0xAA], frame(.hevc)),
        Vector("seek mark of a server", [0x57, 0], .ignored(.command)),
        Vector("nothing at all", [], .ignored(.empty)),
        Vector("AVC frame without bytes", [0x17, 1, 0, 0, 0], .ignored(.empty)),
        Vector("enhanced HEVC sequence start", [0x90] + hvc1 + [0xCC], header(.hevc)),
        Vector(
            "enhanced HEVC with composition time",
            [0xA1] + hvc1 + [0, 0, 40, 0xAA],
            frame(.hevc, key: false, offset: 40)
        ),
        Vector("enhanced HEVC without", [0x93] + hvc1 + [0xAA], frame(.hevc)),
        Vector("enhanced AV1 never has composition time", [0x91] + av01 + [0xAA], frame(.av1)),
        Vector("enhanced AVC", [0x91] + Array("avc1".utf8) + [0, 0, 1, 0xAA], frame(.avc, offset: 1)),
        Vector("enhanced VP9", [0xA1] + Array("vp09".utf8) + [0xAA], frame(.vp9, key: false)),
        Vector("enhanced sequence end", [0x92] + av01, .endOfSequence),
        Vector("colour metadata", [0x94] + hvc1 + [2, 0, 0], .ignored(.metadata)),
        Vector("multitrack", [0x96, 0x00] + hvc1, .ignored(.multitrack)),
        Vector("ModEx with nanoseconds before a frame", [0x97, 2, 0, 1, 0, 0x03] + hvc1 + [0xAA], frame(.hevc)),
        Vector("two ModEx", [0x97, 0, 9, 0x07, 2, 0, 1, 0, 0x01] + av01 + [0xAA], frame(.av1)),
        Vector(
            "ModEx with a long payload",
            [0x97, 255, 0x01, 0x00] + [UInt8](repeating: 0, count: 257) + [0x01] + av01 + [0xAA],
            frame(.av1)
        ),
    ]

    static let audio = [
        Vector("AAC sequence header", [0xAF, 0, 0xCC], header(.aac)),
        Vector("AAC frame", [0xAF, 1, 0xAA], frame(.aac)),
        Vector("MP3 frame", [0x2F, 0xAA], frame(.mp3)),
        Vector("MP3 frame at 8 kHz", [0xE2, 0xAA], frame(.mp3)),
        Vector("AAC frame without bytes", [0xAF, 1], .ignored(.empty)),
        Vector("enhanced Opus sequence start", [0x90] + Array("Opus".utf8) + [0xCC], header(.opus)),
        Vector("enhanced Opus frame", [0x91] + Array("Opus".utf8) + [0xAA], frame(.opus)),
        Vector("enhanced AAC frame", [0x91] + Array("mp4a".utf8) + [0xAA], frame(.aac)),
        Vector("enhanced MP3 frame", [0x91] + Array(".mp3".utf8) + [0xAA], frame(.mp3)),
        Vector("enhanced AC-3 frame", [0x91] + Array("ac-3".utf8) + [0xAA], frame(.ac3)),
        Vector("enhanced end", [0x92] + Array("Opus".utf8), .endOfSequence),
        Vector("multichannel layout", [0x94] + Array("Opus".utf8) + [1, 2], .ignored(.metadata)),
        Vector("multitrack", [0x95, 0x10], .ignored(.multitrack)),
        Vector("ModEx before a frame", [0x97, 0, 0, 0x01] + Array("Opus".utf8) + [0xAA], frame(.opus)),
    ]

    @Test(arguments: video)
    func `a video body is read`(vector: Vector) throws {
        #expect(try FLVMediaTag.video(ByteBuffer(bytes: vector.body)) == vector.tag)
    }

    @Test(arguments: audio)
    func `an audio body is read`(vector: Vector) throws {
        #expect(try FLVMediaTag.audio(ByteBuffer(bytes: vector.body)) == vector.tag)
    }

    @Test func `a codec we cannot carry is named`() {
        #expect(throws: FLVError.unsupportedVideoCodecID(2)) { try FLVMediaTag.video(ByteBuffer(bytes: [0x12, 0])) }
        #expect(throws: FLVError.unsupportedSoundFormat(11)) { try FLVMediaTag.audio(ByteBuffer(bytes: [0xB2, 0])) }
        #expect(throws: FLVError.unsupportedFourCC("fLaC")) {
            try FLVMediaTag.audio(ByteBuffer(bytes: [0x91] + Array("fLaC".utf8)))
        }
        #expect(throws: FLVError.unsupportedFourCC("Opus")) {
            try FLVMediaTag.video(ByteBuffer(bytes: [0x91] + Array("Opus".utf8)))
        }
    }

    @Test(
        arguments: [[0x17], [0x17, 1, 0, 0], [0x91, 0x68], [0xA1, 0x68, 0x76, 0x63, 0x31, 0], [0x97, 5, 0]] as [[UInt8]]
    )
    func `a header that ends too early is truncated`(body: [UInt8]) {
        #expect(throws: FLVError.truncated) { try FLVMediaTag.video(ByteBuffer(bytes: body)) }
    }
}
