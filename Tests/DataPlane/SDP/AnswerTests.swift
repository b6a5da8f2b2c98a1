import SDP
import Testing

@Suite struct AnswerTests {
    /// Which payload types are agreed on, as `codec payload type/rtx`.
    static func summary(_ negotiation: Negotiation) -> [String] {
        negotiation.media.map { media in
            let codec = media.codecs.first
            let retransmission = codec?.retransmissionPayloadType.map { "/\($0)" } ?? ""
            return "\(media.mid ?? "-") \(codec?.codec.name ?? "-") \(codec?.payloadType ?? 0)\(retransmission)"
        }
    }

    @Test(arguments: [
        (RealOffer.chromiumPublish, ["0 opus 111", "1 H264 108/109"]),
        (.chromiumSimulcast, ["0 opus 111", "1 H264 108/109"]),
        (.firefoxSimulcast, ["0 opus 109", "1 VP9 121/125"]),
        (.ffmpeg, ["0 opus 111", "1 H264 106/105"]),
        (.gstreamer, ["video0 H264 96", "audio1 OPUS 97"]),
        (.obs, ["0 opus 111", "1 H264 96"]),
        (.aiortcPublish, ["0 opus 96", "1 H264 101/102"]),
    ])
    func `A real publisher is answered with its own payload types`(real: RealOffer, expected: [String]) throws {
        let answer = try Server.answer(real.offer, Server.ingest)
        #expect(Self.summary(answer.negotiation) == expected)
        #expect(answer.negotiation.refusals == [])
        #expect(answer.negotiation.media.map(\.direction) == [.receiveOnly, .receiveOnly])
        let written = try SessionDescription(parsing: answer.description.text)
        #expect(written == answer.description)
        #expect(written.media.map(\.kind) == (try real.offer.media.map(\.kind)))
        #expect(written.media.map(\.mid) == (try real.offer.media.map(\.mid)))
    }

    @Test(arguments: [RealOffer.chromiumPlay, .firefoxPlay])
    func `A real player gets the codec of the stream`(real: RealOffer) throws {
        let answer = try Server.answer(real.offer, Server.egress([Server.video(.vp8)]))
        let video = try #require(answer.negotiation.video)
        #expect(video.direction == .sendOnly)
        #expect(video.codecs.map(\.format) == [.vp8])
        #expect(video.codecs.first?.retransmissionPayloadType != nil)
        #expect(video.codecs.first?.codec.feedback.contains(.pictureLoss) == true)
    }

    @Test func `The whole answer to a player is this`() throws {
        let stream = H264ProfileLevel.Profile.constrainedBaseline
        let answer = try Server.answer(RealOffer.chromiumPlay.offer, Server.egress(Server.h264([stream], modes: [1])))
        let fingerprint = (0..<32).map { ($0 < 16 ? "0" : "") + String($0, radix: 16).uppercased() }
        let transport = """
            a=ice-ufrag:srvr
            a=ice-pwd:serverpasswordserverpw
            a=fingerprint:sha-256 \(fingerprint.joined(separator: ":"))
            a=setup:passive
            """
        let expected = """
            v=0
            o=- 1 1 IN IP4 0.0.0.0
            s=-
            t=0 0
            a=ice-lite
            a=group:BUNDLE 0 1
            a=extmap-allow-mixed
            m=video 9 UDP/TLS/RTP/SAVPF 108 109
            c=IN IP4 0.0.0.0
            a=mid:0
            \(transport)
            a=sendonly
            a=rtcp-mux
            a=rtcp-rsize
            a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time
            a=extmap:4 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
            a=extmap:9 urn:ietf:params:rtp-hdrext:sdes:mid
            a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id
            a=extmap:11 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id
            a=rtpmap:108 H264/90000
            a=rtcp-fb:108 transport-cc
            a=rtcp-fb:108 ccm fir
            a=rtcp-fb:108 nack
            a=rtcp-fb:108 nack pli
            a=fmtp:108 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f
            a=rtpmap:109 rtx/90000
            a=fmtp:109 apt=108
            a=msid:stream video
            a=ssrc-group:FID 2 3
            a=ssrc:2 cname:cname
            a=ssrc:3 cname:cname
            a=candidate:1 1 udp 2130706431 192.0.2.1 50000 typ host
            a=end-of-candidates
            m=audio 9 UDP/TLS/RTP/SAVPF 111
            c=IN IP4 0.0.0.0
            a=mid:1
            \(transport)
            a=sendonly
            a=rtcp-mux
            a=rtcp-rsize
            a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time
            a=extmap:4 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
            a=extmap:9 urn:ietf:params:rtp-hdrext:sdes:mid
            a=rtpmap:111 opus/48000/2
            a=rtcp-fb:111 transport-cc
            a=fmtp:111 stereo=1
            a=msid:stream audio
            a=ssrc:1 cname:cname

            """
        #expect(answer.description.text.replacing("\r\n", with: "\n") == expected)
    }

