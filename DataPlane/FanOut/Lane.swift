import Drivers
import MediaModel
import Metrics
import NIOCore
import Timebase

/// One stream in one format on one event loop: the ring of frames and the viewers that read it.
///
/// `@unchecked Sendable`: made anywhere, then touched on `loop` only.
final class Lane: @unchecked Sendable {
    /// A viewer, and beside it what sending to one that keeps up needs. Thousands of viewers are far more than the
    /// processor's caches hold: a send that goes well touches the seat and nothing of the viewer.
    private struct Seat {
        let viewer: Viewer
        let socket: DirectSocket?
        /// The next frame's number while nothing but frames is owed; it then counts instead of the viewer's `place`.
        var next: Int?
    }

    private let loop: any EventLoop
    private let limits: FanOutLimits
    private let load: LoopLoad
    private let meters: FanOutMeters
    /// Bytes written since the meters were last told.
    private var sentBytes = 0

    private var ring = WireRing()
    private var seats: [Seat] = []
    /// Where the viewers stand that keep up: the end of the ring when it was last flushed.
    private var flushedEnd = 0
    /// When frames were last offered to viewers.
    private var flushedAt: NIODeadline?
    private var policy: MergePolicy
    private var endReason: EndReason?

    /// When the oldest frame that was not offered to viewers yet came in.
    private var waitingSince: NIODeadline?
    private var allMayWait = true
    private var flushTask: Scheduled<Void>?
    private var stallCheck: RepeatedTask?

    init(loop: any EventLoop, limits: FanOutLimits, policy: MergePolicy, load: LoopLoad, meters: FanOutMeters) {
        self.loop = loop
        self.limits = limits
        self.policy = policy
        self.load = load
        self.meters = meters
    }

    // MARK: From the stream

    func append(_ frames: [WireFrame]) {
        for frame in frames {
            ring.append(frame)
            allMayWait = allMayWait && frame.mayWait
        }
        guard !seats.isEmpty else { return trim(floor: ring.end) }
        let since = waitingSince ?? loop.now
        waitingSince = since
        policy.update(load: load.share)
        let delay = policy.delay(allMayWait: allMayWait)
        if delay == .zero { flush() } else { scheduleFlush(at: since + delay) }
    }

    func forgetStart() { ring.forgetStart() }

    /// The app's setting has changed. What already waits is not held longer than it was to be.
    func setPolicy(_ policy: MergePolicy) { self.policy = policy }

    func finish(_ reason: EndReason) {
        endReason = reason
        flush()
    }

    private func scheduleFlush(at deadline: NIODeadline) {
        guard flushTask == nil else { return }
        flushTask = loop.assumeIsolated().scheduleTask(deadline: deadline) { self.flush() }
    }

    private func flush() {
        flushTask?.cancel()
        flushTask = nil
        waitingSince = nil
        allMayWait = true
        let begin = NIODeadline.now()
        var floor = ring.start ?? ring.end
        for viewer in sendToThoseWhoKeepUp() {
            advance(viewer)
            if case .at(let number) = viewer.place, viewer.index != nil { floor = min(floor, number) }
        }
        if ring.end > flushedEnd { flushedAt = loop.now }
        flushedEnd = ring.end
        trim(floor: floor)
        let now = NIODeadline.now()
        load.record(busy: now - begin, now: now)
        tellMeters()
    }

    private func tellMeters() {
        meters.sent(sentBytes)
        sentBytes = 0
    }

    /// Sends what is new to every viewer that has all that was before. Returns the other viewers, and those whose socket
    /// did not take all.
    private func sendToThoseWhoKeepUp() -> [Viewer] {
        let from = flushedEnd
        guard endReason == nil, from < ring.end, !isTooFarBehind(from),
            ring.withVectors(from: from, vectorsMax: DirectSocket.vectorsMax, { _ in }).end == ring.end
        else { return seats.indices.map { leaveSeat($0) } }
        let (end, offered) = (ring.end, ring.bytes(from: from))
        var others: [Viewer] = []
        var short: [(viewer: Viewer, outcome: DirectSocket.Outcome)] = []
        _ = ring.withVectors(from: from, vectorsMax: DirectSocket.vectorsMax) { vectors in
            for index in seats.indices {
                guard seats[index].next == from, let socket = seats[index].socket else {
                    others.append(leaveSeat(index))
                    continue
                }
                let outcome = socket.write(vectors)
                if outcome == .wrote(offered) {
                    seats[index].next = end
                    sentBytes += offered
                } else {
                    short.append((leaveSeat(index), outcome))
                }
            }
        }
        for (viewer, outcome) in short { sendRest(behind: outcome, from: from, to: viewer) }
        return others + short.map(\.viewer)
    }

