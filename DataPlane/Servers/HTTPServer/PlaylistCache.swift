import HLS
import NIOCore
import Streams

/// Playlists of the version at hand, rendered once for all who ask without a token of their own.
struct PlaylistCache {
    private var plain: ByteBuffer?
    private var skipping: ByteBuffer?

    mutating func removeAll() {
        plain = nil
        skipping = nil
    }

    /// On the stream's loop.
    mutating func body(of window: SegmentWindow, stream: LiveStream, skip: Bool, token: String?) -> ByteBuffer {
        if token == nil, let cached = skip ? skipping : plain { return cached }
        let playlist = MediaPlaylist(
            index: window.index,
            streamID: stream.id.objectFolder,
            rendition: stream.id.renditionName,
            siblings: stream.siblingPlaylists
        )
        let body = playlist.render(skip: skip, token: token)
        guard token == nil else { return body }
        if skip { skipping = body } else { plain = body }
        return body
    }
}
