import SDP

extension FuzzTarget {
    static let sdp = FuzzTarget(
        "sdp",
        invariant: "what is read and written reads the same, and so does the answer that is made to it"
    ) { bytes throws(FuzzViolation) in
        let text = String(decoding: bytes, as: UTF8.self)
        guard let description = try? SessionDescription(parsing: text) else { return }
        try require(isStable(description), "a description changed on its way")
        let answer = try? Answer(
            to: description,
            with: [MediaCapabilities("audio", .receiveOnly, codecs: [CodecCapability(.opus)]), .anyVideo],
            transport: .ours,
            origin: SessionDescription.Origin(sessionID: 1, sessionVersion: 1)
        )
        guard let answer else { return }
        try require(isStable(answer.description), "an answer changed on its way")
        try require(answer.description.media.count == description.media.count, "a media line got no answer")
    }

    static let trickleFragment = FuzzTarget(
        "trickle-fragment",
        invariant: "any fragment is read or throws, and what is read and written reads the same"
    ) { bytes throws(FuzzViolation) in
        guard let fragment = try? TrickleFragment(parsing: String(decoding: bytes, as: UTF8.self)) else { return }
        let written = fragment.text
        // A fragment may hold only what says nothing to us.
        guard !written.isEmpty else { return }
        try require((try? TrickleFragment(parsing: written)) == fragment, "a fragment changed on its way")
    }

    private static func isStable(_ description: SessionDescription) -> Bool {
        var limits = SDPLimits()
        // Several lines may have become one, and one that speaks of all payload types several.
        limits.bytesMax *= 8
        limits.lineBytesMax *= 32
        limits.linesPerMediaMax *= 32
        return (try? SessionDescription(parsing: description.text, limits: limits)) == description
    }
}

extension MediaCapabilities {
    fileprivate static var anyVideo: Self {
        let formats: [CodecFormat] = [.vp8, .vp9(profile: 0), .av1(profile: 0), .h265(profile: 1)]
        let feedback: [RTCPFeedback] = [.nack, .pictureLoss]
        var video = Self(
            "video",
            .sendReceive,
            codecs: CodecCapability.h264(H264ProfileLevel.Profile.allCases, feedback: feedback, retransmits: true)
                + formats.map { CodecCapability($0, feedback: feedback, retransmits: true) }
        )
        video.codecCountMax = 20
        video.simulcastLayerCountMax = 3
        video.headerExtensions = [HeaderExtensionURI.mid, HeaderExtensionURI.rid, HeaderExtensionURI.transportWide]
        return video
    }
}

extension LocalTransport {
    fileprivate static var ours: Self {
        LocalTransport(
            userFragment: "srvr",
            password: "serverpasswordserverpw",
            fingerprints: [Fingerprint(.sha256, Array(repeating: 7, count: 32))].compactMap { $0 },
            candidates: [],
            isICELite: false
        )
    }
}
