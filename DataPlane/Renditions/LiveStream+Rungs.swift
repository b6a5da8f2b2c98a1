import Codecs
import MediaModel
package import Streams
import Transcoding

extension LiveStream {
    /// Of the rungs that are good for this source, by the video it has now. On its loop.
    package var rungNames: [String] { renditionPlan.renditions.map(\.name) }

    var renditionPlan: RenditionPlan {
        let size = tracks.first { $0.kind == .video }?.codec.pictureSize ?? (0, 0)
        return RenditionPlan(
            Ladder(settings: settings),
            source: PictureSize(width: size.width, height: size.height)
        )
    }
}
