package import Streams
import Transcoding

extension LiveStream {
    /// Of the rungs that are good for this source, by the video it has now. On its loop.
    package var rungNames: [String] { renditionPlan.renditions.map(\.name) }

    var renditionPlan: RenditionPlan { RenditionPlan(of: tracks, settings: settings) }
}
