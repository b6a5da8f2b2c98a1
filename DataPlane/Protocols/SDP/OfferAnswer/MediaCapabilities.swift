/// What this side can do with media lines of one kind. One of each kind is negotiated; further ones are refused.
package struct MediaCapabilities: Hashable, Sendable {
    /// What this side says of the stream it sends.
    package struct Sending: Hashable, Sendable {
        package var ssrc: UInt32
        /// Of retransmissions, when they are negotiated.
        package var retransmissionSSRC: UInt32?
        package var cname: String
        package var stream: MediaStreamIdentification

        package init(ssrc: UInt32, retransmissionSSRC: UInt32?, cname: String, stream: MediaStreamIdentification) {
            self.ssrc = ssrc
            self.retransmissionSSRC = retransmissionSSRC
            self.cname = cname
            self.stream = stream
        }
    }

    /// `audio` or `video`.
    package var kind: String
    /// Ours.
    package var direction: Direction
    /// Best first.
    package var codecs: [CodecCapability]
    /// How many of them an answer accepts. With one the peer cannot change over while it sends.
    package var codecCountMax = 1
    /// URIs.
    package var headerExtensions: [String] = []
    /// Layers that we receive at once (RFC 8853); 0 and the peer sends one only.
    package var simulcastLayerCountMax = 0
    /// Sends an H.264 stream also to a peer that offers lower profiles only. Browsers offer those that they can encode,
    /// and decode every profile up to High.
    package var allowsHigherProfile = true
    /// level_idc up to which we receive H.264: 5.2 is 4K at 60 frames a second.
    package var h264LevelMax: UInt8 = 52
    package var sending: Sending?
    /// A peer that wants media of this kind and cannot have it is refused: with the rest alone, it would wait for a picture
    /// and never know why none comes.
    package var isEssential = false

    package init(_ kind: String, _ direction: Direction, codecs: [CodecCapability]) {
        self.kind = kind
        self.direction = direction
        self.codecs = codecs
    }
}

/// Header extensions that matter here.
package enum HeaderExtensionURI {
    package static let mid = "urn:ietf:params:rtp-hdrext:sdes:mid"
    package static let rid = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
    package static let repairedRID = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
    package static let absoluteSendTime = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
    package static let transportWide =
        "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
    package static let absoluteCaptureTime = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time"
    package static let playoutDelay = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"
    package static let audioLevel = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
    package static let videoOrientation = "urn:3gpp:video-orientation"
}

/// What this side says of its transport, which all media lines share.
package struct LocalTransport: Hashable, Sendable {
    package var userFragment: String
    package var password: String
    package var fingerprints: [Fingerprint]
    package var candidates: [CandidateAttribute]
    package var isICELite: Bool
    /// What an answer takes of `actpass`. A server that waits saves the peer a round trip when the peer's first check
    /// and its DTLS go out together; an offer is always `actpass`.
    package var preferredSetup = SetupRole.passive

    package init(
        userFragment: String,
        password: String,
        fingerprints: [Fingerprint],
        candidates: [CandidateAttribute],
        isICELite: Bool
    ) {
        self.userFragment = userFragment
        self.password = password
        self.fingerprints = fingerprints
        self.candidates = candidates
        self.isICELite = isICELite
    }

    func attributes(setup: SetupRole) -> TransportAttributes {
        var attributes = TransportAttributes()
        attributes.userFragment = userFragment
        attributes.password = password
        attributes.fingerprints = fingerprints
        attributes.setup = setup
        return attributes
    }
}