    // MARK: Transport

    @Test(
        arguments: [
            (SetupRole.actpass, SetupRole.passive), (.active, .passive), (.passive, .active), (nil, .passive),
        ] as [(SetupRole?, SetupRole)]
    )
    func `Who opens DTLS is what the offer leaves`(offered: SetupRole?, answered: SetupRole) throws {
        var offer = try RealOffer.obs.offer
        for index in offer.media.indices { offer.media[index].transport.setup = offered }
        let answer = try Server.answer(offer, Server.ingest)
        #expect(answer.description.media.map(\.transport.setup) == [answered, answered])
        #expect(answer.negotiation.isDTLSClient == (answered == .active))
    }

    @Test func `FFmpeg waits for DTLS and names no candidates`() throws {
        let negotiation = try Server.answer(RealOffer.ffmpeg.offer, Server.ingest).negotiation
        #expect(negotiation.isDTLSClient)
        #expect(negotiation.remote.candidates == [])
        #expect(negotiation.remote.userFragment == "20019b74")
        #expect(!negotiation.remote.trickles)
    }

    @Test func `Credentials of the leading line serve the bundled ones that have none`() throws {
        var offer = try RealOffer.obs.offer
        (offer.media[1].transport.userFragment, offer.media[1].transport.password) = (nil, nil)
        offer.media[0].port = 0
        #expect(try Server.answer(offer, Server.ingest).negotiation.remote.userFragment == "Xb2d")
    }

    @Test func `What a session cannot do without is named`() throws {
        let offer = try RealOffer.obs.offer
        func expect(_ error: NegotiationError, _ change: (inout SessionDescription) -> Void) {
            var changed = offer
            change(&changed)
            #expect(throws: error) { try Server.answer(changed, Server.ingest) }
        }
        expect(.noICECredentials) { for index in 0..<2 { $0.media[index].transport.password = nil } }
        expect(.noFingerprint) { $0.transport.fingerprints = [] }
        expect(.noFingerprint) {
            $0.transport.fingerprints = [Fingerprint(.sha1, Array(repeating: 0, count: 20))].compactMap { $0 }
        }
        expect(.bothICELite) { $0.isICELite = true }
        expect(.noSetupRole(.holdconn)) { for index in 0..<2 { $0.media[index].transport.setup = .holdconn } }
        expect(.duplicateMid("0")) { $0.media[1].mid = "0" }
        expect(.nothingUsable([])) { $0.media = [] }
    }

    // MARK: Refused lines

