import FanOut
import MediaModel
import NIOCore
import Streams

/// One HTTP-FLV player. Used on its connection's loop only.
final class FLVSession {
    private let stream: LiveStream
    private let outlet: Outlet<FLVFormat>
    private var viewer: Viewer?

    init(stream: LiveStream, outlet: Outlet<FLVFormat>) {
        self.stream = stream
        self.outlet = outlet
    }

    func start(on context: ChannelHandlerContext, isPlain: Bool) {
        let viewer = Viewer(context: context, isPlain: isPlain)
        self.viewer = viewer
        stream.countViewers(1, of: .httpFlv)
        // The end of the stream is the end of the response.
        viewer.onEnd = { _ in context.close(promise: nil) }
        outlet.add(viewer, greeting: FLVEgress.responseHead)
    }

    func connectionLost() {
        guard let viewer else { return }
        self.viewer = nil
        viewer.onEnd = nil
        stream.countViewers(-1, of: .httpFlv)
        outlet.remove(viewer)
    }
}

@available(*, unavailable)
extension FLVSession: Sendable {}
