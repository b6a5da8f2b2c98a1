import ClusterModel
import FLV
import FanOut
import MediaFixtures
import MediaModel
import NIOCore
import NIOPosix
import Observability
import RTMP
import Streams
import Synchronization
import Testing

/// What breaks the protocol or a limit closes its own connection, with a name in log and metric, and nothing else.
@Suite(.timeLimit(.minutes(2))) struct RTMPHostileTests {
    let id: StreamID
    let fixture = FixtureStream(seed: 4)

    init() throws { id = try StreamID(app: "live", id: "s1") }

    private static let handshake = [3] + [UInt8](repeating: 0, count: 3072)

    /// One chunk with a full header; `length` is what it announces.
    private static func chunk(_ type: UInt8, id: UInt8 = 3, length: Int? = nil, _ payload: [UInt8]) -> [UInt8] {
        let length = UInt32(length ?? payload.count)
        return [id, 0, 0, 0, UInt8(length >> 16), UInt8(length >> 8 & 0xFF), UInt8(length & 0xFF), type, 1, 0, 0, 0]
            + payload
    }

    private static func command(_ name: String, _ arguments: AMF0Value...) -> [UInt8] {
        var body = ByteBuffer()
        for value in [.string(name), 1] + arguments { body.writeAMF0(value) }
        return chunk(20, Array(body.readableBytesView))
    }

    private static let connect = command("connect", .object(["app": "live"]))

    private static let table: [(label: String, bytes: [UInt8])] = [
        ("unsupported_version", Array("GET / HTTP/1.1\r\n\r\n".utf8)),
        ("unsupported_version", [UInt8](repeating: 0x16, count: 5000)),
        ("chunk_stream_without_header", handshake + [UInt8](repeating: 0xFF, count: 100)),
        ("chunk_size_out_of_bounds", handshake + chunk(1, id: 2, [0, 0, 0, 0])),
        ("chunk_size_out_of_bounds", handshake + chunk(1, id: 2, [0x7F, 0xFF, 0xFF, 0xFF])),
        ("message_too_long", handshake + chunk(20, length: 0xFF_FFFF, [2])),
        ("malformed_message", handshake + chunk(1, id: 2, [0, 0])),
        ("malformed_command", handshake + chunk(20, [0xEE, 0xEE])),
        ("malformed_command", handshake + chunk(20, [UInt8](repeating: 0x0A, count: 100))),
        ("missing_application", handshake + command("connect", .object(["app": ""]))),
        ("nested_application", handshake + command("connect", .object(["app": "a/b"]))),
        ("unexpected_command", handshake + command("publish", .null, "s1", "live")),
        ("unexpected_command", handshake + connect + connect),
        ("media_outside_publish", handshake + connect + chunk(9, [0x17, 1, 0, 0, 0])),
        ("missing_stream_name", handshake + connect + command("play", .null, "")),
        ("nested_stream_name", handshake + connect + command("publish", .null, "a/b", "live")),
    ]

    @Test func `Broken bytes close the connection they came on, named in log and metric, and no other`() async throws {
        let worker = try await TestWorker()
        let publisher = try await RTMPTestClient(.publish, "s1", port: worker.rtmpPort, on: worker.group)
        try await publisher.started()
        publisher.send(PublishedMedia.messages(of: fixture, seconds: 1))
        try await eventually("the stream is served") { worker.gate.stream(id)?.isServing == true }
        let player = try await RTMPTestClient(.play, "s1", port: worker.rtmpPort, on: worker.group)
        for (label, bytes) in Self.table {
            let before = TestMetrics.value(MetricNames.protocolErrors, "rtmp", label)
            let client = try await RawClient(port: worker.rtmpPort, on: worker.group)
            client.send(bytes)
            try await eventually("\(label) closes") { client.isClosed }
            #expect(worker.logged("connection closed", "reason=\(label)"), "\(label)")
            #expect(TestMetrics.value(MetricNames.protocolErrors, "rtmp", label) > before, "\(label)")
        }
        let seen = player.media.count
        publisher.send(PublishedMedia.frames(of: fixture, seconds: 2))
        try await eventually("the player still gets frames") { player.media.count > seen }
        #expect(!publisher.isClosed && !player.isClosed)
        try await worker.stop()
    }

    private static let media: [(label: String, MediaMessage)] = [
        ("frame_before_sequence_header", video([0x17, 1, 0, 0, 0, 0, 0, 0, 1, 0x65])),
        ("malformed_codec_header", video([0x17, 0, 0, 0, 0, 1, 2, 3])),
        ("malformed_flv_body", video([0x17])),
        ("malformed_codec_header", MediaMessage(kind: .audio, timestamp: 0, payload: ByteBuffer(bytes: [0xAF, 0, 0]))),
        ("unsupported_codec", video([0x90] + Array("vp09".utf8) + [0, 0, 0, 0])),
    ]

    private static func video(_ body: [UInt8]) -> MediaMessage {
        MediaMessage(kind: .video, timestamp: 0, payload: ByteBuffer(bytes: body))
    }

    @Test func `Media that cannot be carried closes its publisher with a named reason`() async throws {
        let worker = try await TestWorker()
        for (number, (label, message)) in Self.media.enumerated() {
            let before = TestMetrics.value(MetricNames.protocolErrors, "rtmp", label)
            let publisher = try await RTMPTestClient(.publish, "m\(number)", port: worker.rtmpPort, on: worker.group)
            try await publisher.started()
            publisher.send([message])
            try await eventually("\(label) closes") { publisher.isClosed }
            #expect(publisher.refusal == "NetStream.Failed", "\(label)")
            #expect(worker.logged("publisher closed", "reason=\(label)"), "\(label)")
            #expect(TestMetrics.value(MetricNames.protocolErrors, "rtmp", label) > before, "\(label)")
        }
        try await eventually("each was a broken end") {
            worker.gate.ends == Array(repeating: .broken, count: Self.media.count)
        }
        try await worker.stop()
    }

    @Test func `A peer that asks for answers and never reads them is closed`() async throws {
        let worker = try await TestWorker()
        let client = try await RawClient(port: worker.rtmpPort, on: worker.group)
        await client.stopReading()
        client.send(Self.handshake)
        let ping = Self.chunk(4, id: 2, [0, 6, 0, 0, 0, 0])
        let pings = Array(repeatElement(ping, count: 10_000).joined())
        try await eventually("it is closed") {
            client.send(pings)
            return worker.logged("connection closed", "reason=peer_not_reading")
        }
        #expect(TestMetrics.value(MetricNames.protocolErrors, "rtmp", "peer_not_reading") > 0)
        client.close()
        try await worker.stop()
    }

    // MARK: Silence

    @Test func `A peer that says nothing, or stops in the set-up, is closed`() async throws {
        var options = TestWorker.Options()
        options.rtmp.handshakeTimeout = .milliseconds(20)
        options.rtmp.setupTimeout = .milliseconds(20)
        let worker = try await TestWorker(options)
        for bytes in [[], [3], Self.handshake, Self.handshake + Self.connect] {
            let before = TestMetrics.value(MetricNames.protocolErrors, "rtmp", "setup_timeout")
            let client = try await RawClient(port: worker.rtmpPort, on: worker.group)
            client.send(bytes)
            try await eventually("silence after \(bytes.count) bytes closes") { client.isClosed }
            #expect(TestMetrics.value(MetricNames.protocolErrors, "rtmp", "setup_timeout") > before)
        }
        #expect(worker.logged("connection closed", "reason=setup_timeout"))
        try await worker.stop()
    }

    /// The client does not read, so it answers no ping: to the server it looks half open.
    @Test func `A half-open publisher is a broken end, a half-open player is closed`() async throws {
        var options = TestWorker.Options()
        options.rtmp.publisherSilenceMax = .milliseconds(200)
        options.rtmp.playerSilenceMax = .milliseconds(200)
        let worker = try await TestWorker(options)
        let loop = worker.group.next()
        let stream = try await worker.gate.addStream(try StreamID(app: "live", id: "played"), on: loop)
        for (purpose, name) in [(RTMPClientSession.Purpose.publish, "s1"), (.play, "played")] {
            let client = try await RTMPTestClient(purpose, name, port: worker.rtmpPort, on: worker.group)
            try await client.started()
            await client.stopReading()
            try await eventually("\(purpose) is closed for silence") {
                worker.state.lines.withLock { $0.count { $0.contains("reason=peer_silent") } } == (name == "s1" ? 1 : 2)
            }
            client.vanish()
        }
        #expect(worker.gate.ends == [.broken])
        try await eventually("no viewer is left") { stream.viewerCounts.rtmp == 0 }
        try await worker.stop()
    }

    @Test func `A player that never reads is dropped, and the one beside it gets every frame`() async throws {
        var options = TestWorker.Options()
        options.fanOut.lagBytesMax = 500_000
        options.fanOut.stallMax = .milliseconds(200)
        let worker = try await TestWorker(options)
        var fixture = fixture
        fixture.frameBytes = 20_000...30_000
        let frames = PublishedMedia.frames(of: fixture, seconds: 20)
        let publisher = try await RTMPTestClient(.publish, "s1", port: worker.rtmpPort, on: worker.group)
        try await publisher.started()
        publisher.send(PublishedMedia.headers(of: fixture) + frames.prefix(40))
        try await eventually("the stream is served") { worker.gate.stream(id)?.isServing == true }
        let stream = try #require(worker.gate.stream(id))
        let reading = try await RTMPTestClient(.play, "s1", port: worker.rtmpPort, on: worker.group)
        let stopped = try await RTMPTestClient(.play, "s1", port: worker.rtmpPort, on: worker.group)
        try await stopped.started()
        await stopped.stopReading()
        try await eventually("both are viewers and the first has begun") {
            stream.viewerCounts.rtmp == 2 && reading.media.count > 3
        }
        var sent = 40
        for start in stride(from: 40, to: frames.count, by: 20) {
            publisher.send(Array(frames[start..<min(start + 20, frames.count)]))
            sent = min(start + 20, frames.count)
            // However slow this machine is, the one that reads is never more than a little behind.
            let last = frames[sent - 1]
            try await eventually("the reading player has frame \(sent)") {
                reading.media.last?.payload == last.payload
            }
        }
        try await eventually("the stopped one is dropped") { stream.viewerCounts.rtmp == 1 }
        let first = try #require(reading.media.dropFirst(3).first)
        let expected = frames.drop { $0.payload != first.payload }
        #expect(reading.media.dropFirst(3).map(\.payload) == expected.map(\.payload))
        #expect(!reading.isClosed)
        stopped.vanish()
        try await worker.stop()
    }
}
