/// An offer of ours, and what its answer settles (RFC 3264, RFC 9429 §5.2): the client's side of WHIP and WHEP.
package struct Offer: Hashable, Sendable {
    package let description: SessionDescription
    private let capabilities: [MediaCapabilities]

    /// One media line for each of `capabilities`, all in one bundle.
    package init(
        _ capabilities: [MediaCapabilities],
        transport: LocalTransport,
        origin: SessionDescription.Origin
    ) {
        self.capabilities = capabilities
        var offer = SessionDescription(origin: origin)
        var numbers = OfferNumbers()
        offer.isICELite = transport.isICELite
        offer.groups = [SessionDescription.Group("BUNDLE", capabilities.indices.map(String.init))]
        for (index, capability) in capabilities.enumerated() {
            var media = capability.offer(mid: String(index), &numbers)
            media.transport = transport.attributes(setup: .actpass)
            media.transport.iceOptions = ["trickle"]
            if index == 0 { media.candidates = transport.candidates }
            offer.media.append(media)
        }
        description = offer
    }

    /// What is agreed on when the peer answers so.
    package func negotiation(with answer: SessionDescription) throws(NegotiationError) -> Negotiation {
        guard answer.media.count == description.media.count else {
            throw .mediaCountDiffers(offered: description.media.count, answered: answer.media.count)
        }
        var accepted: [Negotiation.Media] = []
        var refusals: [Negotiation.Refusal] = []
        for (index, media) in answer.media.enumerated() {
            switch agreement(on: media, at: index, in: answer) {
            case .success(let agreed): accepted.append(agreed)
            case .failure(let refused):
                let offered = description.media[index]
                refusals.append(
                    Negotiation.Refusal(index: index, mid: offered.mid, kind: offered.kind, reason: refused.reason)
                )
            }
        }
        guard let first = accepted.first else { throw .nothingUsable(refusals) }
        // Who answers cannot choose codecs: a line that it turns down is one that it cannot have.
        let missing = refusals.first { refusal in
            let isLacking = refusal.reason == .refusedByPeer || refusal.reason.isRefusedByUs
            return isLacking && capabilities[refusal.index].isEssential
        }
        if let missing { throw .essentialUnusable(missing) }
        let media = answer.media[first.index]
        let remote = try Negotiation.Remote(answer, media: media, leader: media)
        guard !(remote.isICELite && description.isICELite) else { throw .bothICELite }
        let setup = answer.transport(of: media).setup
        guard setup == .active || setup == .passive else { throw .noSetupRole(setup) }
        return Negotiation(media: accepted, refusals: refusals, remote: remote, isDTLSClient: setup == .passive)
    }

    private struct Refused: Error {
        var reason: MediaRefusal
    }

    private func agreement(
        on answered: MediaDescription,
        at index: Int,
        in answer: SessionDescription
    ) -> Result<Negotiation.Media, Refused> {
        let (offered, capability) = (description.media[index], capabilities[index])
        guard !answered.isRejected, answered.kind == offered.kind else {
            return .failure(Refused(reason: .refusedByPeer))
        }
        let direction = Direction(
            sends: offered.direction.sends && answered.direction.receives,
            receives: offered.direction.receives && answered.direction.sends
        )
        guard direction != .inactive else {
            return .failure(Refused(reason: .wrongDirection(offered: answered.direction, ours: offered.direction)))
        }
        let codecs = answered.codecs.compactMap { Self.agreed($0, answered, offered) }
        guard !codecs.isEmpty else {
            let reason = MediaRefusal.noCommonCodec(offered: answered.formatNames, ours: offered.formatNames)
            return .failure(Refused(reason: reason))
        }
        return .success(
            Negotiation.Media(
                index: index,
                mid: offered.mid,
                kind: offered.kind,
                direction: direction,
                codecs: codecs,
                headerExtensions: Self.agreed(answered.headerExtensions + answer.headerExtensions, offered),
                reducedSizeRTCP: answered.rtcpReducedSize,
                sending: direction.sends ? capability.sending : nil,
                remoteSources: answered.sources,
                remoteSourceGroups: answered.sourceGroups,
                remoteStreams: answered.streams,
                simulcastLayers: []
            )
        )
    }

    /// Those that stand in the offer under the same number.
    private static func agreed(_ extensions: [HeaderExtension], _ offered: MediaDescription) -> [HeaderExtension] {
        extensions.filter { each in offered.headerExtensions.contains { $0.id == each.id && $0.uri == each.uri } }
    }

    /// An answered codec that stands in the offer under the same payload type.
    private static func agreed(
        _ codec: Codec,
        _ answered: MediaDescription,
        _ offered: MediaDescription
    ) -> NegotiatedCodec? {
        guard let format = CodecFormat(codec), let own = offered.codec(codec.payloadType), own.isNamed(codec.name)
        else {
            return nil
        }
        let retransmission = answered.codecs.first {
            $0.isNamed("rtx") && $0.associatedPayloadType == codec.payloadType && offered.codec($0.payloadType) != nil
        }
        return NegotiatedCodec(
            format: format,
            codec: codec,
            retransmissionPayloadType: retransmission?.payloadType
        )
    }
}

