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

/// A client and the session that answered its offer.
final class PeerPair {
    static let zero = MonotonicInstant(nanoseconds: 0)
    /// What the session's clock shows at `zero`.
    static let wall = WallTime(milliseconds: 1_700_000_000_000)

    var session: PeerSession
    let client: TestClient
    var now = PeerPair.zero

    /// After the handshake, the path loses so many of a thousand datagrams, and delays all, both ways.
    struct Path {
        var seed: UInt64 = 0
        var lossPerMille = 0
        var latency = Duration.zero
        var jitterMaxMilliseconds: Int64 = 0
        /// To the client, with a second of queue in front.
        var bitsPerSecond: Int?
    }

    init(
        _ role: PeerSession.Role,
        _ ours: [MediaCapabilities],
        _ theirs: [MediaCapabilities],
        layers: [String] = [],
        playoutDelay: PlayoutDelay? = nil,
        waitsForDTLS: Bool = false
    ) throws {
        var random = SplitMix64(seed: 3)
        let (server, client) = (try DTLSContext(), try DTLSContext())
        let (serverICE, clientICE) = (ICECredentials(using: &random), ICECredentials(using: &random))
        let candidates = Candidate.forServer(addresses: [.v4(0x7F00_0001)], udpPort: 50_000, tcpPort: nil)
        let local = try #require(LocalTransport(serverICE, candidates, server.fingerprint))
        var remote = try #require(LocalTransport(clientICE, [], client.fingerprint))
        remote.isICELite = false
        let origin = SessionDescription.Origin(sessionID: 1, sessionVersion: 1)
        var offer = Offer(theirs, transport: remote, origin: origin).description
        if !layers.isEmpty {
            offer.media[0].rids = layers.map { RestrictionIdentifier($0, .send) }
            var simulcast = Simulcast()
            simulcast.send = layers.map { [Simulcast.Alternative($0)] }
            offer.media[0].simulcast = simulcast
        }
        if waitsForDTLS { for place in offer.media.indices { offer.media[place].transport.setup = .passive } }
        let answer = try Answer(to: offer, with: ours, transport: local, origin: origin)
        let ice = ICELiteAgent(credentials: serverICE, localCandidates: candidates, at: PeerPair.zero)
        let dtls = try server.makeTransport(
            role: answer.negotiation.isDTLSClient ? .client : .server,
            peerFingerprints: answer.negotiation.certificates
        )
        // As the worker does it.
        let srtp: any SRTPFactory = role == .publisher ? try IngestSRTP() : EVPSRTP()
        session = PeerSession(
            role,
            answer.negotiation,
            link: SecureLink(ice: ice, dtls: dtls, srtp: srtp),
            wall: PeerPair.wall,
            playoutDelay: playoutDelay,
            at: PeerPair.zero,
            using: &random
        )
        self.client = try TestClient(
            to: server.fingerprint,
            credentials: clientICE,
            remote: serverICE,
            context: client,
            role: waitsForDTLS ? .server : .client
        )
    }

    func restart() throws {
        var random = SplitMix64(seed: 4)
        let (ours, theirs) = (ICECredentials(using: &random), ICECredentials(using: &random))
        session.restart(credentials: ours, at: now)
        client.restart(theirs, remote: ours, at: now)
    }

    func run(for duration: Duration) throws {
        let end = now + duration
        while now < end {
            now = now + .milliseconds(5)
            try client.exchange(&session, at: now)
        }
    }

    /// - Parameter extensions: offered beside MID, whose id is 1.
    static func theirs(
        _ direction: Direction,
        _ format: CodecFormat,
        layers: [String] = [],
        extensions: [String] = [],
        feedback: [RTCPFeedback] = [.nack, .pictureLoss]
    ) -> [MediaCapabilities] {
        var video = MediaCapabilities(
            "video",
            direction,
            codecs: [CodecCapability(format, feedback: feedback, retransmits: true)]
        )
        let layerNames = [HeaderExtensionURI.rid, HeaderExtensionURI.repairedRID]
        video.headerExtensions = [HeaderExtensionURI.mid] + extensions + (layers.isEmpty ? [] : layerNames)
        return [video]
    }

    /// 16 × 16, with nothing that a decoder could use.
    static func vp8(isKeyframe: Bool) -> ByteBuffer {
        let tag: [UInt8] = isKeyframe ? [0x10, 0, 0, 0x9D, 0x01, 0x2A, 16, 0, 16, 0] : [0x11, 0, 0]
        return ByteBuffer(bytes: tag + Array(repeating: 7, count: 2_000))
    }

    static func frames(_ count: Int, from start: Int64) throws -> [PacketizedFrame] {
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

    static func playing(
        extensions: [String] = [],
        playoutDelay: PlayoutDelay? = nil,
        feedback: [RTCPFeedback] = [.nack, .pictureLoss],
        waitsForDTLS: Bool = false
    ) throws -> PeerPair {
        var random = SplitMix64(seed: 5)
        let ours = try PeerNegotiation.egress(
            [Track(id: .video, codec: .vp8(width: 16, height: 16))],
            using: &random
        )
        let pair = try PeerPair(
            .player,
            ours,
            theirs(.receiveOnly, .vp8, extensions: extensions, feedback: feedback),
            playoutDelay: playoutDelay,
            waitsForDTLS: waitsForDTLS
        )
        try pair.run(for: .seconds(1))
        return pair
    }
}