    @Test func `A line that cannot be used is refused and the others go on`() throws {
        func refusal(_ change: (inout MediaDescription) -> Void) throws -> MediaRefusal? {
            var offer = try RealOffer.obs.offer
            change(&offer.media[1])
            let answer = try Server.answer(offer, Server.ingest)
            #expect(answer.description.media[1].port == 0)
            #expect(answer.description.media[1].mid == offer.media[1].mid)
            #expect(answer.description.bundle == ["0"])
            // aiortc takes no answer with a line that has less.
            #expect(answer.description.media[1].transport == answer.description.media[0].transport)
            #expect(answer.description.media[1].rtcpMux == offer.media[1].rtcpMux)
            #expect(answer.description.media[1].codecs == Array(offer.media[1].codecs.prefix(1)))
            #expect(Self.summary(answer.negotiation) == ["0 opus 111"])
            return answer.negotiation.refusals.first?.reason
        }
        #expect(try refusal { $0.port = 0 } == .refusedByPeer)
        #expect(try refusal { $0.kind = "application" } == .unsupportedKind)
        #expect(try refusal { $0.protocolName = "RTP/AVP" } == .unsupportedProtocol("RTP/AVP"))
        #expect(try refusal { $0.rtcpMux = false } == .withoutRTCPMux)
        #expect(try refusal { $0.mid = "7" } == .notBundled)
        #expect(
            try refusal { $0.direction = .receiveOnly }
                == .wrongDirection(offered: .receiveOnly, ours: .receiveOnly)
        )
        #expect(
            try refusal { $0.codecs = [Codec(96, "H266", clockRate: 90_000)] }?.description.contains("H266") == true
        )
    }

    // MARK: What a session is all about

    private static func essential(_ capabilities: [MediaCapabilities]) -> [MediaCapabilities] {
        var capabilities = capabilities
        capabilities[1].isEssential = true
        return capabilities
    }

    @Test func `A peer that wants the picture and cannot have it is refused, though it could have the sound`() throws {
        let capabilities = Self.essential(Server.egress([Server.video(.h265(profile: 1))]))
        let error = #expect(throws: NegotiationError.self) {
            try Server.answer(RealOffer.firefoxPlay.offer, capabilities)
        }
        #expect(error?.label == "video_unusable")
        #expect(error?.description.contains("offer H265 profile 1. To go without it, leave out its media line") == true)
        var other = try RealOffer.chromiumPlay.offer
        for index in other.media.indices { other.media[index].rtcpMux = false }
        other.media[other.media.count - 1].rtcpMux = true
        let ours = Self.essential(Server.egress([Server.video(.vp8)]))
        #expect(throws: NegotiationError.self) { try Server.answer(other, ours) }
    }

    @Test func `A peer that does not want the picture has the sound`() throws {
        let capabilities = Self.essential(Server.egress([Server.video(.h265(profile: 1))]))
        let changes: [(inout [MediaDescription], Int) -> Void] = [
            { $0[$1].port = 0 }, { $0[$1].direction = .inactive }, { $0.remove(at: $1) },
        ]
        for change in changes {
            var offer = try RealOffer.chromiumPlay.offer
            change(&offer.media, try #require(offer.media.firstIndex { $0.kind == "video" }))
            #expect(try Server.answer(offer, capabilities).negotiation.media.map(\.kind) == ["audio"])
        }
    }

    /// Its packets hold whole NAL units, and those of a stream made for mode 1 are longer.
    @Test func `A player with packetization mode 0 alone is told to offer mode 1`() throws {
        var offer = try RealOffer.chromiumPlay.offer
        for index in offer.media.indices {
            offer.media[index].codecs.removeAll { $0.parameters["packetization-mode"] == "1" }
        }
        let error = #expect(throws: NegotiationError.self) {
            try Server.answer(offer, Self.essential(Server.egress(Server.h264([.high], modes: [1]))))
        }
        #expect(error?.description.contains("offer packetization-mode=1") == true, "\(String(describing: error))")
    }

    @Test func `A second video is refused`() throws {
        var offer = try RealOffer.obs.offer
        var second = offer.media[1]
        second.mid = "2"
        offer.media.append(second)
        offer.groups = [SessionDescription.Group("BUNDLE", ["0", "1", "2"])]
        #expect(try Server.answer(offer, Server.ingest).negotiation.refusals.map(\.reason) == [.anotherOfItsKind])
    }

    @Test func `When no line can be used each says why`() throws {
        let offer = try RealOffer.obs.offer
        let error = #expect(throws: NegotiationError.self) {
            try Server.answer(offer, Server.egress([Server.video(.vp8)]))
        }
        #expect(
            error?.description
                == """
                no media line can be used. audio (0): it is offered as sendonly, and this side is sendonly; a publisher \
                sends, a player receives. video (1): it is offered as sendonly, and this side is sendonly; a publisher \
                sends, a player receives
                """
        )
    }

    @Test func `A stream that the player does not know is refused by the names of both sides`() throws {
        let error = #expect(throws: NegotiationError.self) {
            try Server.answer(
                RealOffer.firefoxPlay.offer,
                [
                    MediaCapabilities("video", .sendOnly, codecs: [Server.video(.h265(profile: 1))])
                ]
            )
        }
        #expect(error?.description.contains("offer H265 profile 1") == true)
        #expect(error?.description.contains("VP8, VP9 profile 0") == true)
    }

    // MARK: Codecs

    /// The stream's profile, and the payload type among Chromium's that it goes out on.
    @Test(arguments: [
        (H264ProfileLevel.Profile.constrainedBaseline, UInt8(108)), (.baseline, 102), (.main, 116), (.high, 41),
    ])
    func `A stream goes out on the profile that decodes it`(profile: H264ProfileLevel.Profile, expected: UInt8) throws {
        let capabilities = Server.egress(Server.h264([profile], modes: [1]))
        let video = try #require(try Server.answer(RealOffer.chromiumPlay.offer, capabilities).negotiation.video)
        #expect(video.codecs.map(\.payloadType) == [expected])
    }

    @Test func `A higher profile goes to a player of lower ones only where that is allowed`() throws {
        var capabilities = Server.egress(Server.h264([.high], modes: [1]))
        var offer = try RealOffer.aiortcPublish.offer
        for index in offer.media.indices { offer.media[index].direction = .receiveOnly }
        let video = try #require(try Server.answer(offer, capabilities).negotiation.video)
        #expect(video.codecs.map(\.payloadType) == [101])
        capabilities[1].allowsHigherProfile = false
        #expect(try Server.answer(offer, capabilities).negotiation.refusals.count == 1)
    }

    @Test func `A publisher's profile must be one that is known`() throws {
        var capabilities = Server.ingest
        capabilities[1].codecs = Server.h264([.high])
        let answer = try Server.answer(RealOffer.obs.offer, capabilities)
        #expect(
            answer.negotiation.refusals.first?.reason
                == .noCommonCodec(
                    offered: ["H264 constrainedBaseline (packetization-mode 1)"],
                    ours: ["H264 high (packetization-mode 1)", "H264 high (packetization-mode 0)"]
                )
        )
    }

    @Test func `Packetization modes are not mixed`() throws {
        let offer = try RealOffer.chromiumPublish.offer
        for (mode, payloadType) in [(UInt8(0), UInt8(114)), (1, 108)] {
            var capabilities = Server.ingest
            capabilities[1].codecs = Server.h264([.constrainedBaseline], modes: [mode])
            let video = try #require(try Server.answer(offer, capabilities).negotiation.video)
            #expect(video.codecs.map(\.payloadType) == [payloadType])
            #expect(video.codecs[0].codec.parameters["packetization-mode"] == "\(mode)")
        }
    }

    /// RFC 6184 §8.2.2: each side's own level where they may differ, one for both where not.
    @Test func `The answered level is ours where levels may differ`() throws {
        var offer = try RealOffer.obs.offer
        #expect(
            try Server.answer(offer, Server.ingest).negotiation.video?.codecs[0].codec.parameters["profile-level-id"]
                == "42e034"
        )
        offer.media[1].codecs[0].parameters["level-asymmetry-allowed"] = nil
        let codec = try #require(try Server.answer(offer, Server.ingest).negotiation.video?.codecs[0].codec)
        #expect(codec.parameters["profile-level-id"] == "42e01f")
        #expect(codec.parameters["level-asymmetry-allowed"] == nil)
    }

    @Test func `H.264 without parameters is baseline in mode 0`() throws {
        var offer = try RealOffer.obs.offer
        offer.media[1].codecs[0].parameters = [:]
        #expect(
            try Server.answer(offer, Server.ingest).negotiation.video?.codecs[0].format
                == .h264(.init(.baseline, packetizationMode: 0))
        )
    }

    @Test func `Several codecs are accepted when asked for, in our order`() throws {
        var capabilities = Server.ingest
        capabilities[1].codecCountMax = 3
        capabilities[1].codecs = [.vp9(profile: 0), .vp8, .av1(profile: 0)].map(Server.video)
        let answer = try Server.answer(RealOffer.chromiumPublish.offer, capabilities)
        #expect(answer.description.media[1].formats == ["98", "99", "96", "97", "45", "46"])
    }

    @Test func `Without NACK there are no retransmissions`() throws {
        var offer = try RealOffer.chromiumPublish.offer
        for index in offer.media[1].codecs.indices { offer.media[1].codecs[index].feedback = [.pictureLoss] }
        let video = try #require(try Server.answer(offer, Server.ingest).negotiation.video)
        #expect(video.codecs[0].retransmissionPayloadType == nil)
        #expect(video.codecs[0].codec.feedback == [.pictureLoss])
    }

    // MARK: Extensions and simulcast

    @Test func `Extensions are those of both sides under the offered numbers`() throws {
        let video = try #require(try Server.answer(RealOffer.chromiumPublish.offer, Server.ingest).negotiation.video)
        #expect(video.headerExtensions.map(\.id) == [2, 3, 4, 10, 11])
        #expect(video.extensionID(HeaderExtensionURI.mid) == 4)
        #expect(video.extensionID(HeaderExtensionURI.playoutDelay) == nil)
    }

    @Test func `An extension that headers cannot carry, or that goes the other way, is left out`() throws {
        var offer = try RealOffer.obs.offer
        let (mid, rid, time) = (HeaderExtensionURI.mid, HeaderExtensionURI.rid, HeaderExtensionURI.absoluteSendTime)
        func agreed(_ extensions: [HeaderExtension], mixed: Bool = false) throws -> [HeaderExtension]? {
            offer.allowsMixedExtensions = mixed
            offer.media[1].headerExtensions = extensions
            return try Server.answer(offer, Server.ingest).negotiation.video?.headerExtensions
        }
        let wide = [0, 15, 16, 256, 4_100].map { HeaderExtension($0, mid) }
        #expect(try agreed(wide) == [])
        #expect(try agreed(wide, mixed: true) == [HeaderExtension(16, mid)])
        #expect(try agreed([HeaderExtension(1, mid, direction: .receiveOnly)]) == [])
        #expect(
            try agreed([HeaderExtension(1, mid, direction: .sendOnly)])
                == [HeaderExtension(1, mid, direction: .receiveOnly)]
        )
        #expect(
            try agreed([
                HeaderExtension(1, mid), HeaderExtension(1, rid), HeaderExtension(2, mid), HeaderExtension(3, time),
            ])
                == [HeaderExtension(1, mid), HeaderExtension(3, time)]
        )
    }

    @Test func `Simulcast layers are received by their names, as many as we take`() throws {
        let offer = try RealOffer.chromiumSimulcast.offer
        let answer = try Server.answer(offer, Server.ingest)
        #expect(answer.negotiation.video?.simulcastLayers == ["h", "m", "l"])
        let text = answer.description.text
        #expect(text.contains("a=rid:h recv\r\na=rid:m recv\r\na=rid:l recv\r\na=simulcast:recv h;m;l\r\n"))
        var capabilities = Server.ingest
        capabilities[1].simulcastLayerCountMax = 1
        #expect(try Server.answer(offer, capabilities).negotiation.video?.simulcastLayers == ["h"])
        capabilities[1].simulcastLayerCountMax = 0
        #expect(try !Server.answer(offer, capabilities).description.text.contains("simulcast"))
    }

    @Test func `Without the extension that names layers there is no simulcast`() throws {
        var capabilities = Server.ingest
        capabilities[1].headerExtensions = [HeaderExtensionURI.mid]
        let answer = try Server.answer(RealOffer.chromiumSimulcast.offer, capabilities)
        #expect(answer.negotiation.video?.simulcastLayers == [])
    }

    @Test func `A recvonly simulcast line asks for nothing`() throws {
        let answer = try Server.answer(
            RealOffer.chromiumPlay.offer,
            Server.egress([Server.video(.vp9(profile: 0))])
        )
        #expect(answer.negotiation.video?.simulcastLayers == [])
    }
}
