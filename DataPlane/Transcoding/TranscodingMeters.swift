import Metrics
import Observability

/// Counts that all pipelines of the process share.
enum TranscodingMeters {
    /// The encoder was behind.
    static let slowEncoder = MetricNames.picturesDropped.counter("encoder-behind")
    /// The decoder was behind: units up to the next keyframe.
    static let slowDecoder = MetricNames.picturesDropped.counter("decoder-behind")
    static let undecodable = MetricNames.picturesDropped.counter("undecodable")
    static let givenUp = MetricNames.renditionsEnded.counter("overloaded")
    static let failed = MetricNames.renditionsEnded.counter("failed")
    static let slowSound = MetricNames.picturesDropped.counter("sound-behind")
}
