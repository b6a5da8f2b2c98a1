import DequeModule
import FanOut
import MediaModel
import NIOCore
import SRT
import Timebase

/// One stream on one send thread: its newest frames, and the players that read them.
///
/// `@unchecked Sendable`: made anywhere, then touched on `thread` only.
final class SRTLane: @unchecked Sendable {
    /// How soon a player whose buffer was full is tried again.
    private static let retryAfter = TimeAmount.milliseconds(10)

    let thread: SRTSendThread
    private let limits: FanOutLimits
    private let meters: FanOutMeters
    private var frames: Deque<SRTFrame> = []
    /// Number of the first of `frames`.
    private var first = 0
    private var frameBytes = 0
    private var newestStart: Int?
    private var viewers: [ObjectIdentifier: SRTViewer] = [:]
    private var endReason: EndReason?
    private var isRetrying = false

    private var end: Int { first + frames.count }

    init(thread: SRTSendThread, limits: FanOutLimits, meters: FanOutMeters) {
        self.thread = thread
        self.limits = limits
        self.meters = meters
    }

    // MARK: From the stream

    func append(_ more: [SRTFrame]) {
        for frame in more {
            if frame.isStart { newestStart = end }
            frames.append(frame)
            frameBytes += frame.bytes.readableBytes
        }
        serveAll()
    }

    /// What came before cannot be decoded with what follows.
    func forgetStart() { newestStart = nil }

    func finish(_ reason: EndReason) {
        endReason = reason
        serveAll()
    }

    // MARK: Players

    func add(_ viewer: SRTViewer) {
        viewers[ObjectIdentifier(viewer)] = viewer
        serve([viewer])
    }

    func remove(_ viewer: SRTViewer) { viewers[ObjectIdentifier(viewer)] = nil }

    private func serveAll() { serve(Array(viewers.values)) }

    private func serve(_ viewers: [SRTViewer]) {
        var isAnyFull = false
        for viewer in viewers {
            let outcome = pump(viewer)
            switch outcome {
            case .caughtUp:
                if let endReason { leave(viewer, .streamEnded(endReason)) }
            case .full: isAnyFull = true
            case .over(let end): leave(viewer, end)
            }
        }
        trim()
        if isAnyFull { retryLater() }
    }

    private func retryLater() {
        guard !isRetrying else { return }
        isRetrying = true
        thread.schedule(in: Self.retryAfter) {
            self.isRetrying = false
            self.serveAll()
        }
    }

    private func leave(_ viewer: SRTViewer, _ end: Viewer.End) {
        remove(viewer)
        if end == .tooSlow { meters.dropped() }
        viewer.end(end)
    }

    private enum Outcome {
        case caughtUp
        case full
        case over(Viewer.End)
    }

    private func pump(_ viewer: SRTViewer) -> Outcome {
        if let place = viewer.place, isTooFarBehind(place.frame) {
            guard skip(viewer, from: place.frame) else { return .over(.tooSlow) }
        }
        if viewer.place == nil {
            guard let newestStart else { return .caughtUp }
            viewer.place = .init(frame: newestStart, offset: 0)
        }
        while let place = viewer.place, place.frame < end {
            let frame = frames[place.frame - first]
            let (sent, outcome) = viewer.send(frame.bytes, from: place.offset)
            meters.sent(sent)
            switch outcome {
            case .done: viewer.place = .init(frame: place.frame + 1, offset: 0)
            case .wouldBlock:
                viewer.place = .init(frame: place.frame, offset: place.offset + sent)
                return viewer.hasStalled(for: limits.stallMax) ? .over(.tooSlow) : .full
            case .broken: return .over(.connectionLost)
            }
        }
        viewer.skipsInARow = 0
        return .caughtUp
    }

    private func isTooFarBehind(_ number: Int) -> Bool {
        guard number < end else { return false }
        guard number >= first, let newest = frames.last else { return true }
        let waiting = frames[number - first]
        if newest.decodeTime - waiting.decodeTime > limits.lagDurationMax { return true }
        // Of what one lane may keep, a player may leave the most of a stream waiting only while there is room for it.
        return frameBytes > limits.lagBytesMax
            && frames[(number - first)...].reduce(0) { $0 + $1.bytes.readableBytes } > limits.lagBytesMax
    }

    /// Lets a player that fell behind go on at the newest keyframe; false to drop it.
    private func skip(_ viewer: SRTViewer, from number: Int) -> Bool {
        guard viewer.skipsInARow < limits.skipsMax else { return false }
        // Without a newer keyframe there is nothing to skip to: a long GOP is sent as it is while it is kept.
        guard number < first || (newestStart ?? number) > number else { return true }
        viewer.skipsInARow += 1
        meters.skipped()
        viewer.place = nil
        return true
    }

    /// Keeps what a player waits for, and what a new one starts with.
    private func trim() {
        if let start = newestStart, start < end, let newest = frames.last,
            newest.decodeTime - frames[start - first].decodeTime > limits.startAgeMax
        {
            newestStart = nil
        }
        let floor = viewers.values.reduce(newestStart ?? end) { min($0, $1.place?.frame ?? end) }
        while first < floor || frameBytes > limits.ringBytesMax || frames.count > limits.ringFramesMax,
            let gone = frames.popFirst()
        {
            frameBytes -= gone.bytes.readableBytes
            first += 1
        }
        if let start = newestStart, start < first { newestStart = nil }
    }
}
