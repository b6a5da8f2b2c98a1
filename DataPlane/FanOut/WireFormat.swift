package import MediaModel
package import NIOCore
package import Streams
package import Timebase

/// One protocol's way to write a stream, made once per stream and shared by all its viewers.
package protocol WireFormat: Sendable {
    /// What opens a viewer's stream: file or sequence headers for the tracks at hand.
    func prelude(tracks: [Track]) -> [ByteBuffer]

    /// An item's bytes, in pieces that share the payload; nil when the format does not carry it. Those of `.tracks` must be
    /// complete in themselves: viewers that missed the change get them before the keyframe they go on with.
    mutating func pieces(for item: StreamItem) -> [ByteBuffer]?

    /// Whether a viewer may start with this item.
    func isStart(_ item: StreamItem) -> Bool

    /// What viewers are told when something happened beside the media; nil for nothing.
    func pieces(for notice: StreamNotice) -> [ByteBuffer]?

    /// Whether the item may wait a little for a picture to travel with.
    func mayWait(_ item: StreamItem) -> Bool
}

extension WireFormat {
    package func pieces(for notice: StreamNotice) -> [ByteBuffer]? { nil }

    package func mayWait(_ item: StreamItem) -> Bool {
        if case .unit(let unit) = item { unit.track != .video } else { true }
    }
}

/// One message of a wire format, complete in itself: viewers start, skip and stop only between frames.
package struct WireFrame: Sendable {
    package let pieces: [ByteBuffer]
    package let byteCount: Int
    package let isStart: Bool
    package let mayWait: Bool
    /// Tells the tracks of all that follows.
    package let isTracks: Bool
    /// Nil for what lies beside the media: tracks and notices.
    package let decodeTime: MediaTime?

    package init(
        pieces: [ByteBuffer],
        isStart: Bool,
        mayWait: Bool,
        isTracks: Bool = false,
        decodeTime: MediaTime?
    ) {
        self.pieces = pieces
        byteCount = pieces.reduce(0) { $0 + $1.readableBytes }
        self.isStart = isStart
        self.mayWait = mayWait
        self.isTracks = isTracks
        self.decodeTime = decodeTime
    }
}
