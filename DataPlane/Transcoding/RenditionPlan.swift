import ClusterModel

/// One rung as a source of a known shape is encoded for it.
package struct Rendition: Hashable, Sendable {
    /// `{height}p{kbps}kbps`, unique in its stream.
    package var name: String
    package var size: PictureSize
    package var videoBitsPerSecond: Int
    package var audioBitsPerSecond: Int
    /// 0 where pictures must leave in the order of showing, as WebRTC needs.
    package var bFramesMax = 2

    package init(name: String, size: PictureSize, videoBitsPerSecond: Int, audioBitsPerSecond: Int) {
        self.name = name
        self.size = size
        self.videoBitsPerSecond = videoBitsPerSecond
        self.audioBitsPerSecond = audioBitsPerSecond
    }

    /// The same rung for a source of another shape: the lines stay, the width follows.
    package func fitted(to source: PictureSize) -> Rendition {
        var fitted = self
        fitted.size = RenditionPlan.size(height: size.height, source: source)
        return fitted
    }
}

/// Which rungs a source is encoded for.
package struct RenditionPlan: Hashable, Sendable {
    /// Highest first.
    package var renditions: [Rendition]

    package init(_ ladder: Ladder, source: PictureSize) {
        renditions = ladder.rungs.filter { $0.forceEncode || $0.height <= source.height }.map { rung in
            Rendition(
                name: rung.renditionName,
                size: Self.size(height: rung.height, source: source),
                videoBitsPerSecond: rung.videoBitrate,
                audioBitsPerSecond: rung.audioBitrate
            )
        }
    }

    package subscript(name: String) -> Rendition? { renditions.first { $0.name == name } }

    /// The size of `height` lines in the source's shape. 4:2:0 pictures have even sides, and no encoder takes more than
    /// 16,384 columns.
    static func size(height: Int, source: PictureSize) -> PictureSize {
        guard source.width > 0, source.height > 0 else {
            return PictureSize(width: evenWidth(height * 16 / 9), height: height)
        }
        let width = (Double(height) * Double(source.width) / Double(source.height)).rounded()
        return PictureSize(width: evenWidth(Int(width)), height: height)
    }

    private static func evenWidth(_ width: Int) -> Int { min(max((width + 1) / 2 * 2, 16), 16_384) }
}
