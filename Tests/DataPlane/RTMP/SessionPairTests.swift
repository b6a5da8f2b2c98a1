import EngineModel
import FLV
import MediaModel
import NIOCore
import RTMP
import TestSupport
import Testing
import Timebase

/// A client and a server engine joined by a pipe that cuts the bytes in places its seed chooses.
struct Pair: ~Copyable {
    var client: RTMPClientSession
    var server = AcceptingServer()
    var clientEvents: [RTMPClientSession.Event] = []
    var serverEvents: [RTMPServerSession.Event] = []
    private var toClient = ByteBuffer()
    private var toServer = ByteBuffer()
    private var random: SplitMix64

    init(_ purpose: RTMPClientSession.Purpose, seed: UInt64, canReconnect: Bool = false) {
        random = SplitMix64(seed: seed)
        let address = StreamAddress(app: "live", name: "s1", query: "token=t")
        client = RTMPClientSession(
            purpose,
            address,
            host: "127.0.0.1:1935",
            canReconnect: canReconnect,
            at: start,
            using: &random
        )
    }

    /// Lets both talk until neither has anything left to say.
    mutating func run() {
        while true {
            collect()
            let forServer = toServer.readRandomSlice(using: &random)
            let forClient = toClient.readRandomSlice(using: &random)
            if let forServer { server.receive(forServer, at: start) }
            if let forClient { client.receive(forClient, at: start) }
            if forServer == nil, forClient == nil { return }
        }
    }

    private mutating func collect() {
        for output in client.drain() {
            switch output {
            case .transmit(let bytes): toServer.writeImmutableBuffer(bytes)
            case .event(let event): clientEvents.append(event)
            case .close: continue
            }
        }
        for output in server.drain() {
            switch output {
            case .transmit(let bytes): toClient.writeImmutableBuffer(bytes)
            case .event(let event): serverEvents.append(event)
            case .close: continue
            }
        }
    }

    mutating func sendToClient(_ bytes: ByteBuffer) { toClient.writeImmutableBuffer(bytes) }
}

extension ByteBuffer {
    fileprivate mutating func readRandomSlice(using random: inout SplitMix64) -> ByteBuffer? {
        guard readableBytes > 0 else { return nil }
        return readSlice(length: min(readableBytes, Int.random(in: 1...9000, using: &random)))
    }
}

@Suite struct SessionPairTests {
    static let configuration = ByteBuffer(bytes: [1, 2, 3])
    static let video = Track(id: .video, codec: .h264(configuration: configuration, width: 640, height: 360))
    static let audio = Track(id: .audio, codec: .aac(configuration: configuration, sampleRate: 48_000, channels: 2))

    /// Sizes around the chunk size, where an off-by-one would tear a message.
    static let payloadSizes = [1, 128, 65_530, 65_531, 65_532, 65_536, 131_067, 131_068, 200_000]

    static func unit(_ size: Int, milliseconds: Int64) -> AccessUnit {
        AccessUnit(
            track: .video,
            decodeTime: MediaTime(milliseconds: milliseconds),
            isKeyframe: true,
            payload: ByteBuffer(bytes: (0..<size).map { UInt8(truncatingIfNeeded: $0 ^ $0 >> 8) })
        )
    }

    @Test(arguments: 1...5 as ClosedRange<UInt64>)
    func `a client that can reconnect is asked to, and goes on publishing until it leaves`(seed: UInt64) {
        var pair = Pair(.publish, seed: seed, canReconnect: true)
        pair.run()
        let isAsked = pair.server.session.requestReconnect("this node drains")
        #expect(isAsked)
        pair.run()
        #expect(pair.clientEvents == [.publishStarted, .reconnectRequested])
        pair.client.send(MediaMessage(kind: .video, timestamp: 1, payload: ByteBuffer(bytes: [0x17, 1, 0, 0, 0])))
        pair.run()
        guard case .media(let message)? = pair.serverEvents.last else {
            Issue.record("the publish did not go on")
            return
        }
        #expect(message.isKeyframe)
    }

