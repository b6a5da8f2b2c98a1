/// An answer to an offer, and what it settles (RFC 3264, RFC 9429 §5.3): which lines are used, with which of the
/// offerer's payload types and extension numbers, and which are refused (port 0) and why.
package struct Answer: Hashable, Sendable {
    package let description: SessionDescription
    package let negotiation: Negotiation

    package init(
        to offer: SessionDescription,
        with capabilities: [MediaCapabilities],
        transport: LocalTransport,
        origin: SessionDescription.Origin
    ) throws(NegotiationError) {
        try offer.checkMids()
        var matches = MediaMatches(offer: offer, capabilities: capabilities)
        matches.run()
        guard let first = matches.accepted.first else { throw .nothingUsable(matches.refusals) }
        if let missing = matches.missing { throw .essentialUnusable(missing) }
        let leader = offer.bundle?.first.flatMap { mid in offer.media.first { $0.mid == mid } }
        let firstMedia = offer.media[first.index]
        let remote = try Negotiation.Remote(offer, media: firstMedia, leader: leader ?? firstMedia)
        guard !(remote.isICELite && transport.isICELite) else { throw .bothICELite }
        let offeredSetup = offer.transport(of: firstMedia).inheriting(offer.transport(of: leader ?? firstMedia)).setup
        let setup = try Self.setup(answering: offeredSetup, preferring: transport.preferredSetup)
        negotiation = Negotiation(
            media: matches.accepted,
            refusals: matches.refusals,
            remote: remote,
            isDTLSClient: setup == .active
        )
        description = Self.describe(negotiation, offer: offer, transport: transport, setup: setup, origin: origin)
    }

    /// Nothing said means that the offerer opens (RFC 4145 §4).
    private static func setup(
        answering offered: SetupRole?,
        preferring preferred: SetupRole
    ) throws(NegotiationError) -> SetupRole {
        switch offered {
        case .active, nil: .passive
        case .passive: .active
        case .actpass: preferred == .active ? .active : .passive
        case .holdconn: throw .noSetupRole(offered)
        }
    }

    private static func describe(
        _ negotiation: Negotiation,
        offer: SessionDescription,
        transport: LocalTransport,
        setup: SetupRole,
        origin: SessionDescription.Origin
    ) -> SessionDescription {
        var answer = SessionDescription(origin: origin)
        answer.isICELite = transport.isICELite
        answer.allowsMixedExtensions = offer.allowsMixedExtensions
        let mids = negotiation.media.compactMap(\.mid)
        if offer.bundle != nil { answer.groups = [SessionDescription.Group("BUNDLE", mids)] }
        for (index, offered) in offer.media.enumerated() {
            guard let agreed = negotiation.media.first(where: { $0.index == index }) else {
                var refusal = offered.refusal
                refusal.transport = transport.attributes(setup: setup)
                answer.media.append(refusal)
                continue
            }
            var media = agreed.description(like: offered)
            media.transport = transport.attributes(setup: setup)
            if index == negotiation.media.first?.index {
                media.candidates = transport.candidates
                media.endOfCandidates = !transport.candidates.isEmpty
            }
            answer.media.append(media)
        }
        return answer
    }
}

extension SessionDescription {
    func checkMids() throws(NegotiationError) {
        var seen: Set<String> = []
        for mid in media.compactMap(\.mid) {
            guard seen.insert(mid).inserted else { throw .duplicateMid(mid) }
        }
    }
}

extension MediaDescription {
    /// The line with port 0. A format has to stand in it, and means nothing. The rest is ignored too (RFC 3264 §6), but
    /// aiortc takes no answer with a line that lacks a codec, a transport or RTCP's.
    fileprivate var refusal: MediaDescription {
        let format = formats.first ?? "0"
        var media = MediaDescription(kind, port: 0, protocolName: protocolName, formats: [format])
        let known = UInt8(digits: format).flatMap { isRTP ? codec($0) ?? Codec(static: $0) : nil }
        media.codecs = [known].compactMap { $0 }
        media.rtcpMux = rtcpMux
        media.connection = "IN IP4 0.0.0.0"
        media.mid = mid
        media.direction = .inactive
        return media
    }
}

extension Negotiation.Media {
    fileprivate func description(like offered: MediaDescription) -> MediaDescription {
        var media = MediaDescription(kind, protocolName: offered.protocolName)
        media.connection = "IN IP4 0.0.0.0"
        media.mid = mid
        media.direction = direction
        media.rtcpMux = true
        media.rtcpMuxOnly = offered.rtcpMuxOnly
        media.rtcpReducedSize = reducedSizeRTCP
        media.allowsMixedExtensions = offered.allowsMixedExtensions
        media.headerExtensions = headerExtensions
        for codec in codecs { media.append(codec) }
        media.append(sending, retransmits: codecs.contains { $0.retransmissionPayloadType != nil })
        if !simulcastLayers.isEmpty {
            media.rids = simulcastLayers.map { RestrictionIdentifier($0, .receive) }
            var simulcast = Simulcast()
            simulcast.receive = simulcastLayers.map { [Simulcast.Alternative($0)] }
            media.simulcast = simulcast
        }
        return media
    }
}

extension MediaDescription {
    mutating func append(_ negotiated: NegotiatedCodec) {
        var all = [negotiated.codec]
        if let payloadType = negotiated.retransmissionPayloadType {
            var retransmission = Codec(payloadType, "rtx", clockRate: negotiated.codec.clockRate)
            retransmission.parameters = ["apt": "\(negotiated.payloadType)"]
            all.append(retransmission)
        }
        codecs += all
        formats += all.map { "\($0.payloadType)" }
    }

    mutating func append(_ sending: MediaCapabilities.Sending?, retransmits: Bool) {
        guard let sending else { return }
        streams = [sending.stream]
        sources = [Source(sending.ssrc, cname: sending.cname)]
        if retransmits, let ssrc = sending.retransmissionSSRC {
            sourceGroups = [SourceGroup("FID", [sending.ssrc, ssrc])]
            sources.append(Source(ssrc, cname: sending.cname))
        }
    }
}
