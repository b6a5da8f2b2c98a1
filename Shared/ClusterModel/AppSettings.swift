/// `PUT /v1/apps/{app}`. Every field has a default, so an app that was never set up works.
package struct AppSettings: Codable, Hashable, Sendable {
    package enum SecondPublisher: String, Codable, CaseIterable, Sendable {
        case refuse
        case takeOver
        case standBy
    }

    /// How long writes to viewers may be held back and merged, in ms, 0 to 350. Nil: 0 to 50 as the load asks.
    package var mergeWindowMilliseconds: Int?
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
    /// Complete segments in a playlist.
    package var hlsWindowSegments: Int

    package init() {
        secondPublisher = .refuse
        publisherGrace = 15
        pullLinger = 10
        hlsSegmentDuration = 2
        hlsPartDuration = 0.2
        // Half of them lie beyond the skip boundary of six target durations, so that delta updates save something.
        hlsWindowSegments = 12
    }

    private enum CodingKeys: String, CodingKey {
        case mergeWindowMilliseconds, secondPublisher, publisherGrace, pullLinger, hlsSegmentDuration, hlsPartDuration
        case hlsWindowSegments
    }

    package init(from decoder: any Decoder) throws {
        self.init()
        let container = try decoder.container(keyedBy: CodingKeys.self)
        mergeWindowMilliseconds = try container.decodeIfPresent(Int.self, forKey: .mergeWindowMilliseconds)
        secondPublisher =
            try container.decodeIfPresent(SecondPublisher.self, forKey: .secondPublisher) ?? secondPublisher
        publisherGrace = try container.decodeIfPresent(Double.self, forKey: .publisherGrace) ?? publisherGrace
        pullLinger = try container.decodeIfPresent(Double.self, forKey: .pullLinger) ?? pullLinger
        hlsSegmentDuration =
            try container.decodeIfPresent(Double.self, forKey: .hlsSegmentDuration) ?? hlsSegmentDuration
        hlsPartDuration = try container.decodeIfPresent(Double.self, forKey: .hlsPartDuration) ?? hlsPartDuration
        hlsWindowSegments = try container.decodeIfPresent(Int.self, forKey: .hlsWindowSegments) ?? hlsWindowSegments
    }

    /// The first value out of range, as a sentence for the person who set it; nil when all are fine.
    package var fault: String? {
        func outside<T: Comparable>(_ name: String, _ value: T, _ range: ClosedRange<T>) -> String? {
            range.contains(value) ? nil : "\(name) is \(value); allowed is \(range.lowerBound) to \(range.upperBound)"
        }
        return mergeWindowMilliseconds.flatMap { outside("mergeWindowMilliseconds", $0, 0...350) }
            ?? outside("publisherGrace", publisherGrace, 0...300)
            ?? outside("pullLinger", pullLinger, 0...3600)
            ?? outside("hlsSegmentDuration", hlsSegmentDuration, 1...30)
            ?? outside("hlsPartDuration", hlsPartDuration, 0.1...5)
            ?? outside("hlsWindowSegments", hlsWindowSegments, 3...60)
    }
}
