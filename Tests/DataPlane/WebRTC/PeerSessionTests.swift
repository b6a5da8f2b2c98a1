import DTLS
import ICE
import MediaModel
import RTP
import SDP
import SRTP
import SecureTransport
import TestSupport
import Testing
import Timebase
import WebRTC

import struct NIOCore.ByteBuffer

@Suite struct PeerSessionTests {
    private static let zero = MonotonicInstant(nanoseconds: 0)

    /// A client and the session that answered its offer.
    private final class Pair {
        var session: PeerSession
        let client: TestClient
        var now = PeerSessionTests.zero

        init(_ role: PeerSession.Role, _ ours: [MediaCapabilities], _ theirs: [MediaCapabilities]) throws {
            var random = SplitMix64(seed: 3)
            let (server, client) = (try DTLSContext(), try DTLSContext())
            let (serverICE, clientICE) = (ICECredentials(using: &random), ICECredentials(using: &random))
            let candidates = Candidate.forServer(addresses: [.v4(0x7F00_0001)], udpPort: 50_000, tcpPort: nil)
            let local = try #require(LocalTransport(serverICE, candidates, server.fingerprint))
            var remote = try #require(LocalTransport(clientICE, [], client.fingerprint))
            remote.isICELite = false
            let origin = SessionDescription.Origin(sessionID: 1, sessionVersion: 1)
            let offer = Offer(theirs, transport: remote, origin: origin).description
            let answer = try Answer(to: offer, with: ours, transport: local, origin: origin)
            let ice = ICELiteAgent(credentials: serverICE, localCandidates: candidates, at: PeerSessionTests.zero)
            let dtls = try server.makeTransport(
                role: answer.negotiation.isDTLSClient ? .client : .server,
                peerFingerprints: answer.negotiation.certificates,
                at: PeerSessionTests.zero
            )
            session = PeerSession(
                role,
                answer.negotiation,
                link: SecureLink(ice: ice, dtls: dtls, srtp: EVPSRTP()),
                wall: WallTime(milliseconds: 1_700_000_000_000),
                at: PeerSessionTests.zero,
                using: &random
            )
            self.client = try TestClient(
                to: server.fingerprint,
                credentials: clientICE,
                remote: serverICE,
                context: client
            )
        }

        func run(for duration: Duration) throws {
            let end = now + duration
            while now < end {
                now = now + .milliseconds(5)
                try client.exchange(&session, at: now)
            }
        }
    }

    private static func theirs(_ direction: Direction, _ format: CodecFormat) -> [MediaCapabilities] {
        let feedback: [RTCPFeedback] = [.nack, .pictureLoss]
        var video = MediaCapabilities(
            "video",
            direction,
            codecs: [CodecCapability(format, feedback: feedback, retransmits: true)]
        )
        video.headerExtensions = [HeaderExtensionURI.mid]
        return [video]
    }

    /// 16 × 16, with nothing that a decoder could use.
    private static func vp8(isKeyframe: Bool) -> ByteBuffer {
        let tag: [UInt8] = isKeyframe ? [0x10, 0, 0, 0x9D, 0x01, 0x2A, 16, 0, 16, 0] : [0x11, 0, 0]
        return ByteBuffer(bytes: tag + Array(repeating: 7, count: 2_000))
    }

    private static func frames(_ count: Int, from start: Int64) throws -> [PacketizedFrame] {
        var packetizer = try #require(try Packetizer(.vp8(width: 16, height: 16)))
        return try (0..<count).map { number in
            let unit = AccessUnit(
                track: .video,
                decodeTime: MediaTime(ticks: start + Int64(number) * 3_000),
                isKeyframe: number == 0,
                payload: vp8(isKeyframe: number == 0)
            )
            return try packetizer.packetize(unit)
        }
    }

    private static func playing() throws -> Pair {
        var random = SplitMix64(seed: 5)
        let ours = try PeerNegotiation.egress(
            [Track(id: .video, codec: .vp8(width: 16, height: 16))],
            using: &random
        )
        let pair = try Pair(.player, ours, theirs(.receiveOnly, .vp8))
        try pair.run(for: .seconds(1))
        return pair
    }

    @Test func `a player is found, shakes hands and is told that it may be fed`() throws {
        let pair = try Self.playing()
        #expect(pair.client.isOpen)
        #expect(pair.client.events.contains { if case .opened = $0 { true } else { false } }, "\(pair.client.events)")
    }

    @Test func `the cached frames come first, a moment apart, and live ones follow in order`() throws {
        let pair = try Self.playing()
        let frames = try Self.frames(40, from: 900_000)
        pair.session.start(with: Array(frames.prefix(30)), at: pair.now)
        for frame in frames.dropFirst(30) {
            pair.session.send(frame, at: pair.now)
            try pair.run(for: .milliseconds(33))
        }
        let packets = pair.client.packets
        let sequences = packets.map(\.sequence)
        #expect(sequences == (0..<sequences.count).map { (sequences.first ?? 0) &+ UInt16($0) })
        var stamps: [UInt32] = []
        for packet in packets where stamps.last != packet.timestamp { stamps.append(packet.timestamp) }
        let steps = zip(stamps.dropFirst(), stamps).map { $0 &- $1 }
        #expect(steps == Array(repeating: 90, count: 29) + Array(repeating: 3_000, count: 10))
        #expect(Set(packets.map(\.ssrc)).count == 1)
        #expect(pair.client.reports.contains { if case .senderReport = $0 { true } else { false } })
    }

