package import ClusterModel
import Codecs
package import MediaModel

/// One rung as a source of a known shape is encoded for it, or as its publisher sends it.
package struct Rendition: Hashable, Sendable {
    /// Unique in its stream.
    package var name: String
    package var size: PictureSize
    package var videoBitsPerSecond: Int
    /// 0: the source's sound as it is.
    package var audioBitsPerSecond: Int
    /// Pictures leave in the order of showing and at once, as WebRTC needs.
    package var isInOrder = false
    /// No slice is longer.
    package var sliceBytesMax: Int?
    /// The publisher's own, which nobody encodes.
    package var layer: Track?

    package init(name: String, size: PictureSize, videoBitsPerSecond: Int, audioBitsPerSecond: Int) {
        self.name = name
        self.size = size
        self.videoBitsPerSecond = videoBitsPerSecond
        self.audioBitsPerSecond = audioBitsPerSecond
    }

    /// The same rung for a source that is shown in another shape: the lines stay, the width follows.
    package func fitted(to source: PictureSize) -> Rendition {
        var fitted = self
        fitted.size = RenditionPlan.size(height: size.height, source: source)
        return fitted
    }
}

/// Which rungs a source has: the layers that its publisher sends beside it, and those it is encoded for.
package struct RenditionPlan: Hashable, Sendable {
    /// What 720p30 needs to look well at 2.8 Mbit/s.
    private static let bitsPerPixelAndSecond = 3

    /// Highest first.
    package let renditions: [Rendition]
    private let source: PictureSize

    /// - Parameter source: as it is shown, in square pixels, which all rungs have.
    package init(_ ladder: Ladder, source: PictureSize, layers: [Track] = []) {
        self.source = source
        let published = layers.compactMap(Self.rendition(of:))
        // What is sent already needs no encoder.
        let rungs = ladder.rungs.filter { rung in
            (rung.forceEncode || rung.height <= source.height)
                && !published.contains { $0.size.height == rung.height }
        }
        let encoded = rungs.map { rung in
            Rendition(
                name: rung.renditionName,
                size: Self.size(height: rung.height, source: source),
                videoBitsPerSecond: rung.videoBitrate,
                audioBitsPerSecond: rung.audioBitrate
            )
        }
        renditions = published.isEmpty ? encoded : (published + encoded).sorted { $0.size.height > $1.size.height }
    }

    /// Of a stream with these tracks.
    package init(of tracks: [Track], settings: AppSettings) {
        let video = tracks.first { $0.kind == .video }
        let size = video?.codec.displaySize ?? (0, 0)
        self.init(
            Ladder(settings: settings),
            source: PictureSize(width: size.width, height: size.height),
            layers: video?.layers ?? []
        )
    }

    /// Named by what such pictures need, as publishers say no bit rate and theirs varies.
    private static func rendition(of layer: Track) -> Rendition? {
        guard let size = layer.codec.pictureSize else { return nil }
        let bits = bitsPerSecond(PictureSize(width: size.width, height: size.height))
        var rendition = Rendition(
            name: EncoderSetting.renditionName(height: size.height, videoBitrate: bits),
            size: PictureSize(width: size.width, height: size.height),
            videoBitsPerSecond: bits,
            audioBitsPerSecond: 0
        )
        rendition.layer = layer
        return rendition
    }

    package subscript(name: String) -> Rendition? { renditions.first { $0.name == name } }

    /// The pictures of a rung, or of the source, for WebRTC. Their sound is the source's: who needs another codec has it made
    /// of that.
    package func inOrder(rung: String?) -> Rendition? {
        guard var rendition = rung.map({ self[$0] }) ?? likeSource else { return nil }
        if rendition.layer != nil {
            rendition.layer = nil
            rendition.size = Self.size(height: rendition.size.height & ~1, source: source)
        }
        rendition.name += "~inorder"
        rendition.audioBitsPerSecond = 0
        rendition.isInOrder = true
        return rendition
    }

    /// The source's pictures for WebRTC players that take whole slices only.
    package var sliced: Rendition? {
        guard var rendition = inOrder(rung: nil) else { return nil }
        rendition.name = "source~sliced"
        rendition.sliceBytesMax = Self.sliceBytesMax
        return rendition
    }

    /// Encoders count roughly, and a packet takes 1,160.
    private static let sliceBytesMax = 1_100

    private var likeSource: Rendition? {
        guard source.pixels > 0 else { return nil }
        return Rendition(
            name: "source",
            size: Self.size(height: source.height, source: source),
            videoBitsPerSecond: max(Self.bitsPerSecond(source), 300_000),
            audioBitsPerSecond: 0
        )
    }

    private static func bitsPerSecond(_ size: PictureSize) -> Int {
        min(size.pixels * bitsPerPixelAndSecond, 8_000_000)
    }

    /// The size of `height` lines in the source's shape. 4:2:0 pictures have even sides, and no encoder takes more than
    /// 16,384 columns.
    static func size(height: Int, source: PictureSize) -> PictureSize {
        guard source.width > 0, source.height > 0 else {
            return PictureSize(width: evenWidth(Double(height) * 16 / 9), height: height)
        }
        return PictureSize(
            width: evenWidth(Double(height) * Double(source.width) / Double(source.height)),
            height: height
        )
    }

    private static func evenWidth(_ width: Double) -> Int { min(max(Int((width / 2).rounded()) * 2, 16), 16_384) }
}
