package import MediaModel
import NIOCore
import Synchronization
package import Timebase

/// One publisher's right to feed one stream. Held by the publisher's connection; usable from any thread.
package final class Publication: Sendable {
    fileprivate struct State {
        var stream: LiveStream
        var epoch: Epoch
        var isOver = false
        var onRevoked: (@Sendable (EndReason) -> Void)?
        var revocation: EndReason?
        var onAsked: (@Sendable (Request) -> Void)?
        var asked: Request?
        var onKeyframeWanted: (@Sendable (TrackID) -> Void)?
        /// Its protocol can, and the publisher said it understands.
        var canMove = false
        /// Set until its media is the stream's.
        var standBy: StandBy?
    }

    /// What a draining node asks of the publisher's connection.
    package enum Request: Int, Sendable {
        /// Tell the publisher to move, if its protocol can and it understands.
        case move
        /// Close it before its next keyframe.
        case leaveAtKeyframe
    }

    private let state: Mutex<State>
    private let wallClock: @Sendable () -> WallTime
    private let onEnd: @Sendable (Publication, _ isClean: Bool) -> Void

    /// `onEnd` is called once, when the publisher leaves; `isClean` tells whether it said goodbye. One that stands by is
    /// heard, and its media counts from the first place to begin after `begin`.
    package init(
        stream: LiveStream,
        epoch: Epoch,
        standsBy: Bool = false,
        wallClock: @escaping @Sendable () -> WallTime,
        onEnd: @escaping @Sendable (Publication, _ isClean: Bool) -> Void
    ) {
        state = Mutex(State(stream: stream, epoch: epoch, standBy: standsBy ? StandBy() : nil))
        self.wallClock = wallClock
        self.onEnd = onEnd
    }

    /// For one that stands by, the stream it waits for.
    package var stream: LiveStream { state.withLock { $0.stream } }
    package var epoch: Epoch { state.withLock { $0.epoch } }

    /// Hands a batch to the stream: at once on the stream's own loop, else by one hop.
    package func deliver(_ items: [IngestItem]) {
        let (stream, items) = state.withLock { ($0.stream, $0.isOver ? [] : $0.admit(items)) }
        guard !items.isEmpty else { return }
        let wall = wallClock()
        if stream.loop.inEventLoop {
            stream.ingest(items, at: wall, from: self)
        } else {
            stream.loop.execute {
                // Revoked on the way: the stream may have the next owner's timeline by now.
                guard self.state.withLock({ $0.revocation == nil }) else { return }
                stream.ingest(items, at: wall, from: self)
            }
        }
    }

    /// The publisher that stood by is the stream's from here on: from its next keyframe, which it is asked for.
    package func begin() {
        state.withLock { $0.standBy?.isOver = true }
        wantKeyframe()
    }

    /// The publisher that stood by for another node's stream feeds this one, which has taken that one's place.
    package func begin(on stream: LiveStream, epoch: Epoch) {
        state.withLock { state in
            (state.stream, state.epoch) = (stream, epoch)
            state.standBy?.isOver = true
        }
        wantKeyframe()
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

    /// Sets what asks the publisher for a keyframe of its pictures or of one of their layers, where its protocol can.
    package func whenKeyframeWanted(_ body: @escaping @Sendable (TrackID) -> Void) {
        state.withLock { $0.onKeyframeWanted = body }
    }

    func wantKeyframe(of track: TrackID = .video) {
        let body = state.withLock { $0.isOver ? nil : $0.onKeyframeWanted }
        body?(track)
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

extension Publication.State {
    fileprivate mutating func admit(_ items: [IngestItem]) -> [IngestItem] {
        guard var waiting = standBy else { return items }
        let passed = waiting.admit(items)
        standBy = passed.isEmpty ? waiting : nil
        return passed
    }
}

/// What is kept of a publisher that stands by: only what its first unit will need.
private struct StandBy {
    private var tracks: [Track] = []
    var isOver = false

    /// Nothing until the wait is over and a picture comes that decoding can begin at.
    mutating func admit(_ items: [IngestItem]) -> [IngestItem] {
        for (index, item) in items.enumerated() {
            switch item {
            case .tracks(let newest): tracks = newest
            case .unit(let unit, _):
                if isOver, isStart(unit) { return [.tracks(tracks)] + items[index...] }
            case .layer: break
            }
        }
        return []
    }

    private func isStart(_ unit: AccessUnit) -> Bool {
        let video = tracks.filter { $0.kind == .video }
        return video.isEmpty || unit.isKeyframe && video.contains { $0.id == unit.track }
    }
}