    @Test func `after a gap pictures wait for a keyframe, and the numbers go on`() throws {
        let pair = try Self.playing()
        let (first, second) = (try Self.frames(3, from: 0), try Self.frames(3, from: 90_000))
        for frame in first { pair.session.send(frame, at: pair.now) }
        try pair.run(for: .milliseconds(100))
        let before = pair.client.packets.count
        pair.session.interrupt()
        pair.session.send(second[1], at: pair.now)
        try pair.run(for: .milliseconds(100))
        #expect(pair.client.packets.count == before)
        for frame in second { pair.session.send(frame, at: pair.now) }
        try pair.run(for: .milliseconds(100))
        let sequences = pair.client.packets.map(\.sequence)
        #expect(pair.client.packets.count > before)
        #expect(sequences == (0..<sequences.count).map { (sequences.first ?? 0) &+ UInt16($0) })
    }

    @Test func `a storm of requests asks for one keyframe a second`() throws {
        let pair = try Self.playing()
        for frame in try Self.frames(2, from: 0) { pair.session.send(frame, at: pair.now) }
        try pair.run(for: .milliseconds(50))
        let media = try #require(pair.client.packets.first?.ssrc)
        for _ in 0..<300 {
            let request = PictureLossIndication(sender: SSRC(1), media: media)
            try pair.client.send(rtcp: [.pictureLossIndication(request)])
            try pair.run(for: .milliseconds(10))
        }
        let asked = pair.client.events.filter { $0 == .keyframeWanted }.count
        #expect((3...4).contains(asked), "\(asked)")
    }

    @Test func `a lost packet is sent again on the stream of repeats`() throws {
        let pair = try Self.playing()
        for frame in try Self.frames(2, from: 0) { pair.session.send(frame, at: pair.now) }
        try pair.run(for: .milliseconds(50))
        let lost = try #require(pair.client.packets.first)
        let nack = GenericNack(sender: SSRC(1), media: lost.ssrc, sequences: [lost.sequence])
        try pair.client.send(rtcp: [.nack(nack)])
        try pair.run(for: .milliseconds(50))
        let repeated = try #require(pair.client.packets.last)
        #expect(repeated.ssrc != lost.ssrc)
        let original = try repeated.original(ssrc: lost.ssrc, payloadType: lost.payloadType)
        #expect(original?.sequence == lost.sequence && original?.payload == lost.payload)
    }

    @Test func `a publisher's frames become tracks and units`() throws {
        let pair = try Pair(.publisher, PeerNegotiation.ingest, Self.theirs(.sendOnly, .vp8))
        try pair.run(for: .seconds(1))
        // The offer's first payload type.
        let type = try #require(PayloadType(96))
        var sequence: UInt16 = 100
        for (number, frame) in try Self.frames(5, from: 0).enumerated() {
            for payload in frame.payloads {
                let packet = RTPPacket(
                    marker: payload.marker,
                    payloadType: type,
                    sequence: sequence,
                    timestamp: UInt32(number) * 3_000,
                    ssrc: SSRC(77),
                    payload: payload.bytes
                )
                try pair.client.send(rtp: packet)
                sequence += 1
            }
            try pair.run(for: .milliseconds(33))
        }
        let media = pair.client.events.compactMap { if case .media(let media) = $0 { media } else { nil } }
        #expect(media.first == .tracks([Track(id: .video, codec: .vp8(width: 16, height: 16))]))
        let units = media.compactMap { if case .unit(let unit, _) = $0 { unit } else { nil } }
        #expect(units.map(\.isKeyframe) == [true, false, false, false, false])
        #expect(units.map(\.payload) == [true, false, false, false, false].map(Self.vp8))
        #expect(zip(units.dropFirst(), units).allSatisfy { $0.decodeTime.ticks - $1.decodeTime.ticks == 3_000 })
    }

    @Test func `noise from the peer's path changes nothing`() throws {
        let pair = try Self.playing()
        var random = SplitMix64(seed: 11)
        for length in 0..<300 {
            pair.client.send(ByteBuffer(bytes: (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }))
        }
        try pair.run(for: .milliseconds(50))
        for frame in try Self.frames(2, from: 0) { pair.session.send(frame, at: pair.now) }
        try pair.run(for: .milliseconds(50))
        #expect(pair.session.isOpen && !pair.client.packets.isEmpty)
    }

    @Test func `a stream that WebRTC does not carry is refused by the names of its codecs`() {
        var random = SplitMix64(seed: 1)
        let tracks = [Track(id: .audio, codec: .mp3(sampleRate: 44_100, channels: 2))]
        #expect(throws: UnplayableStream.noCodec(["mp3"])) { try PeerNegotiation.egress(tracks, using: &random) }
    }
}