    private func trim(floor: Int) {
        if let start = ring.start, ring.duration(from: start) > limits.startAgeMax { ring.forgetStart() }
        ring.trim(
            before: min(floor, ring.start ?? ring.end),
            bytesMax: limits.ringBytesMax,
            framesMax: limits.ringFramesMax
        )
    }

    // MARK: Viewers

    /// `prelude` tells the tracks of all frames before number `known`.
    func add(_ viewer: Viewer, prelude: [ByteBuffer], knowing known: Int) {
        guard !viewer.hasControlOverflowed, viewer.control.readableBytes <= limits.controlBytesMax else {
            return end(viewer, .tooSlow)
        }
        viewer.index = seats.count
        viewer.lane = self
        seats.append(Seat(viewer: viewer, socket: viewer.socket))
        if stallCheck == nil {
            stallCheck = loop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { _ in
                self.dropStalled()
            }
        }
        viewer.place = .waitingForStart(knowing: known)
        // Through the channel even when empty: what its owner wrote before must have left before frames go past the channel.
        write(prelude, to: viewer)
    }

    func remove(_ viewer: Viewer) {
        guard let index = viewer.index else { return }
        viewer.index = nil
        viewer.lane = nil
        viewer.finish()
        let last = seats.removeLast()
        if last.viewer !== viewer {
            seats[index] = last
            last.viewer.index = index
        }
        if seats.isEmpty {
            stallCheck?.cancel()
            stallCheck = nil
        }
    }

    /// The viewer has control bytes to send between two frames.
    func controlAdded(to viewer: Viewer) {
        guard viewer.control.readableBytes <= limits.controlBytesMax else { return end(viewer, .tooSlow) }
        pump(viewer)
    }

    func backlogAdded(to viewer: Viewer) { pump(viewer) }

    /// When the viewer was last sent frames; nil when it waits for some, or has had none.
    func flushedAt(to viewer: Viewer) -> NIODeadline? {
        viewer.index.flatMap { seats[$0].next == flushedEnd ? flushedAt : nil }
    }

    /// From here on the viewer's `place` counts.
    @discardableResult
    private func leaveSeat(_ index: Int) -> Viewer {
        let viewer = seats[index].viewer
        if let next = seats[index].next { viewer.place = .at(next) }
        seats[index].next = nil
        return viewer
    }

    private func end(_ viewer: Viewer, _ reason: Viewer.End) {
        if reason == .tooSlow { meters.drops.increment() }
        remove(viewer)
        viewer.end(reason)
    }

    // MARK: Sending

    private func pump(_ viewer: Viewer) {
        advance(viewer)
        tellMeters()
    }

    /// Sends a viewer as much as its socket takes. Returns with the viewer caught up, or with a write in flight that calls
    /// `pump`.
    private func advance(_ viewer: Viewer) {
        guard let index = viewer.index, viewer.writeWatch == nil else { return }
        leaveSeat(index)
        if viewer.control.readableBytes > 0 {
            let bytes = viewer.control
            viewer.control = ByteBuffer()
            return write([bytes], to: viewer)
        }
        if case .at(let number) = viewer.place, isTooFarBehind(number) {
            guard skip(viewer, from: number) else { return end(viewer, .tooSlow) }
        }
        if case .waitingForStart(let known) = viewer.place {
            guard let start = ring.start else {
                return endReason == nil ? sendBacklog(to: viewer) : endIfFinished(viewer)
            }
            viewer.place = .at(start)
            if let tracks = ring.tracks, tracks.number >= known { return write(tracks.frame.pieces, to: viewer) }
        }
        guard case .at(let next) = viewer.place else { return }
        if next < ring.end {
            if let socket = viewer.socket {
                sendDirectly(to: viewer, on: socket, from: next)
            } else {
                gather(for: viewer, from: next)
            }
        }
        if viewer.place == .at(ring.end), viewer.writeWatch == nil {
            viewer.skipsInARow = 0
            if let index = viewer.index, viewer.socket != nil { seats[index].next = ring.end }
            if endReason == nil { sendBacklog(to: viewer) } else { endIfFinished(viewer) }
        }
    }

