import FLV
import MediaModel
import NIOCore
import Testing
import Timebase

@Suite struct FLVWireFormTests {
    static let configuration = ByteBuffer(bytes: [1, 2, 3])
    static let codecs: [CodecParameters] = [
        .h264(configuration: configuration, width: 640, height: 360),
        .h265(configuration: configuration, width: 640, height: 360),
        .av1(configuration: configuration, width: 640, height: 360),
        .aac(configuration: configuration, sampleRate: 44_100, channels: 2),
        .mp3(sampleRate: 44_100, channels: 2),
        .ac3(configuration: configuration, sampleRate: 48_000, channels: 6),
        .opus(configuration: configuration, channels: 2),
    ]

    static func unit(_ kind: TrackKind, offset: Int64 = 0, key: Bool = true) -> AccessUnit {
        AccessUnit(
            track: kind == .video ? .video : .audio,
            decodeTime: MediaTime(milliseconds: 1234),
            compositionOffset: MediaTime(milliseconds: offset),
            isKeyframe: key,
            payload: ByteBuffer(bytes: [9, 8, 7])
        )
    }

    func parse(_ kind: TrackKind, _ body: ByteBuffer) throws -> FLVMediaTag {
        kind == .video ? try FLVMediaTag.video(body) : try FLVMediaTag.audio(body)
    }

    @Test(arguments: codecs, [(true, 0), (false, 0), (false, 40), (false, -40)] as [(Bool, Int64)])
    func `what is written before a payload reads back as the same frame`(
        codec: CodecParameters,
        frame: (key: Bool, offset: Int64)
    ) throws {
        // Composition offsets exist in H.264 and HEVC alone; keyframe marks in video alone.
        let hasOffset = codec.name == "h264" || codec.name == "h265"
        let unit = Self.unit(codec.kind, offset: hasOffset ? frame.offset : 0, key: codec.kind == .audio || frame.key)
        var body = ByteBuffer()
        FLVBodyHeader.write(for: unit, codec: codec, into: &body)
        body.writeImmutableBuffer(unit.payload)
        let expected = FLVFrame(
            codec: try #require(FLVCodec(codec)),
            isKeyframe: unit.isKeyframe,
            compositionOffsetMilliseconds: Int32(unit.compositionOffset.milliseconds),
            payload: unit.payload
        )
        #expect(try parse(codec.kind, body) == .frame(expected))
    }

    @Test(arguments: codecs)
    func `a sequence header reads back as the codec's configuration`(codec: CodecParameters) throws {
        guard let body = FLVBodyHeader.sequenceHeader(for: codec) else {
            #expect(["mp3", "ac3"].contains(codec.name))
            return
        }
        let expected = FLVMediaTag.sequenceHeader(try #require(FLVCodec(codec)), configuration: Self.configuration)
        #expect(try parse(codec.kind, body) == expected)
    }

    @Test func `H.264, AAC and MP3 take the legacy form that old players read`() {
        var bodies = ByteBuffer()
        FLVBodyHeader.write(for: Self.unit(.video), codec: Self.codecs[0], into: &bodies)
        FLVBodyHeader.write(for: Self.unit(.audio), codec: Self.codecs[3], into: &bodies)
        FLVBodyHeader.write(for: Self.unit(.audio), codec: Self.codecs[4], into: &bodies)
        #expect(bodies == ByteBuffer(bytes: [0x17, 1, 0, 0, 0, 0xAF, 1, 0x2F]))
    }

    @Test func `a composition offset is the difference of the rounded times`() throws {
        // 90 kHz ticks that are no whole milliseconds: 1.5 ms to decode, 2.25 ms later to show, so 3.75 ms.
        var unit = Self.unit(.video)
        unit.decodeTime = MediaTime(ticks: 135)
        unit.compositionOffset = MediaTime(ticks: 202)
        var body = ByteBuffer()
        FLVBodyHeader.write(for: unit, codec: Self.codecs[0], into: &body)
        #expect(body == ByteBuffer(bytes: [0x17, 1, 0, 0, 2]))
    }

    @Test func `an HTTP-FLV stream cut anywhere gives the same tags`() throws {
        let tracks = [Track(id: .video, codec: Self.codecs[0]), Track(id: .audio, codec: Self.codecs[3])]
        var stream = FLVWireForm.opening(for: tracks, timestamp: 7)
        for piece in FLVWireForm.pieces(for: Self.unit(.video, offset: 40), track: tracks[0]) {
            stream.writeImmutableBuffer(piece)
        }
        for piece in FLVWireForm.pieces(for: Self.unit(.audio), track: tracks[1]) { stream.writeImmutableBuffer(piece) }
        let bytes = Array(stream.readableBytesView)
        let whole = try tags(in: [bytes])
        #expect(whole.map(\.header.type) == [.data, .video, .audio, .video, .audio])
        #expect(whole.map(\.header.timestamp) == [7, 7, 7, 1234, 1234])
        for cut in 1..<bytes.count { #expect(try tags(in: [Array(bytes[..<cut]), Array(bytes[cut...])]) == whole) }
        #expect(try tags(in: bytes.map { [$0] }) == whole)
    }

    @Test func `a tag's timestamp keeps all 32 bits and wraps behind them`() throws {
        var unit = Self.unit(.video)
        unit.decodeTime = MediaTime(milliseconds: 0x1_2345_6789)
        let head = try #require(FLVWireForm.pieces(for: unit, track: Track(id: .video, codec: Self.codecs[0])).first)
        #expect(head.getBytes(at: 4, length: 4) == [0x45, 0x67, 0x89, 0x23])
    }

    @Test func `a payload is shared, not copied`() throws {
        let unit = Self.unit(.video)
        let piece = FLVWireForm.pieces(for: unit, track: Track(id: .video, codec: Self.codecs[0]))[1]
        let addresses = [unit.payload, piece].map { buffer in
            buffer.withUnsafeReadableBytes { UInt(bitPattern: $0.baseAddress) }
        }
        #expect(addresses[0] == addresses[1])
    }

    @Test func `a tag over the limit is refused before it is collected`() {
        var limits = FLVTagReader.Limits()
        limits.tagBytesMax = 10
        var stream = ByteBuffer()
        FLVFileHeader(hasAudio: true, hasVideo: true).write(into: &stream)
        FLVTagHeader(type: .video, bodyLength: 11, timestamp: 0).write(into: &stream)
        var reader = FLVTagReader(limits: limits)
        reader.append(stream)
        #expect(throws: FLVError.tagTooLong(bytes: 11, limit: 10)) { try reader.next() }
    }

    @Test func `bytes that are no FLV are refused at the first header`() {
        var reader = FLVTagReader()
        reader.append(ByteBuffer(string: "HTTP/1.1 404 Not Found"))
        #expect(throws: FLVError.notFLV) { try reader.next() }
    }

    private func tags(in pieces: [[UInt8]]) throws -> [FLVTag] {
        var reader = FLVTagReader()
        var tags: [FLVTag] = []
        for piece in pieces {
            reader.append(ByteBuffer(bytes: piece))
            while let tag = try reader.next() { tags.append(tag) }
        }
        return tags
    }
}
