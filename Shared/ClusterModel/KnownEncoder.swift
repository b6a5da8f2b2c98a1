/// What is known of libavcodec's video encoders where there is none to ask: the control plane has no libavcodec, and edges say
/// of rungs what an origin will make.
package struct KnownEncoder: Hashable, Sendable {
    package enum Codec: Hashable, Sendable {
        case h264
        case h265
        case av1
    }

    package let codec: Codec
    /// The words `encoderSpeed` may be, quickest first where they have an order. Nil where they are not known here.
    package let speeds: [String]?
    /// What serves where no word is said: quick enough for a live stream. Nil leaves the encoder's own.
    package let defaultSpeed: String?

    /// Nil of names that are no encoder of a codec that rungs can have: an audio encoder's, or one of still pictures.
    package init?(named name: String) {
        switch name {
        case "libx264": self.init(.h264, speeds: Self.x26xSpeeds, defaultSpeed: "veryfast")
        case "libx265": self.init(.h265, speeds: Self.x26xSpeeds, defaultSpeed: "veryfast")
        // Slower ones encode no live stream.
        case "libsvtav1": self.init(.av1, speeds: (6...13).reversed().map(String.init), defaultSpeed: "10")
        case "libopenh264": self.init(.h264, speeds: [], defaultSpeed: nil)
        default: self.init(ofHardware: name)
        }
    }

    /// Named by codec and maker, as in `hevc_nvenc`.
    private init?(ofHardware name: String) {
        let words = name.split(separator: "_", maxSplits: 1)
        guard words.count == 2, let codec = Self.hardwareCodecs[String(words[0])] else { return nil }
        switch words[1] {
        case "nvenc": self.init(codec, speeds: Self.nvencSpeeds, defaultSpeed: "p4")
        case "vaapi": self.init(codec, speeds: (1...7).reversed().map(String.init), defaultSpeed: nil)
        case "amf", "mf", "omx", "qsv", "v4l2m2m": self.init(codec, speeds: nil, defaultSpeed: nil)
        default: return nil
        }
    }

    private init(_ codec: Codec, speeds: [String]?, defaultSpeed: String?) {
        self.codec = codec
        self.speeds = speeds
        self.defaultSpeed = defaultSpeed
    }

    private static let x26xSpeeds = [
        "ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow", "placebo",
    ]
    private static let nvencSpeeds = ["p1", "p2", "p3", "p4", "p5", "p6", "p7", "fast", "medium", "slow"]
    private static let hardwareCodecs: [String: Codec] = ["h264": .h264, "hevc": .h265, "av1": .av1]

    static let allowedNames = """
        libx264, libx265, libsvtav1, libopenh264, and h264_…, hevc_… or av1_… with nvenc, vaapi, qsv, amf, mf, omx or v4l2m2m
        """
}

extension AppSettings {
    /// The speed for one of the two encoders: the word is the wished-for encoder's, the other one has its own.
    package func speed(of encoder: String) -> String? {
        if encoder == videoEncoder, !encoderSpeed.isEmpty { return encoderSpeed }
        return KnownEncoder(named: encoder)?.defaultSpeed
    }

    /// A word about encoding that cannot work, as a sentence; nil when they may.
    var encoderFault: String? {
        nameFault("videoEncoder", videoEncoder)
            ?? (fallbackEncoder.isEmpty ? nil : nameFault("fallbackEncoder", fallbackEncoder))
            ?? speedFault ?? containerFault
    }

    private func nameFault(_ setting: String, _ name: String) -> String? {
        guard KnownEncoder(named: name) == nil else { return nil }
        return "\(setting) is \"\(name)\", which is no video encoder rungs can be made with; "
            + "allowed are \(KnownEncoder.allowedNames)"
    }

    private var speedFault: String? {
        guard !encoderSpeed.isEmpty, let known = KnownEncoder(named: videoEncoder) else { return nil }
        if known.speeds?.contains(encoderSpeed) ?? Self.isCodecWord(encoderSpeed) { return nil }
        let speeds = known.speeds ?? ["letters", "digits", "_", "-"]
        let allowed = speeds.isEmpty ? "none: leave it empty" : speeds.joined(separator: ", ")
        return "encoderSpeed is \"\(encoderSpeed)\"; of \(videoEncoder), allowed are \(allowed)"
    }

    /// MPEG-TS has no mapping for AV1 that players know.
    private var containerFault: String? {
        guard hlsSegmentType == .mpegts else { return nil }
        let encoders = [("videoEncoder", videoEncoder), ("fallbackEncoder", fallbackEncoder)]
        return encoders.first { KnownEncoder(named: $0.1)?.codec == .av1 }.map {
            "\($0.0) is \($0.1), whose AV1 MPEG-TS segments cannot carry; set hlsSegmentType to fmp4, or take an encoder of "
                + "H.264 or H.265"
        }
    }
}