    /// One piece; the next is asked for when the socket has taken this one, behind the frames that came meanwhile.
    private func sendBacklog(to viewer: Viewer) {
        guard let piece = viewer.backlog?() else { return }
        if let index = viewer.index { leaveSeat(index) }
        write([piece], to: viewer)
    }

    private func endIfFinished(_ viewer: Viewer) {
        if let endReason { end(viewer, .streamEnded(endReason)) }
    }

    private func isTooFarBehind(_ number: Int) -> Bool {
        number < ring.first || ring.bytes(from: number) > limits.lagBytesMax
            || ring.duration(from: number) > limits.lagDurationMax
    }

    /// Lets a viewer that fell behind go on at the newest keyframe; false to drop it.
    private func skip(_ viewer: Viewer, from number: Int) -> Bool {
        guard limits.slowViewer == .skip, viewer.skipsInARow < limits.skipsMax else { return false }
        // Without a newer keyframe there is nothing to skip to: a long GOP is sent as it is while the ring has it.
        guard number < ring.first || (ring.start ?? number) > number else { return true }
        viewer.skipsInARow += 1
        meters.skips.increment()
        viewer.place = .waitingForStart(knowing: number)
        return true
    }

    private func sendDirectly(to viewer: Viewer, on socket: DirectSocket, from number: Int) {
        var number = number
        while number < ring.end {
            let (outcome, end, offered) = ring.withVectors(
                from: number,
                vectorsMax: DirectSocket.vectorsMax,
                socket.write
            )
            switch outcome {
            case .wrote(let count) where count == offered:
                sentBytes += count
                number = end
                viewer.place = .at(number)
                viewer.reportFirstFrame()
            default: return sendRest(behind: outcome, from: number, to: viewer)
            }
        }
    }

    /// A write of the frames from `number` on did not take them all.
    private func sendRest(behind outcome: DirectSocket.Outcome, from number: Int, to viewer: Viewer) {
        switch outcome {
        case .wrote(let count):
            sentBytes += count
            let (frame, offset) = ring.position(after: count, from: number)
            if frame > number { viewer.reportFirstFrame() }
            sendRest(of: frame, from: offset, to: viewer)
        case .full: sendRest(of: number, from: 0, to: viewer)
        case .failed: end(viewer, .connectionLost)
        }
    }

    /// The socket is full: the rest of one frame waits in the channel, which knows how to wait for the socket.
    private func sendRest(of number: Int, from offset: Int, to viewer: Viewer) {
        viewer.place = .at(number + 1)
        var skipped = 0
        var rest: [ByteBuffer] = []
        for piece in ring.frame(number).pieces {
            let size = piece.readableBytes
            if skipped + size > offset {
                var tail = piece
                tail.moveReaderIndex(forwardBy: max(0, offset - skipped))
                rest.append(tail)
            }
            skipped += size
        }
        write(rest, to: viewer, endsFrame: true)
    }

    private func gather(for viewer: Viewer, from number: Int) {
        var bytes = ByteBuffer()
        var number = number
        // The first frame goes alone, so that it is known when it has left.
        let bytesMax = viewer.onFirstFrame == nil ? limits.gatherBytesMax : 1
        while number < ring.end, bytes.readableBytes < bytesMax {
            for piece in ring.frame(number).pieces { bytes.writeImmutableBuffer(piece) }
            number += 1
        }
        viewer.place = .at(number)
        write([bytes], to: viewer, endsFrame: true)
    }

    private func write(_ pieces: [ByteBuffer], to viewer: Viewer, endsFrame: Bool = false) {
        let byteCount = pieces.reduce(0) { $0 + $1.readableBytes }
        viewer.write(pieces) { didSucceed in
            if didSucceed { self.meters.sent(byteCount) }
            // Who has left meanwhile hears no more.
            guard viewer.index != nil else { return }
            guard didSucceed else { return self.end(viewer, .connectionLost) }
            if endsFrame { viewer.reportFirstFrame() }
            self.pump(viewer)
        }
    }

    private func dropStalled() {
        let now = loop.now
        for viewer in seats.map(\.viewer) where viewer.hasStalled(for: limits.stallMax, now: now) {
            end(viewer, .tooSlow)
        }
    }
}
