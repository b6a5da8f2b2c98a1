import Codecs
import FLV
import MediaFixtures
import MediaModel
import NIOCore
import RTMP
import RTMPServer
import Streams
import Testing
import Timebase

/// What each kind of media message becomes in the hub.
@Suite struct RTMPToStreamTests {
    private let fixture = FixtureStream(seed: 6)

    private static func bytes(_ bytes: [UInt8]) -> ByteBuffer { ByteBuffer(bytes: bytes) }

    private static let avcHeader =
        FLVBodyHeader.sequenceHeader(
            for: .h264(configuration: SampleClip.avcConfiguration, width: 128, height: 72)
        ) ?? ByteBuffer()
    private static let aacHeader =
        FLVBodyHeader.sequenceHeader(
            for: .aac(configuration: SampleClip.audioSpecificConfig, sampleRate: 44_100, channels: 1)
        ) ?? ByteBuffer()
    private static let keyframe = bytes([0x17, 1, 0, 0, 40, 0, 0, 0, 2, 0x65, 0x88])
    private static let picture = bytes([0x27, 1, 0xFF, 0xFF, 0xFE, 0, 0, 0, 2, 0x41, 0x9A])
    private static let sound = bytes([0xAF, 1, 0x21, 0x10])

    private func units(_ items: [IngestItem]) -> [AccessUnit] {
        items.compactMap { if case .unit(let unit, _) = $0 { unit } else { nil } }
    }

    private func tracks(_ items: [IngestItem]) -> [[TrackKind]] {
        items.compactMap { if case .tracks(let tracks) = $0 { tracks.map(\.kind) } else { nil } }
    }

    @Test func `Both headers first: tracks are announced once, before the first frame`() throws {
        var adapter = RTMPToStream()
        #expect(try adapter.video(Self.avcHeader, timestamp: 0) == [])
        #expect(try adapter.audio(Self.aacHeader, timestamp: 0) == [])
        let first = try adapter.video(Self.keyframe, timestamp: 40)
        #expect(tracks(first) == [[.video, .audio]] || tracks(first) == [[.audio, .video]])
        guard case .tracks = first.first else { Issue.record("the first item is \(first)"); return }
        #expect(tracks(try adapter.audio(Self.sound, timestamp: 45)) == [])
    }

    private static func data(_ name: String, bytes count: Int = 1) -> MediaMessage {
        var body = ByteBuffer()
        body.writeAMF0(.string(name))
        body.writeAMF0(.string(String(repeating: "x", count: count)))
        return MediaMessage(kind: .data, timestamp: 60, payload: body)
    }

    @Test func `Data messages go on as they are, but for metadata, which is the server's own, and what is too long`()
        throws
    {
        var adapter = RTMPToStream()
        var batch: [IngestItem] = []
        _ = try adapter.video(Self.avcHeader, timestamp: 0)
        _ = try adapter.audio(Self.aacHeader, timestamp: 0)
        _ = try adapter.video(Self.keyframe, timestamp: 40)
        let names = ["onTextData", "onCuePoint", "onFI", "myOwnEvent"]
        for name in names { try adapter.take(Self.data(name), into: &batch) }
        #expect(units(batch).map(\.payload) == names.map { Self.data($0).payload })
        #expect(units(batch).allSatisfy { $0.track == .data && !$0.isKeyframe })
        batch = []
        try adapter.take(Self.data("onMetaData"), into: &batch)
        try adapter.take(Self.data("onTextData", bytes: 70_000), into: &batch)
        #expect(batch == [])
    }

    @Test func `A frame keeps its time, its composition offset, its payload and whether decoding can start at it`()
        throws
    {
        var adapter = RTMPToStream()
        _ = try adapter.video(Self.avcHeader, timestamp: 0)
        _ = try adapter.audio(Self.aacHeader, timestamp: 0)
        let key = try #require(units(try adapter.video(Self.keyframe, timestamp: 40)).first)
        #expect(key.decodeTime == MediaTime(milliseconds: 40))
        #expect(key.compositionOffset == MediaTime(milliseconds: 40))
        #expect(key.isKeyframe)
        #expect(key.payload == Self.bytes([0, 0, 0, 2, 0x65, 0x88]))
        let other = try #require(units(try adapter.video(Self.picture, timestamp: 80)).first)
        #expect(other.compositionOffset == MediaTime(milliseconds: -2))
        #expect(!other.isKeyframe)
        let items = try adapter.audio(Self.sound, timestamp: 81)
        guard case .unit(let sound, let frame) = try #require(items.first) else { Issue.record("\(items)"); return }
        #expect(sound.payload == Self.bytes([0x21, 0x10]))
        #expect(frame == AudioFrameDuration(samples: 1024, rate: 44_100))
    }

    @Test func `One kind alone is announced after half a second of it, and nothing is lost`() throws {
        var adapter = RTMPToStream()
        _ = try adapter.video(Self.avcHeader, timestamp: 0)
        var items: [IngestItem] = []
        for time in stride(from: UInt32(1000), to: 1500, by: 100) {
            #expect(try adapter.video(Self.picture, timestamp: time) == [], "\(time)")
        }
        items = try adapter.video(Self.picture, timestamp: 1500)
        #expect(tracks(items) == [[.video]])
        #expect(units(items).map(\.decodeTime.milliseconds) == [1000, 1100, 1200, 1300, 1400, 1500])
        _ = try adapter.audio(Self.aacHeader, timestamp: 1600)
        #expect(try adapter.audio(Self.sound, timestamp: 1600).count == 1)
    }