/// Payload types and extension numbers that no line of the offer has yet. In a bundle one number means one thing.
private struct OfferNumbers {
    /// The dynamic range, then what RFC 5761 leaves of the unassigned one (RFC 3551 §6).
    private var payloadTypes = Array((UInt8(96)...127)) + Array(35...63)
    private var extensions: [String: UInt16] = [:]

    /// Nil when all are taken.
    mutating func payloadType() -> UInt8? { payloadTypes.isEmpty ? nil : payloadTypes.removeFirst() }

    /// Nil when one-byte headers have no number left.
    mutating func extensionID(_ uri: String) -> UInt16? {
        if let id = extensions[uri] { return id }
        guard extensions.count < 14 else { return nil }
        let id = UInt16(extensions.count + 1)
        extensions[uri] = id
        return id
    }
}

extension MediaCapabilities {
    fileprivate func offer(mid: String, _ numbers: inout OfferNumbers) -> MediaDescription {
        var media = MediaDescription(kind)
        media.connection = "IN IP4 0.0.0.0"
        media.mid = mid
        media.direction = direction
        media.rtcpMux = true
        media.rtcpReducedSize = true
        for uri in headerExtensions {
            if let id = numbers.extensionID(uri) { media.headerExtensions.append(HeaderExtension(id, uri)) }
        }
        for capability in codecs {
            guard let payloadType = numbers.payloadType() else { break }
            let retransmission = capability.retransmits ? numbers.payloadType() : nil
            media.append(capability.offered(payloadType, retransmission, h264Level: h264LevelMax))
        }
        if direction.sends { media.append(sending, retransmits: codecs.contains(where: \.retransmits)) }
        return media
    }
}

extension CodecCapability {
    fileprivate func offered(_ payloadType: UInt8, _ retransmission: UInt8?, h264Level: UInt8) -> NegotiatedCodec {
        var codec = Codec(payloadType, format.name, clockRate: format.clockRate, channels: format.channels)
        codec.parameters = format.parameters(level: h264Level)
        for parameter in parameters.list { codec.parameters[parameter.name] = parameter.value }
        codec.feedback = feedback
        return NegotiatedCodec(format: format, codec: codec, retransmissionPayloadType: retransmission)
    }

    /// H.264 in each of these profiles and packetization modes, the modes before the profiles.
    package static func h264(
        _ profiles: [H264ProfileLevel.Profile],
        packetizationModes: [UInt8] = [1, 0],
        feedback: [RTCPFeedback],
        retransmits: Bool
    ) -> [CodecCapability] {
        packetizationModes.flatMap { mode in
            profiles.map { profile in
                let format = CodecFormat.H264Format(profile, packetizationMode: mode)
                return CodecCapability(.h264(format), feedback: feedback, retransmits: retransmits)
            }
        }
    }
}
