import SDP
import Testing

@Suite struct SessionDescriptionTests {
    @Test(arguments: RealOffer.allCases)
    func `A real offer reads, and what is written of it reads the same`(real: RealOffer) throws {
        let offer = try real.offer
        let written = offer.text
        let again = try SessionDescription(parsing: written)
        #expect(again == offer)
        #expect(again.text == written)
    }

    @Test(arguments: RealOffer.allCases)
    func `An offer cut anywhere reads or is refused`(real: RealOffer) throws {
        let text = try real.text
        for count in stride(from: 0, to: text.utf8.count, by: 61) {
            _ = try? SessionDescription(parsing: String(decoding: text.utf8.prefix(count), as: UTF8.self))
        }
    }

    @Test(arguments: [RealOffer.chromiumSimulcast, .obs])
    func `Line ends of LF alone and blank lines change nothing`(real: RealOffer) throws {
        let text = try real.text
        let plain = text.replacing("\r\n", with: "\n") + "\n\n"
        #expect(try SessionDescription(parsing: plain) == SessionDescription(parsing: text))
    }

    @Test func `Chromium's publish is understood`() throws {
        let offer = try RealOffer.chromiumPublish.offer
        #expect(offer.bundle == ["0", "1"])
        #expect(offer.allowsMixedExtensions)
        let (audio, video) = (offer.media[0], offer.media[1])
        #expect([audio.kind, video.kind] == ["audio", "video"])
        #expect([audio.mid, video.mid] == ["0", "1"])
        #expect(video.direction == .sendOnly)
        #expect(video.rtcpMux && video.rtcpReducedSize)
        #expect(audio.candidates.count == 8)
        #expect(audio.candidates[4].tcpType == "active")
        #expect(offer.transport(of: video).setup == .actpass)
        #expect(offer.transport(of: video).userFragment == "5yEu")
        #expect(offer.transport(of: video).fingerprints.map(\.hash) == [.sha256])
        #expect(video.formats.count == 23)
        #expect(video.codecs.count == 23)
        let h264 = try #require(video.codec(108))
        #expect(h264.parameters["profile-level-id"] == "42e01f")
        #expect(h264.parameters["Packetization-Mode"] == "1")
        #expect(h264.feedback == [.remb, .transportWide, .fullIntraRequest, .nack, .pictureLoss])
        #expect(video.codec(109)?.associatedPayloadType == 108)
        #expect(video.headerExtensions.first { $0.uri == HeaderExtensionURI.rid }?.id == 10)
        #expect(video.retransmissionSSRC(for: 237_267_443) == 3_973_757_747)
        #expect(video.sources.map(\.cname) == ["uJ7vUYuObG2BWS7g", "uJ7vUYuObG2BWS7g"])
        #expect(video.streams.first?.stream == "09bfb9f8-e317-4dea-a5c5-c6ed594194a1")
        #expect(audio.codec(0)?.name == "PCMU")
    }

    @Test func `What OBS says for the whole session holds for its lines`() throws {
        let offer = try RealOffer.obs.offer
        let transport = offer.transport(of: offer.media[1])
        #expect(transport.fingerprints.count == 1)
        #expect(transport.iceOptions == ["ice2", "trickle"])
        #expect(transport.password == "h3GWvzTSTm0OhnZ2dNMNYF")
        #expect(offer.media[0].codec(111)?.parameters["sprop-stereo"] == "1")
    }

    @Test func `GStreamer's bundle-only line with port 0 is not refused`() throws {
        let offer = try RealOffer.gstreamer.offer
        #expect(offer.media.map(\.isRejected) == [false, false])
        let parameters = try #require(offer.media[0].codec(96)?.parameters["sprop-parameter-sets"])
        #expect(parameters == "Z0LAFdkBQfsBagwMDUoAAAMAAgAAAwB5HixckA==,aMuMsg==")
        #expect(offer.media[0].candidates.map(\.transport).prefix(2) == ["udp", "tcp"])
    }

    @Test func `Three fingerprints of aiortc are read`() throws {
        let offer = try RealOffer.aiortcPublish.offer
        #expect(offer.transport(of: offer.media[0]).fingerprints.map(\.hash) == [.sha256, .sha384, .sha512])
        #expect(offer.media[0].endOfCandidates)
    }

