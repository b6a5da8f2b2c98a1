import FanOut
import MediaModel
import Metrics
import NIOCore
import Observability
import Streams

/// One HTTP-FLV player. Used on its connection's loop only.
final class FLVSession {
    private let stream: LiveStream
    private let outlet: Outlet<FLVFormat>
    private var viewer: Viewer?
    private let requestedAt: NIODeadline
    /// The body is close-delimited.
    static let responseHead = ByteBuffer(
        string: "HTTP/1.1 200 OK\r\nContent-Type: video/x-flv\r\nCache-Control: no-store\r\nConnection: close\r\n"
            + "Access-Control-Allow-Origin: *\r\nAccess-Control-Expose-Headers: Location, ETag, Link, Retry-After\r\n\r\n"
    )
    private static let firstFrame = MetricNames.firstFrame.timer("http-flv")

    init(stream: LiveStream, outlet: Outlet<FLVFormat>, requestedAt: NIODeadline) {
        self.stream = stream
        self.outlet = outlet
        self.requestedAt = requestedAt
    }

    func start(on context: ChannelHandlerContext, isPlain: Bool) {
        let viewer = Viewer(context: context, isPlain: isPlain)
        self.viewer = viewer
        stream.countViewers(1, of: .httpFlv)
        // The end of the stream is the end of the response.
        viewer.onEnd = { _ in context.close(promise: nil) }
        viewer.onFirstFrame = { [requestedAt] in
            Self.firstFrame.recordNanoseconds((NIODeadline.now() - requestedAt).nanoseconds)
        }
        outlet.add(viewer, greeting: Self.responseHead)
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
