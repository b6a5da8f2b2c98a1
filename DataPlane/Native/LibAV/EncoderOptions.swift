import Codecs
import Transcoding

/// What an encoder is told beside the context's fields: above all to make keyframes where asked and nowhere else.
struct EncoderOptions {
    let values: [String: String]

    init(for settings: VideoEncoderSettings) {
        var values: [String: String] = [:]
        // What the encoder calls its speed.
        var speed = "preset"
        switch settings.encoder {
        case "libx264":
            values["forced-idr"] = "1"
            let slices = settings.sliceBytesMax.map { ":slice-max-size=\($0)" } ?? ""
            values["x264-params"] = "scenecut=0:open-gop=0" + slices
            if settings.isInOrder {
                values["profile"] = "baseline"
                values["tune"] = "zerolatency"
            }
        case "libx265":
            values["forced-idr"] = "1"
            // As the level is told beforehand, x265 may not choose another.
            let level = settings.level(by: H265Level.lowest)
            values["x265-params"] =
                "scenecut=0:open-gop=0:keyint=-1:log-level=none:level-idc=\(level / 30).\(level % 30 / 3):high-tier=0"
        case "libsvtav1":
            values["crf"] = "\(Self.svtQuality)"
            values["svtav1-params"] = Self.svtWords(settings).joined(separator: ":")
        case "libopenh264": speed = "complexity"
        case let name where name.hasSuffix("_nvenc"):
            values["forced-idr"] = "1"
            values["no-scenecut"] = "1"
            if settings.isInOrder {
                values["profile"] = "baseline"
                values["zerolatency"] = "1"
            }
        case let name where name.hasSuffix("_vaapi"):
            speed = "compression_level"
            if settings.isInOrder { values["profile"] = "constrained_baseline" }
        default: break
        }
        values[speed] = settings.speed
        self.values = values
    }

    /// Of constant rate factors, 0 to 63, one that looks well; hard pictures are held to the bit rate.
    private static let svtQuality = 30

    /// SVT-AV1 makes keyframes on demand only where the quality is given, and not the bit rate: so the bit rate is its limit.
    /// Small GOP pyramids and no look-ahead keep it close, and the delay below half a second.
    private static func svtWords(_ settings: VideoEncoderSettings) -> [String] {
        [
            "enable-force-key-frames=1", "scd=0", "hierarchical-levels=3", "lookahead=0", "mbr-overshoot-pct=0",
            "mbr=\(max(settings.bitsPerSecond / 1000, 1))", "lp=\(settings.threads)",
        ]
    }
}

extension VideoEncoderSettings {
    /// The level that is told of such pictures beforehand.
    func level(by lowest: (PictureSize, Double, Int) -> UInt8) -> Int {
        Int(lowest(size, framesPerSecond, bitsPerSecond))
    }
}
