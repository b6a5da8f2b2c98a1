import ClusterModel
import FLV
import MediaFixtures
import MediaModel
import NIOCore
import Observability
import RTMP
import Streams
import Synchronization
import Testing

/// The RTMP server over real sockets, spoken to by our own client engine.
@Suite(.timeLimit(.minutes(2))) struct RTMPLoopbackTests {
    let id: StreamID
    let fixture = FixtureStream(seed: 3)

    init() throws { id = try StreamID(app: "live", id: "s1") }

    private func publisher(on worker: TestWorker, sending seconds: Double) async throws -> RTMPTestClient {
        let publisher = try await RTMPTestClient(.publish, "s1", port: worker.rtmpPort, on: worker.group)
        try await publisher.started()
        publisher.send(PublishedMedia.messages(of: fixture, seconds: seconds))
        try await eventually("the stream is served") { worker.gate.stream(id)?.isServing == true }
        return publisher
    }

    private func player(on worker: TestWorker, _ name: String = "s1") async throws -> RTMPTestClient {
        try await RTMPTestClient(.play, name, port: worker.rtmpPort, on: worker.group)
    }

    @Test func `A player begins with metadata, headers and a keyframe, and is told the clean end`() async throws {
        let worker = try await TestWorker()
        let publisher = try await publisher(on: worker, sending: 3)
        let player = try await player(on: worker)
        try await player.started()
        try await eventually("a frame comes") { player.media.count > 10 }
        publisher.finish()
        try await eventually("the end is told and the socket closed") { player.hasEnded && player.isClosed }

        let words = player.media.map(MediaWord.init)
        let opening: [MediaWord] = [
            .metadata, .header(.video), .header(.audio), .frame(.video, isKeyframe: true),
        ]
        #expect(Array(words.prefix(4)) == opening)
        #expect(!words.contains(.unreadable))
        let times = player.media.dropFirst(3).map(\.timestamp)
        #expect(times == times.sorted())
        #expect(worker.gate.ends == [.clean])
        #expect(worker.gate.stream(id) == nil)
        try await worker.stop()
    }

    @Test func `Data messages of a publisher reach RTMP and HTTP-FLV players, in order with the media`()
        async throws
    {
        let worker = try await TestWorker()
        let publisher = try await publisher(on: worker, sending: 1)
        let player = try await player(on: worker)
        let flv = try await RawClient(port: worker.httpPort, on: worker.group)
        flv.send("GET /live/s1.flv HTTP/1.1\r\nHost: a\r\n\r\n")
        let frames = PublishedMedia.frames(of: fixture, seconds: 2)
        let rest = frames.filter { $0.timestamp > 1000 }
        try await eventually("frames come") { player.media.count > 10 && flv.received.readableBytes > 2000 }
        var body = ByteBuffer()
        body.writeAMF0(.string("onTextData"))
        body.writeAMF0(.object(["text": "hello there"]))
        let text = MediaMessage(kind: .data, timestamp: rest[0].timestamp, payload: body)
        var own = ByteBuffer()
        own.writeAMF0(.string("onMetaData"))
        own.writeAMF0(.object(["encoder": "of the publisher"]))
        let metadata = MediaMessage(kind: .data, timestamp: rest[0].timestamp, payload: own)
        publisher.send([rest[0], metadata, text, rest[1]])
        try await eventually("the frame behind it comes") { player.media.last?.payload == rest[1].payload }
        #expect(player.media.suffix(3).map(\.payload) == [rest[0].payload, body, rest[1].payload])
        try await eventually("it is in the FLV stream") {
            Array(flv.received.readableBytesView).firstRange(of: Array("hello there".utf8)) != nil
        }
        flv.close()
        try await worker.stop()
    }

    @Test func `A publisher that vanishes leaves its players connected until the stream is given up`() async throws {
        let worker = try await TestWorker()
        let publisher = try await publisher(on: worker, sending: 1)
        let player = try await player(on: worker)
        try await eventually("a frame comes") { player.media.count > 10 }
        publisher.vanish()
        try await eventually("the break is noticed") { worker.gate.ends == [.broken] }
        let stream = try #require(worker.gate.stream(id))
        let phase = try await stream.loop.submit { stream.phase }.get()
        #expect(phase == .interrupted)
        #expect(!player.isClosed)
        #expect(!player.hasEnded)
        stream.loop.execute { worker.gate.end(stream, .publisherLost) }
        try await eventually("the end is told") { player.hasEnded && player.isClosed }
        try await worker.stop()
    }

    @Test func `A second publisher is refused with BadName, and the first goes on`() async throws {
        let worker = try await TestWorker()
        let first = try await publisher(on: worker, sending: 1)
        let second = try await RTMPTestClient(.publish, "s1", port: worker.rtmpPort, on: worker.group)
        try await eventually("it is refused and closed") { second.isClosed }
        #expect(second.refusal == "NetStream.Publish.BadName")
        let before = try #require(worker.gate.stream(id)).receivedBytes
        first.send(PublishedMedia.frames(of: fixture, seconds: 0.5))
        try await eventually("the first still feeds the stream") { worker.gate.stream(id)?.receivedBytes != before }
        #expect(!first.isClosed)
        try await worker.stop()
    }

    @Test func `A publisher whose right is taken away is closed with BadName, its players stay`() async throws {
        let worker = try await TestWorker()
        let publisher = try await publisher(on: worker, sending: 1)
        let player = try await player(on: worker)
        try await eventually("a frame comes") { player.media.count > 10 }
        worker.gate.state.withLock { $0.publications[id] }?.revoke(.fenced(Epoch(9)))
        try await eventually("it is closed") { publisher.isClosed }
        #expect(publisher.refusal == "NetStream.Publish.BadName")
        #expect(!player.isClosed)
        try await worker.stop()
    }

    @Test func `An unknown stream is StreamNotFound, and so are names the cluster does not serve`() async throws {
        let worker = try await TestWorker()
        for name in ["s1", ".hidden", "x_adaptive", "x.flv", "na me"] {
            let player = try await player(on: worker, name)
            try await eventually("\(name) is refused and closed") { player.isClosed }
            #expect(player.refusal == "NetStream.Play.StreamNotFound", "\(name)")
        }
        #expect(worker.logged("play refused", "reason=unknown_stream"))
        #expect(worker.logged("play refused", "reason=bad_name"))
        try await worker.stop()
    }

    static let refusals: [(Refusal, publish: String, play: String)] = {
        let failed = "NetStream.Failed"
        let badName = "NetStream.Publish.BadName"
        let denied = "NetStream.Publish.Denied"
        let playFailed = "NetStream.Play.Failed"
        return [
            (.notAnOrigin(origin: "o1"), badName, failed),
            (.notAnEdge, failed, failed),
            (.unauthorized("no token"), denied, playFailed),
            (.forbidden("not from there"), denied, playFailed),
            (.overloaded("viewers"), failed, failed),
            (.draining, failed, failed),
            (.unavailable("no control plane"), failed, failed),
        ]
    }()

    @Test func `Each refusal has the contract's code, a reason in the log and one in the metric`() async throws {
        let worker = try await TestWorker()
        for (refusal, publishCode, playCode) in Self.refusals {
            worker.gate.state.withLock { $0.refusal = refusal }
            for (purpose, code) in [(RTMPClientSession.Purpose.publish, publishCode), (.play, playCode)] {
                let before = TestMetrics.value(MetricNames.connectionsRefused, "rtmp", refusal.reason)
                let client = try await RTMPTestClient(purpose, "s1", port: worker.rtmpPort, on: worker.group)
                try await eventually("\(refusal) closes") { client.isClosed }
                #expect(client.refusal == code, "\(refusal), \(purpose)")
                #expect(worker.logged("\(purpose) refused", "reason=\(refusal.reason)"))
                #expect(TestMetrics.value(MetricNames.connectionsRefused, "rtmp", refusal.reason) > before)
            }
        }
        try await worker.stop()
    }
}