    @Test func `a client that cannot reconnect is not asked to`() {
        var pair = Pair(.publish, seed: 1)
        pair.run()
        let isAsked = pair.server.session.requestReconnect("this node drains")
        #expect(!isAsked)
        pair.run()
        #expect(pair.clientEvents == [.publishStarted])
    }

    @Test(arguments: 1...5 as ClosedRange<UInt64>)
    func `what a client publishes arrives whole`(seed: UInt64) {
        var pair = Pair(.publish, seed: seed)
        pair.run()
        #expect(pair.clientEvents == [.publishStarted])
        let messages = Self.payloadSizes.enumerated().map { index, size in
            MediaMessage(kind: .video, timestamp: UInt32(index), payload: Self.unit(size, milliseconds: 0).payload)
        }
        for message in messages { pair.client.send(message) }
        pair.client.finish()
        pair.run()
        #expect(addresses(in: pair.serverEvents.map { .event($0) }).map(\.query) == ["token=t"])
        let expected = messages.map(RTMPServerSession.Event.media) + [.publishEnded(clean: true)]
        #expect(Array(pair.serverEvents.dropFirst()) == expected)
    }

    @Test(arguments: [0, 0xFF_FFFF, 0x1_0000_0000 - 40] as [Int64])
    func `the shared wire form plays as the units it was made from`(firstMillisecond: Int64) throws {
        var pair = Pair(.play, seed: 3)
        pair.run()
        #expect(pair.clientEvents == [.playStarted])
        pair.sendToClient(RTMPWireForm.headers(for: [Self.video, Self.audio], timestamp: 0))
        let units = Self.payloadSizes.enumerated().map { index, size in
            Self.unit(size, milliseconds: firstMillisecond + Int64(index) * 20)
        }
        for unit in units {
            for piece in RTMPWireForm.pieces(for: unit, track: Self.video) { pair.sendToClient(piece) }
        }
        pair.run()
        let media = pair.clientEvents.compactMap { if case .media(let message) = $0 { message } else { nil } }
        #expect(media.prefix(3).map(\.kind) == [.data, .video, .audio])
        let frames = media.dropFirst(3)
        #expect(frames.map(\.timestamp) == units.map { UInt32(truncatingIfNeeded: $0.decodeTime.milliseconds) })
        for (message, unit) in zip(frames, units) {
            guard case .frame(let frame) = try FLVMediaTag.video(message.payload) else {
                Issue.record("not a frame")
                continue
            }
            #expect(frame.payload == unit.payload)
        }
        #expect(frames.count == units.count)
    }

    @Test func `a player learns that the stream ended`() {
        var pair = Pair(.play, seed: 1)
        pair.run()
        pair.server.session.endPlay()
        for case .transmit(let bytes) in pair.server.session.drain() { pair.sendToClient(bytes) }
        pair.run()
        #expect(pair.clientEvents == [.playStarted, .ended])
    }

    @Test func `a refused client learns the code`() {
        var pair = Pair(.play, seed: 1)
        pair.server = AcceptingServer(accepting: false)
        pair.run()
        pair.server.session.refusePlay(RequestID(1), .playStreamNotFound, "no such stream")
        for case .transmit(let bytes) in pair.server.session.drain() { pair.sendToClient(bytes) }
        pair.run()
        #expect(pair.clientEvents == [.failed(.refusedByPeer(code: "NetStream.Play.StreamNotFound"))])
    }

    @Test func `the pieces of a frame share its payload`() {
        let unit = Self.unit(200_000, milliseconds: 0)
        let pieces = RTMPWireForm.pieces(for: unit, track: Self.video)
        let first = unit.payload.withUnsafeReadableBytes { UInt(bitPattern: $0.baseAddress) }
        let second = pieces[1].withUnsafeReadableBytes { UInt(bitPattern: $0.baseAddress) }
        #expect(pieces.count == 8)
        #expect(first == second)
    }
}