    @Test func `What is rare is read as well`() throws {
        let offer = try RealOffer.dataChannel.offer
        #expect(offer.isICELite)
        #expect(offer.bandwidths == [Bandwidth("AS", 5000)])
        let (data, video) = (offer.media[0], offer.media[1])
        #expect(data.direction == .inactive)
        #expect(data.formats == ["webrtc-datachannel"])
        #expect(data.codecs == [])
        #expect(data.title == "chat")
        #expect(data.bandwidths == [Bandwidth("TIAS", 1_000_000)])
        #expect(data.otherAttributes.contains("fmtp:webrtc-datachannel max=1"))
        #expect(video.isRejected)
        #expect(video.codecs.map(\.feedback) == [[.fullIntraRequest, .nack]])
        #expect(video.rids.first?.payloadTypes == [96])
        #expect(video.rids.first?.restrictions["max-fps"] == "30")
        #expect(video.simulcast?.receive.map { $0.map(\.isPaused) } == [[false], [true, false]])
        #expect(video.headerExtensions.map(\.direction) == [.receiveOnly, nil])
        #expect(video.headerExtensions[0].attributes == "some more")
        #expect(video.sourceGroups == [SourceGroup("SIM", [1, 2, 3])])
        var source = Source(1)
        source.attributes = [Source.Attribute("cname", nil)]
        #expect(video.sources == [source])
    }

    // MARK: Refusals

    static let head = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
    static let video = head + "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n"

    static let unusable: [(String, SDPError)] = [
        ("", .notSDP(line: 1)),
        ("{\"sdp\":\"v=0\"}", .notSDP(line: 1)),
        ("o=- 1 1 IN IP4 0.0.0.0", .notSDP(line: 1)),
        ("v=1\r\n", .notSDP(line: 1)),
        ("\(head)<html>", .notSDP(line: 5)),
        ("v=0\r\no=-\r\n", .malformedLine(line: 2, type: "o")),
        ("\(head)m=video\r\n", .malformedLine(line: 5, type: "m")),
        ("\(head)m=video 70000 RTP/AVP 0\r\n", .malformedLine(line: 5, type: "m")),
        ("\(head)m=video -1 RTP/AVP 0\r\n", .malformedLine(line: 5, type: "m")),
    ]

    @Test(arguments: unusable)
    func `A text that cannot be used is refused with its line and reason`(text: String, error: SDPError) {
        #expect(throws: error) { try SessionDescription(parsing: text) }
    }

    @Test(arguments: [
        "mid:", "rtpmap:96 VP8", "rtpmap:200 VP8/90000", "rtpmap:+6 VP8/90000", "rtcp-fb:x nack",
        "fingerprint:sha-256 00:11", "setup:both", "extmap:x urn:y", "rid:a!b send", "ssrc-group:FID 1 -2",
    ])
    func `An attribute that a session stands on and that cannot be read is refused`(attribute: String) {
        let name = String(attribute.prefix { $0 != ":" })
        #expect(throws: SDPError.malformedAttribute(line: 6, name: name)) {
            try SessionDescription(parsing: "\(Self.video)a=\(attribute)\r\n")
        }
    }

    @Test func `A description of a megabyte is refused before it is looked at`() {
        let text = Self.video + String(repeating: "a=candidate:1 1 udp 1 192.0.2.1 1 typ host\r\n", count: 24_000)
        #expect(throws: SDPError.tooLong(bytes: text.utf8.count, limit: 262_144)) {
            try SessionDescription(parsing: text)
        }
    }

    @Test func `Within the size there are limits on lines and media`() {
        let lines = Self.video + String(repeating: "a=x\r\n", count: 1_000)
        #expect(throws: SDPError.tooManyLines(limit: 1_000)) { try SessionDescription(parsing: lines) }
        let media = Self.head + String(repeating: "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n", count: 65)
        #expect(throws: SDPError.tooManyMedia(limit: 64)) { try SessionDescription(parsing: media) }
        let long = Self.video + "a=" + String(repeating: "x", count: 8_192)
        #expect(throws: SDPError.lineTooLong(line: 6, limit: 8_192)) { try SessionDescription(parsing: long) }
    }

    /// A line that is of no weight must not cost a publisher his stream.
    @Test(arguments: [
        "a=candidate:1 1 udp 1 192.0.2.1", "a=candidate:1 1 udp 1 192.0.2.1 99999 typ host", "a=simulcast:send",
        "a=msid:a b c d", "a=ssrc:x cname:y", "a=ssrc:5", "a=fingerprint:sha-3 00", "a=fmtp:x y", "a=", "b=AS",
        "a=unheard-of:1 2 3",
    ])
    func `An odd line that nothing stands on is passed over`(line: String) throws {
        let description = try SessionDescription(parsing: Self.video + line + "\r\n")
        #expect(try SessionDescription(parsing: description.text) == description)
    }
}
