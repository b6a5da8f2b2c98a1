import FanOut
import NIOCore
import SRT

/// One player's place in a lane. Touched on the lane's thread only.
final class SRTViewer: @unchecked Sendable {
    struct Place: Equatable {
        var frame: Int
        /// Bytes of the frame that are sent.
        var offset: Int
    }

    private let socket: SRTSocket
    private let onFirstFrame: @Sendable () -> Void
    private let onEnd: @Sendable (Viewer.End) -> Void
    /// Nil: it waits for a frame to start with.
    var place: Place?
    var skipsInARow = 0
    private var hasFirstFrame = false
    private var blockedSince: NIODeadline?

    init(
        socket: SRTSocket,
        onFirstFrame: @escaping @Sendable () -> Void,
        onEnd: @escaping @Sendable (Viewer.End) -> Void
    ) {
        self.socket = socket
        self.onFirstFrame = onFirstFrame
        self.onEnd = onEnd
    }

    /// Returns how many bytes libsrt has taken.
    func send(_ bytes: ByteBuffer, from offset: Int) -> (sent: Int, outcome: SRTSocket.Outcome) {
        let (sent, outcome) = bytes.withUnsafeReadableBytes { all -> (Int, SRTSocket.Outcome) in
            var place = offset
            while place < all.count {
                let end = min(place + SRTSocket.payloadBytesMax, all.count)
                let outcome = socket.send(UnsafeRawBufferPointer(rebasing: all[place..<end]))
                guard outcome == .done else { return (place - offset, outcome) }
                place = end
            }
            return (place - offset, .done)
        }
        if sent > 0 { blockedSince = nil }
        if outcome == .wouldBlock, blockedSince == nil { blockedSince = .now() }
        if sent > 0, !hasFirstFrame {
            hasFirstFrame = true
            onFirstFrame()
        }
        return (sent, outcome)
    }

    /// Whether its buffer has been full all this time.
    func hasStalled(for duration: Duration) -> Bool {
        blockedSince.map { NIODeadline.now() - $0 > TimeAmount(duration) } ?? false
    }

    func end(_ end: Viewer.End) { onEnd(end) }
}
