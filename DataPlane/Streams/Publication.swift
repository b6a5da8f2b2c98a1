package import MediaModel
import NIOCore
import Synchronization
package import Timebase

/// One publisher's right to feed one stream. Held by the publisher's connection; usable from any thread.
package final class Publication: Sendable {
    package let stream: LiveStream
    package let epoch: Epoch

    private struct State {
        var isOver = false
        var onRevoked: (@Sendable (EndReason) -> Void)?
        var revocation: EndReason?
        var onAsked: (@Sendable (Request) -> Void)?
        var asked: Request?
        /// Its protocol can, and the publisher said it understands.
        var canMove = false
    }

    /// What a draining node asks of the publisher's connection.
    package enum Request: Int, Sendable {
        /// Tell the publisher to move, if its protocol can and it understands.
        case move
        /// Close it before its next keyframe.
        case leaveAtKeyframe
    }

    private let state = Mutex(State())
    private let wallClock: @Sendable () -> WallTime
    private let onEnd: @Sendable (Publication, _ isClean: Bool) -> Void

    /// `onEnd` is called once, when the publisher leaves; `isClean` tells whether it said goodbye.
    package init(
        stream: LiveStream,
        epoch: Epoch,
        wallClock: @escaping @Sendable () -> WallTime,
        onEnd: @escaping @Sendable (Publication, _ isClean: Bool) -> Void
    ) {
        self.stream = stream
        self.epoch = epoch
        self.wallClock = wallClock
        self.onEnd = onEnd
    }

    /// Hands a batch to the stream: at once on the stream's own loop, else by one hop.
    package func deliver(_ items: [IngestItem]) {
        guard !items.isEmpty, !state.withLock({ $0.isOver }) else { return }
        let wall = wallClock()
        if stream.loop.inEventLoop {
            stream.ingest(items, at: wall)
        } else {
            stream.loop.execute {
                // Revoked on the way: the stream may have the next owner's timeline by now.
                guard self.state.withLock({ $0.revocation == nil }) else { return }
                self.stream.ingest(items, at: wall)
            }
        }
    }

    /// The publisher is gone. Only the first call counts.
    package func end(isClean: Bool) {
        let isFirst = state.withLock { state in
            defer { state.isOver = true }
            return !state.isOver
        }
        if isFirst { onEnd(self, isClean) }
    }

    /// Sets what closes the publisher's connection when its right is taken away; called at once if it already was.
    package func whenRevoked(_ body: @escaping @Sendable (EndReason) -> Void) {
        let revocation = state.withLock { state in
            state.onRevoked = body
            return state.revocation
        }
        if let revocation { body(revocation) }
    }

    /// Sets what tells the connection of requests; called at once with one that was made before.
    package func whenAsked(_ body: @escaping @Sendable (Request) -> Void) {
        let asked = state.withLock { state in
            state.onAsked = body
            return state.asked
        }
        if let asked { body(asked) }
    }

    /// Called by the connection that has told its publisher to move.
    package func toldToMove() { state.withLock { $0.canMove = true } }

    /// Each request is passed on once, and a lesser one after a greater not at all.
    package func ask(_ request: Request) {
        let body: (@Sendable (Request) -> Void)? = state.withLock { state in
            guard !state.isOver, state.asked.map({ $0.rawValue < request.rawValue }) ?? true else { return nil }
            state.asked = request
            return state.onAsked
        }
        body?(request)
    }

    /// Whether the publisher was asked to go on elsewhere: then its goodbye is not the stream's end.
    package var isAskedToMove: Bool { state.withLock { $0.asked != nil && $0.canMove } }

    /// Takes the right away: a newer owner exists, or an operator wants it so. Only the first call counts, and none when the
    /// publisher has left.
    package func revoke(_ reason: EndReason) {
        let body: (@Sendable (EndReason) -> Void)? = state.withLock { state in
            guard !state.isOver else { return nil }
            state.isOver = true
            state.revocation = reason
            return state.onRevoked
        }
        body?(reason)
    }
}
