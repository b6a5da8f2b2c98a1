import SDP
import Testing

@Suite struct OfferTests {
    static let transport = LocalTransport(
        userFragment: "clnt",
        password: "clientpasswordclientpw",
        fingerprints: Server.transport.fingerprints,
        candidates: [],
        isICELite: false
    )

    static func whep(_ codecs: [CodecCapability]) -> Offer {
        var audio = MediaCapabilities("audio", .receiveOnly, codecs: [Server.opus])
        var video = MediaCapabilities("video", .receiveOnly, codecs: codecs)
        (audio.headerExtensions, video.headerExtensions) = (Server.extensions, Server.extensions)
        return Offer([audio, video], transport: transport, origin: Server.origin)
    }

    static let everything = whep(
        Server.h264([.constrainedBaseline, .main, .high])
            + [.vp8, .vp9(profile: 0), .av1(profile: 0)].map(Server.video)
    )

    /// The peer has only the text, as over HTTP.
    static func answered(_ offer: Offer, by media: [MediaCapabilities]) throws -> (
        server: Negotiation, client: Negotiation
    ) {
        let answer = try Server.answer(SessionDescription(parsing: offer.description.text), media)
        return (answer.negotiation, try offer.negotiation(with: SessionDescription(parsing: answer.description.text)))
    }

    @Test func `A player and a server agree on the same`() throws {
        let (server, client) = try Self.answered(Self.everything, by: Server.egress(Server.h264([.high], modes: [1])))
        #expect(server.refusals == [] && client.refusals == [])
        #expect(client.media.map(\.codecs) == server.media.map(\.codecs))
        #expect(client.media.map(\.headerExtensions) == server.media.map(\.headerExtensions))
        #expect(client.media.map(\.direction) == [.receiveOnly, .receiveOnly])
        #expect(client.isDTLSClient && !server.isDTLSClient)
        #expect(client.remote.userFragment == "srvr")
        #expect(client.remote.isICELite)
        #expect(client.remote.candidates == [Server.candidate])
        #expect(client.video?.remoteSourceGroups == [SourceGroup("FID", [2, 3])])
        #expect(client.video?.codecs.first?.retransmissionPayloadType != nil)
    }

    @Test func `A publisher and a server agree on the same`() throws {
        let sending = Server.egress(Server.h264([.main], modes: [1]))
        let offer = Offer(sending, transport: Self.transport, origin: Server.origin)
        let (server, client) = try Self.answered(offer, by: Server.ingest)
        #expect(client.media.map(\.codecs) == server.media.map(\.codecs))
        #expect(client.media.map(\.direction) == [.sendOnly, .sendOnly])
        #expect(server.video?.remoteSources.map(\.ssrc) == [2, 3])
        #expect(client.video?.sending == sending[1].sending)
    }

    @Test func `A player that turns the picture of our offer down is told so`() throws {
        var ours = Server.egress([Server.video(.h265(profile: 1))])
        let theirs = [
            MediaCapabilities("audio", .receiveOnly, codecs: [Server.opus]),
            MediaCapabilities("video", .receiveOnly, codecs: [Server.video(.vp8)]),
        ]
        for isEssential in [false, true] {
            ours[1].isEssential = isEssential
            let offer = Offer(ours, transport: Self.transport, origin: Server.origin)
            let answer = try Server.answer(offer.description, theirs).description
            let agreed = Result { try offer.negotiation(with: answer).media.map(\.kind) }
            if isEssential {
                #expect(throws: NegotiationError.self) { try agreed.get() }
            } else {
                #expect(try agreed.get() == ["audio"])
            }
        }
    }

    @Test func `In one offer no number means two things`() {
        let media = Self.everything.description.media
        let payloadTypes = media.flatMap(\.formats)
        #expect(Set(payloadTypes).count == payloadTypes.count)
        #expect(media.map { $0.headerExtensions.map(\.id) } == [[1, 2, 3, 4, 5], [1, 2, 3, 4, 5]])
        let many = Self.whep(Array(repeating: Server.video(.vp8), count: 100))
        #expect(many.description.media[1].formats.count == 60)
    }

    @Test func `A refused line is told and the other goes on`() throws {
        let (_, client) = try Self.answered(Self.everything, by: [Server.egress([])[0]])
        #expect(client.media.map(\.kind) == ["audio"])
        #expect(client.refusals.map(\.reason) == [.refusedByPeer])
    }

    @Test func `An answer that does not fit the offer is refused`() throws {
        let offer = Self.everything
        let good = try Server.answer(offer.description, Server.egress([Server.video(.vp8)])).description
        func expect(_ error: NegotiationError, _ change: (inout SessionDescription) -> Void) {
            var answer = good
            change(&answer)
            #expect(throws: error) { try offer.negotiation(with: answer) }
        }
        expect(.mediaCountDiffers(offered: 2, answered: 1)) { $0.media.removeLast() }
        expect(.noSetupRole(.actpass)) { $0.media[0].transport.setup = .actpass }
        expect(.noSetupRole(nil)) { $0.media[0].transport.setup = nil }
        expect(.noFingerprint) { $0.media[0].transport.fingerprints = [] }
        expect(.noICECredentials) { $0.media[0].transport.userFragment = nil }
        #expect(throws: NegotiationError.self) {
            var answer = good
            for index in 0..<2 { answer.media[index].port = 0 }
            _ = try offer.negotiation(with: answer)
        }
    }

    @Test func `A payload type that was not offered, or meant another codec, is not agreed on`() throws {
        let offer = Self.everything
        var answer = try Server.answer(offer.description, Server.egress([Server.video(.vp8)])).description
        let offered = answer.media[1].codecs[0]
        answer.media[1].codecs[0] = Codec(34, "VP8", clockRate: 90_000)
        #expect(try offer.negotiation(with: answer).media.map(\.kind) == ["audio"])
        answer.media[1].codecs[0] = Codec(offered.payloadType, "VP9", clockRate: 90_000)
        #expect(try offer.negotiation(with: answer).media.map(\.kind) == ["audio"])
    }
}
