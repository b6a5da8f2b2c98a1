import ClusterModel
import FLV
import Foundation
import HTTPServer
import MediaModel
import NIOCore
import NIOPosix
import RTMP
import Streams
import Testing
import Timebase

/// HEVC, AV1 and Opus by Enhanced RTMP, from a publisher to players of every protocol.
@Suite(.timeLimit(.minutes(2))) struct EnhancedRTMPTests {
    private struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var video: CodecParameters
        var audio: CodecParameters
        var keyframe: [UInt8]
        var picture: [UInt8]
        /// The FourCC of the FLV tags, the box of the initialization section, and the name in the playlist.
        var tag: String
        var box: String
        var name: String
    }

    private static let opus = ByteBuffer(
        bytes: Array("OpusHead".utf8) + [1, 2, 0x38, 0x01, 0x80, 0xBB, 0, 0, 0, 0, 0]
    )

    /// Records from ffmpeg 5.1 with libx265 and libsvtav1.
    private static let cases = [
        Case(
            testDescription: "HEVC with Opus",
            video: .h265(configuration: bytes(hevcRecord), width: 320, height: 180),
            audio: .opus(configuration: opus, channels: 2),
            keyframe: [0, 0, 0, 4, 0x26, 1, 0xAF, 0x11],
            picture: [0, 0, 0, 4, 0x02, 1, 0xD0, 0x22],
            tag: "hvc1",
            box: "hvcC",
            name: "hvc1.4.10.L60.9E.8"
        ),
        Case(
            testDescription: "AV1 with Opus",
            video: .av1(configuration: bytes("81000c000a0b000000043cfecc02f80040"), width: 320, height: 180),
            audio: .opus(configuration: opus, channels: 2),
            keyframe: [0x12, 0, 0x32, 2, 0x10, 0],
            picture: [0x12, 0, 0x32, 2, 0x30, 0],
            tag: "av01",
            box: "av1C",
            name: "av01.0.00M.08"
        ),
    ]

    private static let hevcRecord = """
        0104080000009e08000000003cf000fcfff8f800000f03a00001001740010c01ffff0408000003009e0800000300003c\
        959809a10001002c4201010408000003009e0800000300003c9001410173e5cb2b349265780b70202000400000030040\
        00000642a2000100084401c172860c4624
        """

    private static func bytes(_ hexadecimal: String) -> ByteBuffer {
        let digits = Array(hexadecimal.utf8)
        return ByteBuffer(
            bytes: stride(from: 0, to: digits.count, by: 2).compactMap {
                UInt8(String(decoding: digits[$0...$0 + 1], as: UTF8.self), radix: 16)
            }
        )
    }

    /// A keyframe a second at 25 frames, and a packet of sound every 20 ms.
    private static func messages(_ example: Case, seconds: Int) -> [MediaMessage] {
        let tracks = [Track(id: .video, codec: example.video), Track(id: .audio, codec: example.audio)]
        let headers = tracks.compactMap { track in
            FLVBodyHeader.sequenceHeader(for: track.codec).map {
                MediaMessage(kind: track.kind, timestamp: 0, payload: $0)
            }
        }
        let frames = (0..<seconds * 50).flatMap { number -> [MediaMessage] in
            let time = MediaTime(milliseconds: Int64(number) * 20)
            let isKeyframe = number % 50 == 0
            var units = [AccessUnit(track: .audio, decodeTime: time, isKeyframe: true, payload: bytes("fcfffe"))]
            if number % 2 == 0 {
                let payload = ByteBuffer(bytes: isKeyframe ? example.keyframe : example.picture)
                units.insert(
                    AccessUnit(track: .video, decodeTime: time, isKeyframe: isKeyframe, payload: payload),
                    at: 0
                )
            }
            return units.map { unit in
                let track = unit.track == .video ? tracks[0] : tracks[1]
                var body = ByteBuffer()
                FLVBodyHeader.write(for: unit, codec: track.codec, into: &body)
                body.writeImmutableBuffer(unit.payload)
                return MediaMessage(kind: track.kind, timestamp: UInt32(number * 20), payload: body)
            }
        }
        return headers + frames
    }

    private func get(_ worker: TestWorker, _ target: String) async throws -> RawClient {
        let client = try await RawClient(port: worker.httpPort, on: worker.group)
        client.send("GET \(target) HTTP/1.1\r\nConnection: close\r\n\r\n")
        return client
    }

    @Test(arguments: cases)
    private func `What is published by FourCC is played by FourCC, and named in HLS`(example: Case) async throws {
        let worker = try await TestWorker()
        let id = try StreamID(app: "live", id: "s1")
        let publisher = try await RTMPTestClient(.publish, "s1", port: worker.rtmpPort, on: worker.group)
        try await publisher.started()
        let messages = Self.messages(example, seconds: 8)
        publisher.send(Array(messages.prefix(10)))
        try await eventually("the stream is served") { worker.gate.stream(id)?.isServing == true }
        let stream = try #require(worker.gate.stream(id))
        #expect(
            Set(try await stream.loop.submit { stream.tracks.map(\.codec) }.get()) == [example.video, example.audio]
        )
        let master = try await get(worker, "/live/streams/s1_adaptive.m3u8")
        let flv = try await get(worker, "/live/streams/s1.flv")
        let player = try await RTMPTestClient(.play, "s1", port: worker.rtmpPort, on: worker.group)
        try await player.started()
        try await eventually("the stream is packaged") {
            try await stream.loop.submit { stream.wantsObjects }.get()
        }
        publisher.send(Array(messages.dropFirst(10)))

        try await eventually("the player has frames") { player.media.count > 20 }
        let words = player.media.map(MediaWord.init)
        #expect(words.prefix(4) == [.metadata, .header(.video), .header(.audio), .frame(.video, isKeyframe: true)])
        let first = try #require(player.media.first { $0.kind == .video })
        #expect(String(decoding: first.payload.readableBytesView.dropFirst().prefix(4), as: UTF8.self) == example.tag)
        try await eventually("HTTP-FLV has frames") { flv.received.readableBytes > 2000 }
        #expect(flv.received.readableBytesView.firstRange(of: Array(example.tag.utf8)) != nil)
        flv.close()

        let text = try await master.textUntilClosed()
        #expect(text.contains("CODECS=\"\(example.name),opus\""), "\(text)")
        let playlist = try await get(worker, "/live/streams/s1.m3u8").textUntilClosed()
        let header = try #require(HLSStreamTests.names(in: playlist).first { $0.hasSuffix(".mp4") })
        let object = try await get(worker, "/live/streams/s1/\(header)")
        _ = try await object.textUntilClosed()
        for box in [example.box, "dOps"] {
            #expect(object.received.readableBytesView.firstRange(of: Array(box.utf8)) != nil, "\(box)")
        }
        publisher.finish()
        try await worker.stop()
    }
}
