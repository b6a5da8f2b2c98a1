import Codecs
package import ICE
package import MediaModel
package import RTP
package import SDP
package import SecureTransport

/// What this server can do with an offer, as publisher's or player's side.
package enum PeerNegotiation {
    private static let videoFeedback: [RTCPFeedback] = [.nack, .pictureLoss, .fullIntraRequest, .remb, .transportWide]
    private static let extensions = [
        HeaderExtensionURI.mid, HeaderExtensionURI.absoluteSendTime, HeaderExtensionURI.transportWide,
        HeaderExtensionURI.absoluteCaptureTime,
    ]
    /// With in-band redundancy a lost packet of sound costs less than a repeat that comes too late.
    private static let opus = CodecCapability(
        .opus,
        feedback: [.transportWide],
        parameters: ["stereo": "1", "useinbandfec": "1"]
    )

    /// A publisher's media: all codecs that RTP here knows, those first that most players and protocols take.
    package static var ingest: [MediaCapabilities] {
        var audio = MediaCapabilities("audio", .receiveOnly, codecs: [opus])
        let profiles: [H264ProfileLevel.Profile] = [.constrainedBaseline, .baseline, .main, .constrainedHigh, .high]
        let others: [CodecFormat] = [.vp8, .vp9(profile: 0), .av1(profile: 0), .h265(profile: 1)]
        var video = MediaCapabilities(
            "video",
            .receiveOnly,
            codecs: CodecCapability.h264(profiles, feedback: videoFeedback, retransmits: true)
                + others.map { CodecCapability($0, feedback: videoFeedback, retransmits: true) }
        )
        audio.headerExtensions = extensions
        video.headerExtensions = extensions + [HeaderExtensionURI.rid, HeaderExtensionURI.repairedRID]
        video.simulcastLayerCountMax = PeerLimits.simulcastLayersMax
        video.isEssential = true
        return [audio, video]
    }

    /// What players of a stream with these tracks are offered.
    package static func egress(
        _ tracks: [Track],
        packetizationMode: H264PacketizationMode = .nonInterleaved,
        using random: inout some RandomNumberGenerator
    ) throws(UnplayableStream) -> [MediaCapabilities] {
        let name = canonicalName(using: &random)
        var capabilities: [MediaCapabilities] = []
        var unusable: [String] = []
        for track in tracks where track.kind != .data {
            guard let capability = capability(for: track.codec, packetizationMode) else {
                unusable.append(track.codec.name)
                continue
            }
            var media = MediaCapabilities(track.kind.rawValue, .sendOnly, codecs: [capability])
            media.headerExtensions = extensions
            if track.kind == .video {
                media.headerExtensions.append(HeaderExtensionURI.playoutDelay)
                media.isEssential = true
            }
            media.sending = MediaCapabilities.Sending(
                ssrc: UInt32.random(in: 1...UInt32.max, using: &random),
                retransmissionSSRC: capability.retransmits ? UInt32.random(in: 1...UInt32.max, using: &random) : nil,
                cname: name,
                stream: MediaStreamIdentification(stream: name, track: track.kind.rawValue)
            )
            capabilities.append(media)
        }
        guard !capabilities.isEmpty else { throw .noCodec(unusable) }
        // Sound that needs another codec is left out until it is transcoded; a stream without its picture is another one.
        let needsVideo = tracks.contains { $0.kind == .video }
        if needsVideo, !capabilities.contains(where: { $0.kind == "video" }) { throw .noCodec(unusable) }
        return capabilities
    }

    /// 96 random bits (RFC 7022 §4.2), also the name of the stream (msid). Of a multiple of four octets: aiortc 1.16 takes reports
    /// for cut off whose SDES chunks (RFC 3550 §6.5) end in more or fewer than two of padding.
    private static func canonicalName(using random: inout some RandomNumberGenerator) -> String {
        String((0..<24).compactMap { _ in "0123456789abcdef".randomElement(using: &random) })
    }

    private static func capability(
        for codec: CodecParameters,
        _ mode: H264PacketizationMode
    ) -> CodecCapability? {
        switch codec {
        case .h264(let configuration, _, _):
            guard let record = try? AVCConfiguration(parsing: configuration),
                let level = H264ProfileLevel(
                    profileIDC: record.profile,
                    constraints: record.profileCompatibility,
                    level: record.level
                )
            else { return nil }
            return video(.h264(CodecFormat.H264Format(level.profile, packetizationMode: UInt8(mode.rawValue))))
        case .h265(let configuration, _, _):
            return (try? HEVCConfiguration(parsing: configuration)).map { video(.h265(profile: $0.profile)) }
        case .av1(let configuration, _, _):
            return (try? AV1Configuration(parsing: configuration)).map { video(.av1(profile: $0.profile)) }
        case .vp8: return video(.vp8)
        case .vp9(let configuration, _, _):
            return (try? VPConfiguration(parsing: configuration)).map { video(.vp9(profile: $0.profile)) }
        case .opus: return opus
        case .aac, .mp3, .ac3, .data: return nil
        }
    }

    private static func video(_ format: CodecFormat) -> CodecCapability {
        CodecCapability(format, feedback: videoFeedback, retransmits: true)
    }
}

/// Why WebRTC players cannot have a stream.
package enum UnplayableStream: Error, Hashable, Sendable, CustomStringConvertible {
    /// Of its codecs, by name, WebRTC carries none that it needs.
    case noCodec([String])
    /// Pictures are shown in another order than decoded, which RTP's receivers in browsers do not do.
    case reorderedPictures

    package var description: String {
        switch self {
        case .noCodec(let names):
            "the stream has \(names.joined(separator: " and ")), which WebRTC does not carry: publish H.264, HEVC, VP8, "
                + "VP9 or AV1 with Opus, or watch it by HLS or RTMP"
        case .reorderedPictures:
            "the stream has B-frames, which browsers do not play by WebRTC: switch them off in the encoder (x264: "
                + "bframes=0, OBS: profile baseline or tune zerolatency), or watch it by HLS or RTMP"
        }
    }

    package var label: String {
        switch self {
        case .noCodec: "unsupported_codec"
        case .reorderedPictures: "b_frames"
        }
    }
}

extension LocalTransport {
    /// This side of a session: ICE-lite, with the certificate of the process.
    package init?(_ credentials: ICECredentials, _ candidates: [Candidate], _ certificate: CertificateFingerprint) {
        guard let hash = Fingerprint.Hash(rawValue: certificate.algorithm.rawValue),
            let fingerprint = Fingerprint(hash, certificate.bytes)
        else { return nil }
        self.init(
            userFragment: credentials.userFragment,
            password: credentials.password,
            fingerprints: [fingerprint],
            candidates: candidates.map(CandidateAttribute.init),
            isICELite: true
        )
    }
}

extension Negotiation {
    /// Any of which the peer's certificate may have.
    package var certificates: [CertificateFingerprint] {
        remote.fingerprints.compactMap { CertificateFingerprint($0.text) }
    }
}
