package import ClusterModel
import Codecs
import MediaModel

/// What a multivariant playlist says of a rung before it is made: players choose by it, and choosing starts the encoder.
/// A function of settings and source alone, so that all nodes say the same.
package struct RungForecast: Hashable, Sendable {
    package let rendition: Rendition
    /// Of the fullest segment there can be: encoders may be ahead of the bit rate by a second's worth.
    package let peakBitsPerSecond: Int
    package let averageBitsPerSecond: Int
    /// RFC 6381; nil of encoders whose words are not known beforehand.
    package let videoCodec: String?

    /// Boxes of CMAF fragments, in percent of what is in them.
    private static let overheadPercent = 2
    /// The source's own sound, whose bit rate nobody says beforehand.
    private static let unchangedSoundBitsPerSecond = 160_000

    package init(_ rendition: Rendition, settings: AppSettings, framesPerSecond: Double?) {
        self.rendition = rendition
        let sound = rendition.audioBitsPerSecond > 0 ? rendition.audioBitsPerSecond : Self.unchangedSoundBitsPerSecond
        let average = rendition.videoBitsPerSecond + sound
        let ahead = Double(rendition.videoBitsPerSecond) / max(settings.hlsSegmentDuration, 1)
        averageBitsPerSecond = average * (100 + Self.overheadPercent) / 100
        peakBitsPerSecond = (average + Int(ahead)) * (100 + Self.overheadPercent) / 100
        videoCodec = rendition.layer.map(\.codec.codecString) ?? Self.codec(rendition, settings, framesPerSecond ?? 30)
    }

    private static func codec(_ rendition: Rendition, _ settings: AppSettings, _ framesPerSecond: Double) -> String? {
        // An origin that falls back would make what the fallback's word is; edges cannot know which origins do.
        guard settings.videoEncoder == "libx264", ["", "libx264"].contains(settings.fallbackEncoder) else { return nil }
        // x264's fastest preset leaves out all that needs more than the Constrained Baseline profile.
        let profile = settings.encoderSpeed == "ultrafast" ? "42c0" : "6400"
        let level = H264Level.lowest(
            size: rendition.size,
            framesPerSecond: framesPerSecond,
            bitsPerSecond: rendition.videoBitsPerSecond
        )
        return "avc1." + profile + String(level, radix: 16)
    }
}
