/// Goes through an offer's media lines and finds what of each can be used.
struct MediaMatches {
    private(set) var accepted: [Negotiation.Media] = []
    private(set) var refusals: [Negotiation.Refusal] = []
    private let offer: SessionDescription
    private let capabilities: [MediaCapabilities]

    init(offer: SessionDescription, capabilities: [MediaCapabilities]) {
        self.offer = offer
        self.capabilities = capabilities
    }

    mutating func run() {
        for (index, media) in offer.media.enumerated() {
            switch match(media, at: index) {
            case .accepted(let agreed): accepted.append(agreed)
            case .refused(let reason):
                refusals.append(Negotiation.Refusal(index: index, mid: media.mid, kind: media.kind, reason: reason))
            }
        }
    }

    /// The line that the session would be pointless without.
    var missing: Negotiation.Refusal? {
        let essential = capabilities.filter(\.isEssential).map(\.kind)
        let absent = essential.filter { kind in !accepted.contains { $0.kind == kind } }
        return refusals.first { absent.contains($0.kind) && $0.reason.isRefusedByUs }
    }

    private enum Outcome {
        case accepted(Negotiation.Media)
        case refused(MediaRefusal)
    }

    private func match(_ media: MediaDescription, at index: Int) -> Outcome {
        guard !media.isRejected else { return .refused(.refusedByPeer) }
        guard let capability = capabilities.first(where: { $0.kind == media.kind }) else {
            return .refused(.unsupportedKind)
        }
        guard ["UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP"].contains(media.protocolName) else {
            return .refused(.unsupportedProtocol(media.protocolName))
        }
        guard media.rtcpMux || media.rtcpMuxOnly else { return .refused(.withoutRTCPMux) }
        guard sharesTransport(media) else { return .refused(.notBundled) }
        guard !accepted.contains(where: { $0.kind == media.kind }) else { return .refused(.anotherOfItsKind) }
        let direction = Direction(
            sends: capability.direction.sends && media.direction.receives,
            receives: capability.direction.receives && media.direction.sends
        )
        guard direction != .inactive else {
            return .refused(.wrongDirection(offered: media.direction, ours: capability.direction))
        }
        let codecs = CodecMatches(offered: media, capability: capability, direction: direction).codecs
        guard !codecs.isEmpty else {
            if capability.lacksFragments(in: media) { return .refused(.withoutFragments) }
            return .refused(.noCommonCodec(offered: media.formatNames, ours: capability.formatNames))
        }
        return .accepted(agreement(on: media, at: index, capability, direction, codecs))
    }

    /// One line needs no group; of several the first accepted one leads, and the others must be with it.
    private func sharesTransport(_ media: MediaDescription) -> Bool {
        guard let first = accepted.first else { return true }
        guard let bundle = offer.bundle, let mid = media.mid, let leader = first.mid else { return false }
        return bundle.contains(mid) && bundle.contains(leader)
    }

    private func agreement(
        on media: MediaDescription,
        at index: Int,
        _ capability: MediaCapabilities,
        _ direction: Direction,
        _ codecs: [NegotiatedCodec]
    ) -> Negotiation.Media {
        let extensions = headerExtensions(of: media, capability, direction)
        let knowsRIDs = extensions.contains { $0.uri == HeaderExtensionURI.rid }
        return Negotiation.Media(
            index: index,
            mid: media.mid,
            kind: media.kind,
            direction: direction,
            codecs: codecs,
            headerExtensions: extensions,
            reducedSizeRTCP: media.rtcpReducedSize,
            sending: direction.sends ? capability.sending : nil,
            remoteSources: media.sources,
            remoteSourceGroups: media.sourceGroups,
            remoteStreams: media.streams,
            simulcastLayers: knowsRIDs && direction.receives
                ? Array(media.offeredLayers.prefix(capability.simulcastLayerCountMax)) : []
        )
    }

    /// Ours among the offered, with the offered numbers, as far as headers can carry those (RFC 8285 §4.2, §4.3).
    private func headerExtensions(
        of media: MediaDescription,
        _ capability: MediaCapabilities,
        _ direction: Direction
    ) -> [HeaderExtension] {
        let allowsTwoByteHeaders = media.allowsMixedExtensions || offer.allowsMixedExtensions
        var extensions: [HeaderExtension] = []
        for offered in media.headerExtensions + offer.headerExtensions {
            let way = offered.direction?.reversed ?? .sendReceive
            let fits = 1...14 ~= offered.id || (allowsTwoByteHeaders && 16...255 ~= offered.id)
            guard fits, capability.headerExtensions.contains(offered.uri),
                way.sends && direction.sends || way.receives && direction.receives,
                !extensions.contains(where: { $0.id == offered.id || $0.uri == offered.uri })
            else { continue }
            extensions.append(HeaderExtension(offered.id, offered.uri, direction: offered.direction?.reversed))
        }
        return extensions
    }
}

