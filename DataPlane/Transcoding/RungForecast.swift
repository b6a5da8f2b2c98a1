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
    /// RFC 6381; nil of encoders whose words are not known beforehand. Of the encoder wished for: a node that lacks one that
    /// is built in elsewhere says so in its log.
    package let videoCodec: String?

    /// Boxes of CMAF fragments, in percent of what is in them; also the four bytes at the head of each 188 of MPEG-TS.
    private static let overheadPercent = 2
    /// What MPEG-TS adds to each unit: its own head, and stuffing to the end of its last packet. And two tables to each part.
    private static let transportBytes = (unit: 140, part: 376)
    /// Frames of AAC in a second, at 48 kHz.
    private static let soundFramesPerSecond = 47.0
    /// The source's own sound, whose bit rate nobody says beforehand: what a channel mostly has, and what it has at most.
    private static let channelBitsPerSecond = (average: 80_000, peak: 160_000)

    /// - Parameter channels: of the source's sound.
    package init(_ rendition: Rendition, settings: AppSettings, framesPerSecond: Double?, channels: Int = 2) {
        self.rendition = rendition
        let isUnchanged = rendition.audioBitsPerSecond == 0
        let sound = isUnchanged ? channels * Self.channelBitsPerSecond.average : rendition.audioBitsPerSecond
        let soundAhead = isUnchanged ? channels * Self.channelBitsPerSecond.peak - sound : 0
        let container = Self.containerBits(settings, framesPerSecond, hasSound: channels > 0)
        let average = rendition.videoBitsPerSecond + sound + container
        let ahead = Double(rendition.videoBitsPerSecond) / max(settings.hlsSegmentDuration, 1)
        averageBitsPerSecond = average * (100 + Self.overheadPercent) / 100
        peakBitsPerSecond = (average + soundAhead + Int(ahead)) * (100 + Self.overheadPercent) / 100
        videoCodec = rendition.layer.map(\.codec.codecString) ?? Self.codec(rendition, settings, framesPerSecond ?? 30)
    }

    /// Beside what is proportional, in a second.
    private static func containerBits(_ settings: AppSettings, _ framesPerSecond: Double?, hasSound: Bool) -> Int {
        guard settings.hlsSegmentType == .mpegts else { return 0 }
        let units = (framesPerSecond ?? 30) + (hasSound ? soundFramesPerSecond : 0)
        let parts = 1 / max(settings.hlsPartDuration, 0.1)
        return 8 * Int(units * Double(transportBytes.unit) + parts * Double(transportBytes.part))
    }

    private static func codec(_ rendition: Rendition, _ settings: AppSettings, _ framesPerSecond: Double) -> String? {
        let (size, bits) = (rendition.size, rendition.videoBitsPerSecond)
        switch settings.videoEncoder {
        case "libx264":
            // x264's fastest preset leaves out all that needs the High profile, and B-frames need more than Baseline.
            let profile = settings.speed(of: settings.videoEncoder) == "ultrafast" ? "4d40" : "6400"
            let level = H264Level.lowest(size: size, framesPerSecond: framesPerSecond, bitsPerSecond: bits)
            return "avc1." + profile + String(level, radix: 16)
        case "libx265":
            let level = H265Level.lowest(size: size, framesPerSecond: framesPerSecond, bitsPerSecond: bits)
            return "hvc1.1.6.L\(level).90"
        case "libsvtav1":
            let level = AV1Level.lowest(size: size, framesPerSecond: framesPerSecond, bitsPerSecond: bits)
            let index = AV1Level.index(of: level)
            return "av01.0.\(index < 10 ? "0" : "")\(index)M.08"
        default: return nil
        }
    }
}
