/// `PUT /v1/apps/{app}`. Every field has a default, so an app that was never set up works.
package struct AppSettings: Codable, Hashable, Sendable {
    package enum SecondPublisher: String, Choice {
        case refuse
        case takeOver
        case standBy
    }

    /// What HLS segments are.
    package enum HLSSegmentType: String, Choice {
        /// CMAF, which DASH shares.
        case fmp4
        /// For old players; without DASH.
        case mpegts
    }

    /// How long writes to viewers may be held back and merged, in ms, 0 to 350. Nil: 0 to 50 as the load asks.
    package var mergeWindowMilliseconds: Int?
    /// How late WebRTC players are asked to show pictures after their capture, in ms: at least, and at most.
    package var playoutDelayMinMilliseconds: Int
    package var playoutDelayMaxMilliseconds: Int
    /// What a publisher meets when the stream has a live owner.
    package var secondPublisher: SecondPublisher
    /// Seconds a broken publisher may take to come back.
    package var publisherGrace: Double
    /// Seconds a pull outlives its last viewer.
    package var pullLinger: Double
    /// Seconds of media in an HLS segment, at least; a segment ends at the first keyframe after it.
    package var hlsSegmentDuration: Double
    /// Seconds of media in an LL-HLS part, at most.
    package var hlsPartDuration: Double
    /// Complete segments in a playlist: how far back players can go. Kept in memory, at most 1 GB a rendition; more than the
    /// default from the stream's beginning on, whether or not anybody watches.
    package var hlsWindowSegments: Int
    /// Of streams that are packaged from now on.
    package var hlsSegmentType: HLSSegmentType
    /// The rungs encoded beside the source. Empty: those of `ladderPreset`.
    package var encoderSettings: [EncoderSetting]
    package var ladderPreset: LadderPreset
    /// libavcodec's name of the encoder.
    package var videoEncoder: String
    /// What encodes on nodes where `videoEncoder` is not built in or cannot be opened; empty: no renditions there.
    package var fallbackEncoder: String
    /// Speed against quality, in the encoder's own word; empty: quick enough for live streams, whatever the encoder.
    package var encoderSpeed: String
    /// False: rungs are encoded as long as there is a publisher, also while nobody watches.
    package var renditionsOnDemand: Bool
    /// Seconds a rung is encoded beyond its last viewer.
    package var renditionLinger: Double
    /// Record every stream of the app, unless the stream's own settings say otherwise.
    package var recordingEnabled: Bool
    /// Seconds from one preview picture to the next; 0 makes none.
    package var previewInterval: Double

    package init() {
        playoutDelayMinMilliseconds = 0
        // Browsers that are told half a second or less show each picture as it comes, however unevenly.
        playoutDelayMaxMilliseconds = 1000
        secondPublisher = .refuse
        publisherGrace = 15
        pullLinger = 10
        hlsSegmentDuration = 2
        hlsPartDuration = 0.2
        hlsWindowSegments = Self.hlsWindowSegmentsDefault
        hlsSegmentType = .fmp4
        encoderSettings = []
        ladderPreset = .none
        videoEncoder = "libx264"
        fallbackEncoder = "libx264"
        encoderSpeed = ""
        renditionsOnDemand = true
        renditionLinger = 30
        recordingEnabled = false
        previewInterval = 0
    }

    /// Its own rungs, else the preset's.
    package var ladder: [EncoderSetting] { encoderSettings.isEmpty ? ladderPreset.encoderSettings : encoderSettings }

    /// Half of them lie beyond the skip boundary of six target durations, so that delta updates save something.
    private static let hlsWindowSegmentsDefault = 12

    /// Whoever comes first is to find a past.
    package var keepsWindow: Bool { hlsWindowSegments > Self.hlsWindowSegmentsDefault }

    /// What holds for a stream with rungs of its own; nil: with the app's.
    package func with(ladder: [EncoderSetting]?) -> AppSettings {
        guard let ladder else { return self }
        var settings = self
        (settings.encoderSettings, settings.ladderPreset) = (ladder, .none)
        return settings
    }

    private enum CodingKeys: String, CodingKey {
        case playoutDelayMinMilliseconds, playoutDelayMaxMilliseconds
        case mergeWindowMilliseconds, secondPublisher, publisherGrace, pullLinger, hlsSegmentDuration, hlsPartDuration
        case hlsWindowSegments, hlsSegmentType
        case encoderSettings, ladderPreset, videoEncoder, fallbackEncoder, encoderSpeed, renditionsOnDemand
        case renditionLinger, recordingEnabled, previewInterval
    }

    package init(from decoder: any Decoder) throws {
        self.init()
        let container = try decoder.container(keyedBy: CodingKeys.self)
        mergeWindowMilliseconds = try container.decodeIfPresent(Int.self, forKey: .mergeWindowMilliseconds)
        playoutDelayMinMilliseconds =
            try container.decodeIfPresent(Int.self, forKey: .playoutDelayMinMilliseconds) ?? playoutDelayMinMilliseconds
        playoutDelayMaxMilliseconds =
            try container.decodeIfPresent(Int.self, forKey: .playoutDelayMaxMilliseconds) ?? playoutDelayMaxMilliseconds
        secondPublisher =
            try container.decodeIfPresent(SecondPublisher.self, forKey: .secondPublisher) ?? secondPublisher
        publisherGrace = try container.decodeIfPresent(Double.self, forKey: .publisherGrace) ?? publisherGrace
        pullLinger = try container.decodeIfPresent(Double.self, forKey: .pullLinger) ?? pullLinger
        hlsSegmentDuration =
            try container.decodeIfPresent(Double.self, forKey: .hlsSegmentDuration) ?? hlsSegmentDuration
        hlsPartDuration = try container.decodeIfPresent(Double.self, forKey: .hlsPartDuration) ?? hlsPartDuration
        hlsWindowSegments = try container.decodeIfPresent(Int.self, forKey: .hlsWindowSegments) ?? hlsWindowSegments
        hlsSegmentType = try container.decodeIfPresent(HLSSegmentType.self, forKey: .hlsSegmentType) ?? hlsSegmentType
        recordingEnabled = try container.decodeIfPresent(Bool.self, forKey: .recordingEnabled) ?? recordingEnabled
        previewInterval = try container.decodeIfPresent(Double.self, forKey: .previewInterval) ?? previewInterval
        try decodeRenditions(from: container)
    }

    private mutating func decodeRenditions(from container: KeyedDecodingContainer<CodingKeys>) throws {
        encoderSettings =
            try container.decodeIfPresent([EncoderSetting].self, forKey: .encoderSettings) ?? encoderSettings
        ladderPreset = try container.decodeIfPresent(LadderPreset.self, forKey: .ladderPreset) ?? ladderPreset
        videoEncoder = try container.decodeIfPresent(String.self, forKey: .videoEncoder) ?? videoEncoder
        fallbackEncoder = try container.decodeIfPresent(String.self, forKey: .fallbackEncoder) ?? fallbackEncoder
        encoderSpeed = try container.decodeIfPresent(String.self, forKey: .encoderSpeed) ?? encoderSpeed
        renditionsOnDemand =
            try container.decodeIfPresent(Bool.self, forKey: .renditionsOnDemand) ?? renditionsOnDemand
        renditionLinger = try container.decodeIfPresent(Double.self, forKey: .renditionLinger) ?? renditionLinger
    }

    /// Twelve bits, in units of 10 ms.
    private static let playoutDelayMillisecondsMax = 40_950
    static func isCodecWord(_ word: String) -> Bool {
        word.utf8.count <= 32
            && word.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == "-") }
    }

    /// WebRTC players all take H.264, and many nothing else.
    package var inOrderEncoder: String { videoEncoder.hasPrefix("h264_") ? videoEncoder : "libx264" }

    /// The first value out of range, as a sentence for the person who set it; nil when all are fine.
    package var fault: String? {
        mergeWindowMilliseconds.flatMap { outside("mergeWindowMilliseconds", $0, 0...350) }
            ?? outside("publisherGrace", publisherGrace, 0...300)
            ?? outside("pullLinger", pullLinger, 0...3600)
            ?? outside("hlsSegmentDuration", hlsSegmentDuration, 1...30)
            ?? outside("hlsPartDuration", hlsPartDuration, 0.1...5)
            ?? outside("hlsWindowSegments", hlsWindowSegments, 3...3600)
            ?? outside("renditionLinger", renditionLinger, 0...3600)
            ?? (previewInterval == 0 ? nil : outside("previewInterval", previewInterval, 1...3600))
            ?? playoutDelayFault
            ?? renditionFault
    }

    private var playoutDelayFault: String? {
        let max = outside(
            "playoutDelayMaxMilliseconds",
            playoutDelayMaxMilliseconds,
            0...Self.playoutDelayMillisecondsMax
        )
        return max
            ?? outside("playoutDelayMinMilliseconds", playoutDelayMinMilliseconds, 0...playoutDelayMaxMilliseconds)
    }

    private func outside<T: Comparable>(_ name: String, _ value: T, _ range: ClosedRange<T>) -> String? {
        range.contains(value) ? nil : "\(name) is \(value); allowed is \(range.lowerBound) to \(range.upperBound)"
    }

    private var renditionFault: String? {
        if let fault = encoderSettings.fault { return fault }
        return encoderFault
    }
}