extension MediaDescription {
    /// The first alternative of each simulcast stream that the offerer sends.
    fileprivate var offeredLayers: [String] {
        var layers: [String] = []
        for alternatives in simulcast?.send ?? [] {
            let layer = alternatives.first { each in
                !layers.contains(each.rid) && rids.contains { $0.id == each.rid && $0.way == .send }
            }
            if let layer { layers.append(layer.rid) }
        }
        return layers
    }

    /// The codecs in words, without what serves them.
    var formatNames: [String] {
        var names: [String] = []
        for codec in codecs {
            let name = CodecFormat(codec)?.description ?? codec.name
            let serves = ["rtx", "red", "ulpfec", "flexfec-03", "telephone-event", "cn"].contains(
                codec.name.lowercased()
            )
            if !serves, !names.contains(name) { names.append(name) }
        }
        return names
    }
}

extension MediaCapabilities {
    /// Whether the packetization mode alone keeps an offered H.264 from being used.
    fileprivate func lacksFragments(in media: MediaDescription) -> Bool {
        func modes(of formats: [CodecFormat]) -> Set<UInt8> {
            Set(formats.compactMap { if case .h264(let format) = $0 { format.packetizationMode } else { nil } })
        }
        return modes(of: media.codecs.compactMap { CodecFormat($0) }) == [0] && modes(of: codecs.map(\.format)) == [1]
    }

    fileprivate var formatNames: [String] {
        var names: [String] = []
        for codec in codecs where !names.contains(codec.format.description) { names.append(codec.format.description) }
        return names
    }
}

/// Finds the formats of one media line that both sides have.
struct CodecMatches {
    private let offered: MediaDescription
    private let capability: MediaCapabilities
    private let direction: Direction

    init(offered: MediaDescription, capability: MediaCapabilities, direction: Direction) {
        self.offered = offered
        self.capability = capability
        self.direction = direction
    }

    /// In the order of our preference, then of how well they fit, then of the offer.
    var codecs: [NegotiatedCodec] {
        var chosen: [NegotiatedCodec] = []
        for ours in capability.codecs {
            for (codec, format) in ranked(for: ours) where chosen.count < capability.codecCountMax {
                guard !chosen.contains(where: { $0.payloadType == codec.payloadType }) else { continue }
                chosen.append(negotiated(codec, as: ours, format))
            }
        }
        return chosen
    }

    private func ranked(for ours: CodecCapability) -> [(Codec, CodecFormat)] {
        var ranked: [(distance: Int, place: Int, codec: Codec, format: CodecFormat)] = []
        for (place, codec) in offered.codecs.enumerated() {
            guard let format = CodecFormat(codec),
                let distance = ours.distance(
                    to: format,
                    weSend: !direction.receives,
                    allowsHigherProfile: capability.allowsHigherProfile
                )
            else { continue }
            ranked.append((distance, place, codec, format))
        }
        return ranked.sorted { ($0.distance, $0.place) < ($1.distance, $1.place) }.map { ($0.codec, $0.format) }
    }

    private func negotiated(
        _ offer: Codec,
        as ours: CodecCapability,
        _ format: CodecFormat
    ) -> NegotiatedCodec {
        var codec = Codec(offer.payloadType, offer.name, clockRate: offer.clockRate, channels: offer.channels)
        codec.parameters = format.parameters(level: h264Level(answering: offer))
        if offer.parameters["level-asymmetry-allowed"] == nil { codec.parameters["level-asymmetry-allowed"] = nil }
        for parameter in ours.parameters.list { codec.parameters[parameter.name] = parameter.value }
        codec.feedback = offer.feedback.filter(ours.feedback.contains)
        // Sound has no keyframes to ask for, but lost packets as video has; without NACK nobody would ask for them.
        let canRetransmit = ours.retransmits && codec.feedback.contains(.nack)
        let retransmission = offered.codecs.first {
            $0.isNamed("rtx") && $0.associatedPayloadType == offer.payloadType && $0.clockRate == offer.clockRate
        }
        return NegotiatedCodec(
            format: format,
            codec: codec,
            retransmissionPayloadType: canRetransmit ? retransmission?.payloadType : nil
        )
    }

    /// The level is what the answerer receives where levels may differ, else the offered one (RFC 6184 §8.2.2).
    private func h264Level(answering offer: Codec) -> UInt8 {
        let offered = offer.parameters["profile-level-id"].flatMap { H264ProfileLevel($0) } ?? .absent
        let mayDiffer = offer.parameters["level-asymmetry-allowed"] == "1"
        return mayDiffer && direction.receives ? max(capability.h264LevelMax, offered.level) : offered.level
    }
}
