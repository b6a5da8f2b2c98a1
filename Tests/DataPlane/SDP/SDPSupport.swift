import Foundation
import SDP

/// Offers of real clients. They lie in the fuzzer's corpus, so that it starts from them too: those of Chromium 156,
/// Firefox ESR 153, aiortc 1.16, FFmpeg 9.0.2 and GStreamer 1.22 are as the programs wrote them, `obs-30` is written
/// after what OBS sends.
enum RealOffer: String, CaseIterable, CustomStringConvertible {
    case aiortcPublish = "aiortc-publish"
    case chromiumPlay = "chromium-play"
    case chromiumPublish = "chromium-publish"
    case chromiumSimulcast = "chromium-simulcast"
    case dataChannel = "data-channel"
    case ffmpeg = "ffmpeg-9"
    case firefoxPlay = "firefox-play"
    case firefoxSimulcast = "firefox-simulcast"
    case gstreamer = "gstreamer-1.22"
    case obs = "obs-30"

    var description: String { rawValue }

    var text: String {
        get throws {
            let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent()
            return try String(contentsOf: tests.appending(path: "Fuzz/Corpus/sdp/\(rawValue)"), encoding: .utf8)
        }
    }

    var offer: SessionDescription { get throws { try SessionDescription(parsing: text) } }
}

/// The server of these tests.
enum Server {
    static let fingerprint = Fingerprint(.sha256, Array(0..<32))
    static let candidate = CandidateAttribute(
        foundation: "1",
        transport: "udp",
        priority: 2_130_706_431,
        address: "192.0.2.1",
        port: 50_000,
        kind: "host"
    )
    static let transport = LocalTransport(
        userFragment: "srvr",
        password: "serverpasswordserverpw",
        fingerprints: [fingerprint].compactMap { $0 },
        candidates: [candidate],
        isICELite: true
    )
    static let origin = SessionDescription.Origin(sessionID: 1, sessionVersion: 1)
    static let videoFeedback: [RTCPFeedback] = [.nack, .pictureLoss, .fullIntraRequest, .transportWide]

    static let extensions = [
        HeaderExtensionURI.mid, HeaderExtensionURI.rid, HeaderExtensionURI.repairedRID,
        HeaderExtensionURI.absoluteSendTime, HeaderExtensionURI.transportWide,
    ]

    static func h264(_ profiles: [H264ProfileLevel.Profile], modes: [UInt8] = [1, 0]) -> [CodecCapability] {
        CodecCapability.h264(profiles, packetizationModes: modes, feedback: videoFeedback, retransmits: true)
    }

    static func video(_ format: CodecFormat) -> CodecCapability {
        CodecCapability(format, feedback: videoFeedback, retransmits: true)
    }

    static let opus = CodecCapability(.opus, feedback: [.transportWide], parameters: ["stereo": "1"])

    /// WHIP: takes everything.
    static var ingest: [MediaCapabilities] {
        var audio = MediaCapabilities("audio", .receiveOnly, codecs: [opus])
        audio.headerExtensions = extensions
        var video = MediaCapabilities(
            "video",
            .receiveOnly,
            codecs: h264([.constrainedBaseline, .baseline, .main, .constrainedHigh, .high])
                + [.vp9(profile: 0), .av1(profile: 0), .vp8].map(Self.video)
        )
        video.headerExtensions = extensions
        video.simulcastLayerCountMax = 3
        return [audio, video]
    }

    /// WHEP of one stream.
    static func egress(_ codecs: [CodecCapability]) -> [MediaCapabilities] {
        var audio = MediaCapabilities("audio", .sendOnly, codecs: [opus])
        let stream = { MediaStreamIdentification(stream: "stream", track: $0) }
        audio.sending = .init(ssrc: 1, retransmissionSSRC: nil, cname: "cname", stream: stream("audio"))
        var video = MediaCapabilities("video", .sendOnly, codecs: codecs)
        video.sending = .init(ssrc: 2, retransmissionSSRC: 3, cname: "cname", stream: stream("video"))
        (audio.headerExtensions, video.headerExtensions) = (extensions, extensions)
        return [audio, video]
    }

    static func answer(_ offer: SessionDescription, _ media: [MediaCapabilities]) throws -> Answer {
        try Answer(to: offer, with: media, transport: transport, origin: origin)
    }
}

extension Negotiation {
    var video: Media? { media.first { $0.kind == "video" } }
    var audio: Media? { media.first { $0.kind == "audio" } }
}
