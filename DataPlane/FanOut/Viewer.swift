import Drivers
package import MediaModel
package import NIOCore

/// One player's place in a lane: a number into the ring, a socket, and at most one write in flight.
///
/// Made by the connection's handler and used on its event loop only.
package final class Viewer {
    package enum End: Equatable, Sendable {
        /// The stream is over; everything was sent.
        case streamEnded(EndReason)
        /// Too slow for too long.
        case tooSlow
        case connectionLost
    }

    package let loop: any EventLoop
    /// Called once, on the loop, when nothing more will be sent. The owner then says goodbye and closes.
    package var onEnd: ((End) -> Void)?
    /// Called once, on the loop, when the first frame has been handed to the kernel.
    package var onFirstFrame: (() -> Void)?
    /// What may wait for live media, given piece by piece: asked for one whenever every frame has been sent.
    package var backlog: (() -> ByteBuffer?)?

    var place: Place = .waitingForStart(knowing: 0)
    /// Set while a write through the channel has not completed; nothing may go past it.
    private(set) var writeWatch: WriteWatch?
    private(set) var lastWriteAt: NIODeadline?
    var control = ByteBuffer()
    /// More control bytes came than may wait for a lane; they were dropped.
    private(set) var hasControlOverflowed = false
    private var isOver = false
    var skipsInARow = 0
    /// Index in its lane's list; nil when in none.
    var index: Int?
    weak var lane: Lane?
    /// What frames may be written to directly.
    let socket: DirectSocket?

    /// Before a lane's own limit holds.
    private static let controlBytesMax = FanOutLimits().controlBytesMax

    private let transport: DirectSocket?
    private let context: ChannelHandlerContext

    enum Place: Equatable {
        /// The viewer knows the tracks that frames before this number told.
        case waitingForStart(knowing: Int)
        /// The next frame to send.
        case at(Int)
    }

    /// `context` is the handler's through which bytes leave when the socket is full: nothing between it and the socket may
    /// change them but TLS. `isPlain` tells that there is no TLS.
    package init(context: ChannelHandlerContext, isPlain: Bool) {
        self.context = context
        loop = context.eventLoop
        transport = DirectSocket(of: context.channel)
        socket = isPlain ? transport : nil
    }

    /// Control bytes that wait for their turn.
    package var owedControlBytes: Int { control.readableBytes }

    /// Sends bytes that belong to this viewer alone (a ping, an acknowledgement), between two frames.
    package func send(_ bytes: ByteBuffer) {
        guard !isOver else { return }
        if lane == nil, control.readableBytes + bytes.readableBytes > Self.controlBytesMax {
            hasControlOverflowed = true
            return
        }
        control.writeImmutableBuffer(bytes)
        lane?.controlAdded(to: self)
    }

    /// Its `backlog` has something to give.
    package func backlogAdded() { lane?.backlogAdded(to: self) }

    /// When bytes last left for this viewer, as far as is known.
    package var lastSentAt: NIODeadline? {
        guard let flushedAt = lane?.flushedAt(to: self) else { return lastWriteAt }
        return max(flushedAt, lastWriteAt ?? flushedAt)
    }

    /// Writes through the channel; `completed` runs on the loop when the kernel has taken all, unless the channel failed.
    func write(_ pieces: [ByteBuffer], completed: @escaping (Bool) -> Void) {
        let now = loop.now
        writeWatch = WriteWatch(now: now)
        lastWriteAt = now
        let promise = loop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenComplete { result in
            self.writeWatch = nil
            if case .success = result { completed(true) } else { completed(false) }
        }
        for piece in pieces.dropLast() { context.write(NIOAny(piece), promise: nil) }
        context.writeAndFlush(NIOAny(pieces.last ?? ByteBuffer()), promise: promise)
    }

    /// Whether a write is in flight of which the peer has taken nothing for `stallMax`.
    func hasStalled(for stallMax: Duration, now: NIODeadline) -> Bool {
        guard writeWatch != nil else { return false }
        let queued = (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
        let owed = queued + (transport?.unacknowledgedBytes ?? 0)
        return writeWatch?.hasStalled(for: stallMax, owed: owed, now: now) ?? false
    }

    /// Takes and sends nothing more.
    func finish() {
        isOver = true
        control = ByteBuffer()
    }

    func end(_ end: End) {
        finish()
        guard let onEnd else { return }
        self.onEnd = nil
        onEnd(end)
    }

    func reportFirstFrame() {
        guard let onFirstFrame else { return }
        self.onFirstFrame = nil
        onFirstFrame()
    }
}

@available(*, unavailable)
extension Viewer: Sendable {}