    @Test func `A late or changed header announces the tracks anew, a repeated one does not`() throws {
        var adapter = RTMPToStream()
        _ = try adapter.video(Self.avcHeader, timestamp: 0)
        _ = try adapter.video(Self.keyframe, timestamp: 0)
        _ = try adapter.video(Self.picture, timestamp: 600)
        #expect(try adapter.video(Self.avcHeader, timestamp: 700) == [])
        let late = try adapter.audio(Self.aacHeader, timestamp: 700)
        #expect(tracks(late).first.map(Set.init) == [.video, .audio])
        #expect(try adapter.audio(Self.aacHeader, timestamp: 800) == [])
        // The same object type at 48 kHz stereo.
        let changed = try adapter.audio(Self.bytes([0xAF, 0, 0x11, 0x90]), timestamp: 900)
        #expect(tracks(changed).count == 1)
    }

    @Test func `A frame that never is announced is not kept for ever`() throws {
        var adapter = RTMPToStream()
        _ = try adapter.video(Self.avcHeader, timestamp: 0)
        var items: [IngestItem] = []
        for _ in 0..<256 where items.isEmpty { items = try adapter.video(Self.picture, timestamp: 0) }
        #expect(units(items).count == 256)
    }

    @Test func `NAL units with lengths of other sizes come out with four bytes of length`() throws {
        var adapter = RTMPToStream()
        var header = Self.avcHeader
        // lengthSizeMinusOne, behind the five bytes of the body and four of the record.
        header.setInteger(UInt8(0xFC | 1), at: header.readerIndex + 9)
        _ = try adapter.video(header, timestamp: 0)
        _ = try adapter.audio(Self.aacHeader, timestamp: 0)
        let body = Self.bytes([0x17, 1, 0, 0, 0, 0, 2, 0x65, 0x88, 0, 1, 0x06])
        let unit = try #require(units(try adapter.video(body, timestamp: 0)).first)
        #expect(unit.payload == Self.bytes([0, 0, 0, 2, 0x65, 0x88, 0, 0, 0, 1, 0x06]))
    }

    @Test func `MP3 needs no header: the frame tells`() throws {
        var adapter = RTMPToStream()
        let mp3 = Self.bytes([0x2F, 0xFF, 0xFB, 0x90, 0x00] + [UInt8](repeating: 0, count: 100))
        _ = try adapter.audio(mp3, timestamp: 0)
        let items = try adapter.audio(mp3, timestamp: 500)
        #expect(tracks(items) == [[.audio]])
        guard case .unit(_, let frame) = try #require(items.last) else { Issue.record("\(items)"); return }
        #expect(frame == AudioFrameDuration(samples: 1152, rate: 44_100))
    }

    private static let silent: [(name: String, body: [UInt8])] = [
        ("an empty body", []),
        ("an empty frame", [0x17, 1, 0, 0, 0]),
        ("an empty sequence header", [0x17, 0, 0, 0, 0]),
        ("the end of the sequence", [0x17, 2, 0, 0, 0]),
        ("a command", [0x57, 0]),
        ("metadata of Enhanced RTMP", [0x94] + Array("avc1".utf8) + [2]),
        ("further tracks", [0x96, 0x10]),
        ("a packet type of tomorrow", [0x9E, 1, 2, 3, 4]),
    ]

    @Test func `What carries no media of the stream leaves no trace`() throws {
        var adapter = RTMPToStream()
        for (name, body) in Self.silent {
            #expect(try adapter.video(Self.bytes(body), timestamp: 0) == [], "\(name)")
        }
    }

    private static let faults: [(name: String, fault: RTMPToStream.Fault, body: [UInt8])] = [
        ("a frame before its header", .frameBeforeHeader, [0x17, 1, 0, 0, 0, 0, 0, 0, 1, 0x65]),
        ("half a header", .container(.truncated), [0x17]),
        ("a codec id of another time", .container(.unsupportedVideoCodecID(2)), [0x12, 0]),
        ("VP9", .unsupported(.vp9), [0x90] + Array("vp09".utf8) + [1]),
    ]

    @Test func `What cannot be carried is a fault with a name`() {
        for (name, fault, body) in Self.faults {
            var adapter = RTMPToStream()
            #expect(throws: fault, "\(name)") { try adapter.video(Self.bytes(body), timestamp: 0) }
        }
    }

    // MARK: Time

    @Test func `Milliseconds go on over the wrap at 2^32, and back again`() {
        var clock = MillisecondUnwrapper()
        let stamps: [UInt32] = [0xFFFF_FF00, 0xFFFF_FFFF, 0, 100, 0xFFFF_FFFE, 50]
        let base: Int64 = 0xFFFF_FF00
        #expect(stamps.map { clock.unwrap($0) } == [base, base + 255, base + 256, base + 356, base + 254, base + 306])
    }

    /// 2³¹ − 1 ms at a time, ticks would overflow after 48 million messages: minutes for a hostile publisher.
    @Test func `Endless jumps forward never leave what ticks can hold`() {
        var clock = MillisecondUnwrapper()
        var stamp: UInt32 = 0
        var largest: UInt64 = 0
        for _ in 0..<2_000_000 {
            stamp &+= 0x7FFF_FFFF
            largest = max(largest, clock.unwrap(stamp).magnitude)
        }
        #expect(largest < 1 << 50)
    }
}

extension RTMPToStream {
    fileprivate mutating func video(_ body: ByteBuffer, timestamp: UInt32) throws(Fault) -> [IngestItem] {
        try items(of: MediaMessage(kind: .video, timestamp: timestamp, payload: body))
    }

    fileprivate mutating func audio(_ body: ByteBuffer, timestamp: UInt32) throws(Fault) -> [IngestItem] {
        try items(of: MediaMessage(kind: .audio, timestamp: timestamp, payload: body))
    }

    private mutating func items(of message: MediaMessage) throws(Fault) -> [IngestItem] {
        var batch: [IngestItem] = []
        try take(message, into: &batch)
        return batch
    }
}
