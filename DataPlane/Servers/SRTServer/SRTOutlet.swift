import ClusterModel
package import FanOut
import MediaModel
import NIOCore
import SRT
package import Streams
import Synchronization

/// Serves one live stream to any number of SRT players: the stream's loop makes the packets once and hands each batch once to
/// every send thread that has players of it.
///
/// It subscribes while it has players. `@unchecked Sendable`: touched on the stream's loop only, but for `add` and `remove`,
/// which hop.
final class SRTOutlet: StreamSubscriber, @unchecked Sendable {
    let stream: LiveStream

    private let limits: FanOutLimits
    private let meters: FanOutMeters
    private var format = SRTFormat()
    /// Since the newest start: what a new lane begins with. The same packets for all, so that counters go on.
    private var recent: [SRTFrame] = []
    private var recentBytes = 0
    private var lanes: [ObjectIdentifier: Entry] = [:]
    private var entries: [ObjectIdentifier: Entry] = [:]
    private var isSubscribed = false

    /// A lane and how many players have entered it and not left.
    private final class Entry {
        let lane: SRTLane
        var viewers = 0

        init(_ lane: SRTLane) { self.lane = lane }

        func run(_ body: @escaping @Sendable (SRTLane) -> Void) { lane.thread.execute { [lane] in body(lane) } }
    }

    init(stream: LiveStream, limits: FanOutLimits, meters: FanOutMeters) {
        self.stream = stream
        self.limits = limits
        self.meters = meters
    }

    // MARK: Players, from any thread

    func add(_ viewer: SRTViewer, on thread: SRTSendThread) {
        stream.loop.execute {
            let entry = self.enter(thread, viewer: ObjectIdentifier(viewer))
            entry.run { $0.add(viewer) }
        }
    }

    /// Harmless when the player has already ended.
    func remove(_ viewer: SRTViewer) {
        stream.loop.execute {
            guard let entry = self.leave(ObjectIdentifier(viewer)) else { return }
            entry.run { $0.remove(viewer) }
        }
    }

    // MARK: Lanes, on the stream's loop

    private func enter(_ thread: SRTSendThread, viewer: ObjectIdentifier) -> Entry {
        subscribe()
        let entry = lanes[ObjectIdentifier(thread)] ?? open(on: thread)
        entry.viewers += 1
        entries[viewer] = entry
        return entry
    }

    private func open(on thread: SRTSendThread) -> Entry {
        let entry = Entry(SRTLane(thread: thread, limits: limits, meters: meters))
        lanes[ObjectIdentifier(thread)] = entry
        if case .ended(let reason) = stream.phase {
            entry.run { $0.finish(reason) }
        } else {
            entry.run { [recent] in $0.append(recent) }
        }
        return entry
    }

    private func leave(_ viewer: ObjectIdentifier) -> Entry? {
        guard let entry = entries.removeValue(forKey: viewer) else { return nil }
        entry.viewers -= 1
        let key = ObjectIdentifier(entry.lane.thread)
        if entry.viewers == 0, lanes[key] === entry { lanes[key] = nil }
        if entries.isEmpty { unsubscribe() }
        return entry
    }

    private func subscribe() {
        guard !isSubscribed else { return }
        isSubscribed = true
        format = SRTFormat()
        let snapshot = stream.subscribe(self)
        _ = frames(for: [.tracks(snapshot.tracks)] + snapshot.items)
        // The cache may be empty while the tracks are known.
        if snapshot.items.isEmpty { _ = format.frame(for: .tracks(stream.tracks)) }
    }

    private func unsubscribe() {
        isSubscribed = false
        stream.unsubscribe(self)
        forgetRecent()
    }

    /// Makes the items' packets and keeps those since the newest start.
    private func frames(for items: [StreamItem]) -> [SRTFrame] {
        var frames: [SRTFrame] = []
        frames.reserveCapacity(items.count)
        for item in items {
            if case .tracks = item { forgetRecent() }
            guard let frame = format.frame(for: item) else { continue }
            frames.append(frame)
            if frame.isStart { forgetRecent() }
            guard frame.isStart || !recent.isEmpty else { continue }
            recent.append(frame)
            recentBytes += frame.bytes.readableBytes
            if recentBytes > limits.ringBytesMax || recent.count > limits.ringFramesMax { forgetRecent() }
        }
        return frames
    }

    private func forgetRecent() {
        recent = []
        recentBytes = 0
    }

    // MARK: StreamSubscriber

    func stream(_ stream: LiveStream, sent items: [StreamItem]) {
        let frames = frames(for: items)
        guard !frames.isEmpty else { return }
        for entry in lanes.values { entry.run { $0.append(frames) } }
    }

    func stream(_ stream: LiveStream, noticed notice: StreamNotice) {
        switch notice {
        case .ended(let reason):
            let open = lanes.values
            lanes = [:]
            for entry in open { entry.run { $0.finish(reason) } }
        case .epochChanged, .gap:
            forgetRecent()
            for entry in lanes.values { entry.run { $0.forgetStart() } }
        case .fenced, .interrupted, .outOfReach, .parentChanged, .pathChanged, .rungsGivenUp, .resumed: break
        }
    }
}

/// The outlets of this node's streams to SRT, by stream. Safe from any thread; asked once per player.
package final class SRTOutlets: Sendable {
    private let outlets = Mutex<[StreamID: SRTOutlet]>([:])
    private let limits: FanOutLimits
    private let meters: FanOutMeters

    package init(meters: FanOutMeters, limits: FanOutLimits = FanOutLimits()) {
        self.meters = meters
        self.limits = limits
    }

    /// A stream that ended and came anew gets a new one.
    func outlet(for stream: LiveStream) -> SRTOutlet {
        outlets.withLock { table in
            if let outlet = table[stream.id], outlet.stream === stream { return outlet }
            let outlet = SRTOutlet(stream: stream, limits: limits, meters: meters)
            table[stream.id] = outlet
            return outlet
        }
    }

    /// Forgets a stream that has ended on this node. Its players keep their outlet until they leave.
    package func remove(_ stream: LiveStream) {
        outlets.withLock { table in
            if table[stream.id]?.stream === stream { table[stream.id] = nil }
        }
    }
}
