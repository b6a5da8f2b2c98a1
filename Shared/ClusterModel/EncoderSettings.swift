/// One rung of a ladder, in Ant Media's form.
package struct EncoderSetting: Codable, Hashable, Sendable {
    /// Lines of the picture; its width follows from the source's shape.
    package var height: Int
    /// Bits a second.
    package var videoBitrate: Int
    /// Bits a second of AAC. 0: the source's sound goes with the rung as it is.
    package var audioBitrate: Int
    /// Encode this rung also when the source has fewer lines.
    package var forceEncode: Bool

    package init(height: Int, videoBitrate: Int, audioBitrate: Int, forceEncode: Bool = false) {
        self.height = height
        self.videoBitrate = videoBitrate
        self.audioBitrate = audioBitrate
        self.forceEncode = forceEncode
    }

    private enum CodingKeys: String, CodingKey {
        case height, videoBitrate, audioBitrate, forceEncode
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        height = try container.decode(Int.self, forKey: .height)
        videoBitrate = try container.decode(Int.self, forKey: .videoBitrate)
        audioBitrate = try container.decodeIfPresent(Int.self, forKey: .audioBitrate) ?? 128_000
        forceEncode = try container.decodeIfPresent(Bool.self, forKey: .forceEncode) ?? false
    }

    /// As it stands in URLs behind the stream's id and `_`.
    package var renditionName: String { Self.renditionName(height: height, videoBitrate: videoBitrate) }

    package static func renditionName(height: Int, videoBitrate: Int) -> String {
        "\(height)p\(videoBitrate / 1000)kbps"
    }

    /// What is out of range, as a sentence; nil when all is fine.
    package var fault: String? {
        func outside(_ name: String, _ value: Int, _ range: ClosedRange<Int>) -> String? {
            range.contains(value)
                ? nil : "\(name) of a rung is \(value); allowed is \(range.lowerBound) to \(range.upperBound)"
        }
        return outside("height", height, 64...4320)
            ?? outside("videoBitrate", videoBitrate, 20_000...100_000_000)
            ?? (audioBitrate == 0 ? nil : outside("audioBitrate", audioBitrate, 16_000...512_000))
            ?? (height % 2 == 0
                ? nil : "height of a rung is \(height); pictures are encoded in pairs of lines, give an even number")
    }
}

extension [EncoderSetting] {
    /// More would be no use to players, and each costs an encoder.
    package static let rungsMax = 8

    /// Why they are no ladder, as a sentence; nil when all is fine.
    var fault: String? {
        if count > Self.rungsMax { return "encoderSettings has \(count) rungs; allowed are \(Self.rungsMax)" }
        return lazy.compactMap(\.fault).first
    }
}

/// Ladders by name, for apps that name no rungs of their own.
package enum LadderPreset: String, Choice {
    /// The source alone.
    case none
    /// For small screens and thin lines.
    case mobile
    case standard
    case fullHD

    package var encoderSettings: [EncoderSetting] {
        switch self {
        case .none: []
        case .mobile:
            [
                EncoderSetting(height: 360, videoBitrate: 700_000, audioBitrate: 64_000),
                EncoderSetting(height: 240, videoBitrate: 350_000, audioBitrate: 64_000),
            ]
        case .standard:
            [
                EncoderSetting(height: 720, videoBitrate: 2_500_000, audioBitrate: 128_000),
                EncoderSetting(height: 480, videoBitrate: 1_200_000, audioBitrate: 128_000),
                EncoderSetting(height: 240, videoBitrate: 350_000, audioBitrate: 64_000),
            ]
        case .fullHD:
            [EncoderSetting(height: 1080, videoBitrate: 4_500_000, audioBitrate: 128_000)]
                + LadderPreset.standard.encoderSettings
        }
    }
}
