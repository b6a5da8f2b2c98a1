import ClusterModel
import MediaModel
import RelayService
import Renditions
import Streams
import Synchronization
import Testing
import Timebase
import Worker

import struct NIOCore.ByteBuffer

@Suite(.timeLimit(.minutes(1))) struct DerivedStreamTests {
    private func request(_ stream: StreamID) -> PlayRequest {
        PlayRequest(stream: stream, protocol: .hls, remoteAddress: nil, token: nil)
    }

    @Test func `a rendition is made where its source is owned`() async throws {
        let node = try TestNode()
        let publication = try await node.publish()
        let rung = node.id.derived(.rung("240p300kbps"))
        let player = Task { try await node.coordinator.play(request(rung)) }
        let derived = await node.deriver.next()
        #expect(derived == FakeDeriver.Derived(stream: rung, derivation: .rung("240p300kbps"), source: node.id))
        let stream = try #require(node.registry[rung])
        stream.loop.execute { stream.receive([.tracks([Track(id: .video, codec: .data)])]) }
        #expect(try await player.value === stream)
        #expect(node.control.state.withLock { $0.routes.isEmpty }, "nobody needs to be asked")
        #expect(publication.stream === node.registry[node.id])
    }

    /// A rung begins with a segment of its source: that takes longer than a child may wait below a node that only searches.
    @Test func `a child waits for as long as its owner takes to begin a rendition`() async throws {
        let node = try TestNode()
        _ = try await node.publish()
        let rung = node.id.derived(.rung("240p300kbps"))
        let child = Task { try await node.coordinator.relay(rung, for: "e9") }
        _ = await node.deriver.next()
        for _ in 0..<5 {
            await node.time.whenSleeping(.seconds(1))
            node.time.advance(.seconds(1))
        }
        await node.time.whenSleeping(.seconds(1))
        let stream = try #require(node.registry[rung])
        stream.loop.execute { stream.receive([.tracks([Track(id: .video, codec: .data)])]) }
        #expect(try await child.value === stream)
    }

    @Test func `a rendition that there is not is an unknown stream, and its source plays on`() async throws {
        let node = try TestNode()
        let publication = try await node.publish()
        let rung = node.id.derived(.rung("999p1kbps"))
        node.deriver.end(.unknown)
        await #expect(throws: Refusal.unknownStream(rung)) { try await node.coordinator.play(request(rung)) }
        await node.until { node.registry[rung] == nil }
        #expect(publication.stream === node.registry[node.id])
    }

    @Test func `elsewhere a rendition is pulled from where its source is routed to`() async throws {
        let node = try TestNode(role: .edge)
        node.control.state.withLock { $0.route = FakeControlPlane.route(epoch: 5) }
        let rung = node.id.derived(.rung("240p300kbps"))
        let stream = try await node.coordinator.play(request(rung))
        #expect(stream.id == rung)
        #expect(node.puller.pulled.withLock { $0.map(\.parent.nodeId) } == ["o2"])
        let report = await node.coordinator.report { _ in [] }
        #expect(report.pulls.map(\.id) == ["s1"], "the control plane knows the source alone")
    }

    @Test func `sound is made of the pictures that it comes with`() async throws {
        let node = try TestNode()
        _ = try await node.publish()
        let pictures = node.id.derived(.inOrder(rung: nil))
        let sound = pictures.derived(.sound(.opus))
        let player = Task { try await node.coordinator.play(request(sound)) }
        let first = await node.deriver.next()
        #expect(first == FakeDeriver.Derived(stream: pictures, derivation: .inOrder(rung: nil), source: node.id))
        let stream = try #require(node.registry[pictures])
        stream.loop.execute { stream.receive([.tracks([Track(id: .video, codec: .data)])]) }
        let second = await node.deriver.next()
        #expect(second == FakeDeriver.Derived(stream: sound, derivation: .sound(.opus), source: pictures))
        player.cancel()
    }

    @Test func `renditions that are always made need no viewer`() async throws {
        var settings = AppSettings()
        // The first is larger than the source.
        settings.encoderSettings = [720, 240].map {
            EncoderSetting(height: $0, videoBitrate: 300_000, audioBitrate: 64_000)
        }
        settings.renditionsOnDemand = false
        let node = try TestNode()
        node.control.state.withLock { $0.settings = settings }
        let publication = try await node.publish()
        publication.stream.loop.execute {
            let video = CodecParameters.h264(configuration: ByteBuffer(), width: 640, height: 360)
            publication.stream.ingest([.tracks([Track(id: .video, codec: video)])], at: WallTime(milliseconds: 0))
        }
        let rung = node.id.derived(.rung("240p300kbps"))
        let derived = await node.deriver.next()
        #expect(derived == FakeDeriver.Derived(stream: rung, derivation: .rung("240p300kbps"), source: node.id))
    }

    @Test func `viewers of renditions count for their source`() async throws {
        let node = try TestNode()
        let publication = try await node.publish()
        let source = publication.stream
        let rung = node.id.derived(.rung("240p300kbps"))
        let player = Task { try await node.coordinator.play(request(rung)) }
        _ = await node.deriver.next()
        let stream = try #require(node.registry[rung])
        stream.loop.execute {
            stream.beginPull(from: NoUpstream(), epoch: publication.epoch, tracks: [Track(id: .video, codec: .data)])
        }
        _ = try await player.value
        source.countViewers(2, of: .rtmp)
        stream.countViewers(3, of: .rtmp)
        let report = await node.coordinator.report { id in
            [SegmentFetches(sequence: 7, hls: id == rung ? 10 : 1, dash: 0)]
        }
        #expect(report.streams.map(\.id) == ["s1"])
        #expect(report.streams.first?.viewers.rtmp == 5)
        #expect(report.streams.first?.segmentFetches == [SegmentFetches(sequence: 7, hls: 11, dash: 0)])
        #expect(report.holds.map(\.id) == ["s1"])
    }

    static let names: [(String, StreamID.Derivation?)] = [
        ("s1", nil), ("s1_240p300kbps", .rung("240p300kbps")), ("s1~opus", .sound(.opus)), ("s1~aac", .sound(.aac)),
        ("s1~sliced", .sliced), ("~sliced", nil), ("s1_240p300kbps~sliced", nil), ("s1~sliced~inorder", nil),
        ("s1~inorder", .inOrder(rung: nil)), ("s1_240p300kbps~inorder", .inOrder(rung: "240p300kbps")),
        ("_240p300kbps", nil), ("s1_240p", nil), ("s1~mp3", nil), ("~inorder", nil), ("s1~aac~opus", nil),
        ("s1~opus~inorder", nil), ("s1~inorder~inorder", nil), ("s1~inorder_240p300kbps", nil),
        ("s1_240p300kbps_144p100kbps", nil),
    ]

    static let ofDerived: [(String, parent: String, StreamID.Derivation)] = [
        ("s1~inorder~opus", "s1~inorder", .sound(.opus)), ("s1_240p300kbps~aac", "s1_240p300kbps", .sound(.aac)),
        ("s1_240p300kbps~inorder~opus", "s1_240p300kbps~inorder", .sound(.opus)),
    ]

    @Test(arguments: ofDerived)
    func `sound is derived of pictures that are derived`(
        id: String,
        parent: String,
        derivation: StreamID.Derivation
    ) throws {
        let stream = try StreamID(playable: "live", id: id)
        #expect(stream.derivation == derivation)
        #expect(stream.parent.id == parent)
        #expect(stream.source.id == "s1")
        #expect(stream.parent.derived(derivation) == stream)
    }

    @Test(arguments: names)
    func `names say what is derived`(id: String, derivation: StreamID.Derivation?) {
        let stream = try? StreamID(playable: "live", id: id)
        #expect(stream?.derivation == derivation)
        if let stream, derivation != nil {
            #expect(stream.source.id == "s1")
            #expect(stream.source.derived(stream.derivation ?? .rung("")) == stream)
            #expect(throws: NameError.self) { try StreamID(app: "live", id: id) }
        }
    }
}

private final class NoUpstream: StreamUpstream {
    func wantObjects(_ isWanted: Bool) {}
    func wantKeyframe() {}
    func fetch(object name: String, _ answer: @escaping @Sendable (ObjectAnswer) -> Void) { answer(.missing) }
    var hops: [String] { [] }
    var chosenTracks: [TrackID] { [] }
}
