/// What tells formats of one codec apart in an offer: two that differ here cannot stand for each other.
package enum CodecFormat: Hashable, Sendable {
    case h264(H264Format)
    /// `profile-id`: 1 is Main (RFC 7798 §7.1).
    case h265(profile: UInt8)
    case vp8
    /// `profile-id`: 0 has 8 bits and 4:2:0 (RFC 9628 §6).
    case vp9(profile: UInt8)
    case av1(profile: UInt8)
    case opus

    package struct H264Format: Hashable, Sendable {
        package var profile: H264ProfileLevel.Profile
        package var packetizationMode: UInt8

        package init(_ profile: H264ProfileLevel.Profile, packetizationMode: UInt8) {
            self.profile = profile
            self.packetizationMode = packetizationMode
        }
    }

    /// As the media line describes it; nil for what is not media that we know (RTX, RED, FEC, tones).
    package init?(_ codec: Codec) {
        let parameters = codec.parameters
        let number = { (name: String, absent: UInt8) in parameters[name].flatMap { UInt8(digits: $0) } ?? absent }
        switch (codec.name.lowercased(), codec.clockRate) {
        case ("h264", 90_000):
            let text = parameters["profile-level-id"]
            guard let id = text.map({ H264ProfileLevel($0) }) ?? .absent else { return nil }
            self = .h264(H264Format(id.profile, packetizationMode: number("packetization-mode", 0)))
        case ("h265", 90_000): self = .h265(profile: number("profile-id", 1))
        case ("vp8", 90_000): self = .vp8
        case ("vp9", 90_000): self = .vp9(profile: number("profile-id", 0))
        case ("av1", 90_000): self = .av1(profile: number("profile", 0))
        case ("opus", 48_000) where codec.channels == 2: self = .opus
        default: return nil
        }
    }

    package var name: String {
        switch self {
        case .h264: "H264"
        case .h265: "H265"
        case .vp8: "VP8"
        case .vp9: "VP9"
        case .av1: "AV1"
        case .opus: "opus"
        }
    }

    package var clockRate: UInt32 { self == .opus ? 48_000 : 90_000 }
    package var channels: UInt8? { self == .opus ? 2 : nil }

    /// With what tells it from others of its name, for people.
    package var description: String {
        switch self {
        case .h264(let format): "H264 \(format.profile) (packetization-mode \(format.packetizationMode))"
        case .h265(let profile), .vp9(let profile), .av1(let profile): "\(name) profile \(profile)"
        case .vp8, .opus: name
        }
    }

    /// The parameters by which it is known. `level` is of H.264.
    func parameters(level: UInt8) -> FormatParameters {
        switch self {
        case .h264(let format):
            [
                "level-asymmetry-allowed": "1", "packetization-mode": "\(format.packetizationMode)",
                "profile-level-id": H264ProfileLevel(format.profile, level: level).text,
            ]
        case .h265(let profile), .vp9(let profile): ["profile-id": "\(profile)"]
        case .av1(let profile): ["profile": "\(profile)"]
        case .vp8, .opus: [:]
        }
    }
}

/// A format that this side sends or receives, and how.
package struct CodecCapability: Hashable, Sendable {
    package var format: CodecFormat
    /// The feedback we give when receiving, and heed when sending.
    package var feedback: [RTCPFeedback]
    /// Lost packets are sent again on a payload type of their own (RFC 4588).
    package var retransmits: Bool
    /// Said beside what the format itself says, as `stereo=1`.
    package var parameters: FormatParameters

    package init(
        _ format: CodecFormat,
        feedback: [RTCPFeedback] = [],
        retransmits: Bool = false,
        parameters: FormatParameters = FormatParameters()
    ) {
        self.format = format
        self.feedback = feedback
        self.retransmits = retransmits
        self.parameters = parameters
    }

    /// How well a format of the peer's serves, 0 being exactly; nil when it does not. The peer receives what we send,
    /// so a format that decodes more serves too; what it sends, we must know exactly. Levels are not compared: those
    /// that browsers offer are defaults, not what their decoders end at.
    func distance(to offered: CodecFormat, weSend: Bool, allowsHigherProfile: Bool) -> Int? {
        guard case .h264(let ours) = format, case .h264(let theirs) = offered else {
            return offered == format ? 0 : nil
        }
        // In mode 0 units are not fragmented (RFC 6184 §6.2): a stream made for mode 1 does not fit, and the reverse
        // does.
        guard ours.packetizationMode == theirs.packetizationMode else { return nil }
        if ours.profile == theirs.profile { return 0 }
        guard weSend else { return nil }
        if let place = ours.profile.decodableAs.firstIndex(of: theirs.profile) { return 1 + place }
        return allowsHigherProfile ? 100 - theirs.profile.strength : nil
    }
}
