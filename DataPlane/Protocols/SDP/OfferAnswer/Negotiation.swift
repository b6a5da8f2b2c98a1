/// What both sides agreed on, from this side.
package struct Negotiation: Hashable, Sendable {
    package struct Media: Hashable, Sendable {
        /// The media line's place in the description.
        package var index: Int
        package var mid: String?
        package var kind: String
        /// Ours.
        package var direction: Direction
        /// Best first; at least one.
        package var codecs: [NegotiatedCodec]
        package var headerExtensions: [HeaderExtension]
        package var reducedSizeRTCP: Bool
        /// What we send under.
        package var sending: MediaCapabilities.Sending?
        /// What the peer announced to send under; often nothing.
        package var remoteSources: [Source]
        package var remoteSourceGroups: [SourceGroup]
        package var remoteStreams: [MediaStreamIdentification]
        /// The layers that the peer will send, by its RIDs; empty without simulcast.
        package var simulcastLayers: [String]

        /// The number of a header extension on this line.
        package func extensionID(_ uri: String) -> UInt16? { headerExtensions.first { $0.uri == uri }?.id }
    }

    package struct Refusal: Hashable, Sendable {
        package var index: Int
        package var mid: String?
        package var kind: String
        package var reason: MediaRefusal
    }

    /// The peer's end of the transport.
    package struct Remote: Hashable, Sendable {
        package var userFragment: String
        package var password: String
        package var candidates: [CandidateAttribute]
        package var endOfCandidates: Bool
        package var fingerprints: [Fingerprint]
        package var isICELite: Bool
        package var trickles: Bool
    }

    /// One per accepted media line, in their order.
    package var media: [Media]
    package var refusals: [Refusal]
    package var remote: Remote
    /// Whether we open the DTLS association.
    package var isDTLSClient: Bool
}

package struct NegotiatedCodec: Hashable, Sendable {
    package var format: CodecFormat
    /// As the answer describes it, with the offerer's payload type.
    package var codec: Codec
    package var retransmissionPayloadType: UInt8?

    package var payloadType: UInt8 { codec.payloadType }
}

/// Why a media line is not used. The session goes on with the others.
package enum MediaRefusal: Hashable, Sendable, CustomStringConvertible {
    case refusedByPeer
    case unsupportedKind
    case unsupportedProtocol(String)
    case withoutRTCPMux
    case notBundled
    case anotherOfItsKind
    /// Neither side would send: such as a viewer's `sendonly`.
    case wrongDirection(offered: Direction, ours: Direction)
    case noCommonCodec(offered: [String], ours: [String])
    /// Its H.264 would do, but for packets that hold whole NAL units only (RFC 6184 §6.2), and pictures have longer ones.
    case withoutFragments

    /// Not the peer's own wish.
    var isRefusedByUs: Bool {
        switch self {
        case .refusedByPeer, .anotherOfItsKind, .wrongDirection: false
        case .unsupportedKind, .unsupportedProtocol, .withoutRTCPMux, .notBundled, .noCommonCodec, .withoutFragments:
            true
        }
    }

    package var description: String {
        switch self {
        case .refusedByPeer: "the peer does not use it"
        case .unsupportedKind: "only audio and video are used here"
        case .unsupportedProtocol(let name): "its protocol is \(name); use UDP/TLS/RTP/SAVPF (DTLS-SRTP)"
        case .withoutRTCPMux: "it lacks a=rtcp-mux; RTCP has no port of its own here"
        case .notBundled: "it is not in the BUNDLE group; all media share one transport here"
        case .anotherOfItsKind: "one media line of each kind is used; publish further ones as further streams"
        case .wrongDirection(let offered, let ours):
            "it is offered as \(offered.rawValue), and this side is \(ours.rawValue); a publisher sends, a player receives"
        case .noCommonCodec(let offered, let ours):
            "none of its codecs (\(offered.joined(separator: ", "))) can be used; offer \(ours.joined(separator: " or "))"
        case .withoutFragments:
            "its H264 has packetization-mode 0, whose packets cannot carry the parts of a large NAL unit; offer "
                + "packetization-mode=1"
        }
    }
}

/// Why there can be no session.
package enum NegotiationError: Error, Hashable, Sendable, CustomStringConvertible {
    case noICECredentials
    case noFingerprint
    case bothICELite
    case noSetupRole(SetupRole?)
    /// The answer has not as many media lines as the offer.
    case mediaCountDiffers(offered: Int, answered: Int)
    case duplicateMid(String)
    case nothingUsable([Negotiation.Refusal])
    /// Some could be used, but not what it is all about.
    case essentialUnusable(Negotiation.Refusal)

    package var description: String {
        switch self {
        case .noICECredentials: "the description has no a=ice-ufrag and a=ice-pwd; a WebRTC client must offer ICE"
        case .noFingerprint:
            "the description has no certificate fingerprint of SHA-256 or longer; media is encrypted with DTLS-SRTP only"
        case .bothICELite: "the peer is ICE-lite as this side is; one of the two must check connectivity"
        case .noSetupRole(let role):
            "a=setup:\(role?.rawValue ?? "") leaves nobody to open DTLS; offer actpass and answer active or passive"
        case .mediaCountDiffers(let offered, let answered):
            "the answer has \(answered) media lines for the \(offered) of the offer"
        case .duplicateMid(let mid): "two media lines have the mid '\(mid)'"
        case .nothingUsable(let refusals):
            refusals.isEmpty
                ? "the description has no media line; offer audio or video"
                : "no media line can be used. "
                    + refusals.map { "\($0.kind) (\($0.mid ?? "\($0.index)")): \($0.reason)" }.joined(separator: ". ")
        case .essentialUnusable(let refusal):
            "the \(refusal.kind) cannot be used: \(refusal.reason). To go without it, leave out its media line"
        }
    }

    /// Only the packets of H.264 that the peer takes are in the way.
    package var isForWantOfFragments: Bool {
        switch self {
        case .essentialUnusable(let refusal): refusal.reason == .withoutFragments
        case .nothingUsable(let refusals): refusals.contains { $0.reason == .withoutFragments }
        case .noICECredentials, .noFingerprint, .bothICELite, .noSetupRole, .mediaCountDiffers, .duplicateMid: false
        }
    }

    package var label: String {
        switch self {
        case .noICECredentials: "no_ice_credentials"
        case .noFingerprint: "no_fingerprint"
        case .bothICELite: "both_ice_lite"
        case .noSetupRole: "no_setup_role"
        case .mediaCountDiffers: "media_count_differs"
        case .duplicateMid: "duplicate_mid"
        case .nothingUsable: "nothing_usable"
        case .essentialUnusable(let refusal): "\(refusal.kind)_unusable"
        }
    }
}

extension Negotiation.Remote {
    /// The transport that `media` uses, which is that of `leader` where it is bundled.
    init(
        _ description: SessionDescription,
        media: MediaDescription,
        leader: MediaDescription
    ) throws(NegotiationError) {
        let transport = description.transport(of: media).inheriting(description.transport(of: leader))
        guard let userFragment = transport.userFragment, let password = transport.password,
            !userFragment.isEmpty, !password.isEmpty
        else { throw .noICECredentials }
        // SHA-1 is within reach of forgers.
        fingerprints = transport.fingerprints.filter { $0.hash != .sha1 }
        guard !fingerprints.isEmpty else { throw .noFingerprint }
        self.userFragment = userFragment
        self.password = password
        candidates = media.candidates.isEmpty ? leader.candidates : media.candidates
        endOfCandidates = media.endOfCandidates
        isICELite = description.isICELite
        trickles = transport.iceOptions.contains("trickle")
    }
}
