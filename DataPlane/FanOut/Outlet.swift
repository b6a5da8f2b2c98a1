package import ClusterModel
package import MediaModel
package import NIOCore
package import Streams
import Synchronization
import Timebase

/// Serves one live stream in one wire format to any number of viewers on any loops.
///
/// The stream's loop makes each frame's bytes once and hands each batch once to every loop that has viewers. The outlet
/// subscribes while it has viewers. `@unchecked Sendable`: touched on the stream's loop only, but for `add` and `remove`,
/// which hop.
package final class Outlet<Format: WireFormat>: StreamSubscriber, @unchecked Sendable {
    package enum Audience: Sendable {
        /// Merged writes as the stream's app asks; a change of owner goes unnoticed.
        case players
        /// Frames go at once; a fenced owner ends the pulls from it.
        case nodes
    }

    package let stream: LiveStream

    private let makeFormat: @Sendable () -> Format
    private let limits: FanOutLimits
    private let meters: FanOutMeters
    private let loads: LoopLoads
    private let audience: Audience

    private var format: Format
    /// The lane new viewers of a loop enter.
    private var lanes: [ObjectIdentifier: LaneEntry] = [:]
    /// Where each viewer is; a lane that has ended keeps its viewers until they leave.
    private var entries: [ObjectIdentifier: LaneEntry] = [:]
    private var isSubscribed = false

    package init(
        stream: LiveStream,
        limits: FanOutLimits = FanOutLimits(),
        audience: Audience = .players,
        loads: LoopLoads,
        meters: FanOutMeters,
        makeFormat: @escaping @Sendable () -> Format
    ) {
        self.stream = stream
        self.limits = limits
        self.audience = audience
        self.loads = loads
        self.meters = meters
        self.makeFormat = makeFormat
        format = makeFormat()
    }

    // MARK: Viewers, from their own loops

    /// Starts sending to `viewer`: first `greeting`, then the format's prelude, then from the newest keyframe on.
    ///
    /// With `epoch`, the viewer was promised media of that epoch: should the stream have moved on, it is ended as fenced.
    package func add(_ viewer: Viewer, greeting: ByteBuffer = ByteBuffer(), epoch: Epoch? = nil) {
        let loop = viewer.loop
        let id = ObjectIdentifier(viewer)
        let bound = NIOLoopBound(viewer, eventLoop: loop)
        stream.loop.execute {
            if let epoch, let current = self.stream.epoch, current != epoch {
                return loop.execute { bound.value.end(.streamEnded(.fenced(current))) }
            }
            let entry = self.enter(loop, viewer: id)
            var prelude = self.format.prelude(tracks: self.stream.tracks)
            if greeting.readableBytes > 0 { prelude.insert(greeting, at: 0) }
            loop.execute { [prelude, lane = entry.lane, known = entry.frameCount] in
                lane.add(bound.value, prelude: prelude, knowing: known)
            }
        }
    }

    /// Stops sending. Harmless when the viewer has already ended.
    package func remove(_ viewer: Viewer) {
        let loop = viewer.loop
        let id = ObjectIdentifier(viewer)
        let bound = NIOLoopBound(viewer, eventLoop: loop)
        stream.loop.execute {
            guard let lane = self.leave(id) else { return }
            loop.execute { lane.remove(bound.value) }
        }
    }

    // MARK: Lanes, on the stream's loop

    private func enter(_ loop: any EventLoop, viewer: ObjectIdentifier) -> LaneEntry {
        subscribe()
        let entry = lanes[ObjectIdentifier(loop)] ?? open(on: loop)
        entry.viewers += 1
        entries[viewer] = entry
        return entry
    }

    private func open(on loop: any EventLoop) -> LaneEntry {
        let lane = Lane(
            loop: loop,
            limits: limits,
            policy: mergePolicy,
            load: loads.load(of: loop),
            meters: meters
        )
        let entry = LaneEntry(lane: lane, loop: loop)
        lanes[ObjectIdentifier(loop)] = entry
        var opening = makeFormat()
        let snapshot = stream.snapshot
        let frames = Self.frames(for: [.tracks(snapshot.tracks)] + snapshot.items, format: &opening)
        if case .ended(let reason) = stream.phase {
            entry.run { $0.finish(reason) }
        } else {
            entry.append(frames)
        }
        return entry
    }

    private var mergePolicy: MergePolicy {
        MergePolicy(fixedMilliseconds: audience == .players ? stream.settings.mergeWindowMilliseconds : 0)
    }

    private func leave(_ viewer: ObjectIdentifier) -> Lane? {
        guard let entry = entries.removeValue(forKey: viewer) else { return nil }
        entry.viewers -= 1
        let key = ObjectIdentifier(entry.loop)
        if entry.viewers == 0, lanes[key] === entry { lanes[key] = nil }
        if entries.isEmpty { unsubscribe() }
        return entry.lane
    }

    private func subscribe() {
        guard !isSubscribed else { return }
        isSubscribed = true
        format = makeFormat()
        _ = stream.subscribe(self)
        // Lets the format learn the tracks.
        _ = format.pieces(for: .tracks(stream.tracks))
    }

    private func unsubscribe() {
        isSubscribed = false
        stream.unsubscribe(self)
    }

    private static func frames(for items: [StreamItem], format: inout Format) -> [WireFrame] {
        var frames: [WireFrame] = []
        frames.reserveCapacity(items.count)
        for item in items {
            let (time, isTracks): (MediaTime?, Bool) =
                switch item {
                case .unit(let unit): (unit.decodeTime, false)
                case .cut(let mark): (mark.mediaTime, false)
                case .tracks: (nil, true)
                }
            // Also where the format has no bytes for them, new tracks are a place nobody can decode across.
            guard let pieces = format.pieces(for: item) ?? (isTracks ? [] : nil) else { continue }
            let frame = WireFrame(
                pieces: pieces,
                isStart: format.isStart(item),
                mayWait: format.mayWait(item),
                isTracks: isTracks,
                decodeTime: time
            )
            frames.append(frame)
        }
        return frames
    }

    // MARK: StreamSubscriber

    package func stream(_ stream: LiveStream, sent items: [StreamItem]) {
        let frames = Self.frames(for: items, format: &format)
        for entry in lanes.values { entry.append(frames) }
    }

    package func stream(_ stream: LiveStream, applied settings: AppSettings) {
        for entry in lanes.values { entry.run { [mergePolicy] in $0.setPolicy(mergePolicy) } }
    }

    package func stream(_ stream: LiveStream, noticed notice: StreamNotice) {
        let frame = format.pieces(for: notice).map {
            WireFrame(pieces: $0, isStart: false, mayWait: false, decodeTime: nil)
        }
        let open = lanes.values
        if let end = end(for: notice) {
            // Whoever comes next enters a lane of what follows.
            lanes = [:]
            for entry in open { entry.run { $0.finish(end) } }
            return
        }
        for entry in open {
            if let frame { entry.append([frame]) }
            if notice.breaksDecoding { entry.run { $0.forgetStart() } }
        }
    }

    /// Why the viewers of today must go; nil when they stay.
    private func end(for notice: StreamNotice) -> EndReason? {
        switch notice {
        case .ended(let reason): reason
        case .epochChanged(let newer), .fenced(let newer): audience == .nodes ? .fenced(newer) : nil
        case .outOfReach: audience == .nodes ? .draining : nil
        case .gap, .interrupted, .parentChanged, .pathChanged, .rungsGivenUp, .resumed: nil
        }
    }
}

/// One loop's lane and how many viewers have entered it and not left. Touched on the stream's loop only.
private final class LaneEntry {
    let lane: Lane
    let loop: any EventLoop
    var viewers = 0
    /// Frames the lane was given: the number of its next one.
    private(set) var frameCount = 0

    init(lane: Lane, loop: any EventLoop) {
        self.lane = lane
        self.loop = loop
    }

    func append(_ frames: [WireFrame]) {
        frameCount += frames.count
        run { $0.append(frames) }
    }

    /// Everything the stream tells a lane goes this way: were some of it put off on the stream's own loop and some not, a
    /// notice would change places with the frames around it.
    func run(_ body: @escaping @Sendable (Lane) -> Void) {
        if loop.inEventLoop { body(lane) } else { loop.execute { [lane] in body(lane) } }
    }
}

extension StreamNotice {
    /// What came before cannot be decoded with what follows.
    fileprivate var breaksDecoding: Bool {
        switch self {
        case .epochChanged, .gap: true
        case .ended, .fenced, .interrupted, .outOfReach, .parentChanged, .pathChanged, .rungsGivenUp, .resumed: false
        }
    }
}

/// The load of each event loop, shared by all lanes on it.
package final class LoopLoads: Sendable {
    private let loads = Mutex<[ObjectIdentifier: UncheckedLoad]>([:])

    /// The lock guards the table; a load itself is used on its loop only.
    private struct UncheckedLoad: @unchecked Sendable {
        let value: LoopLoad
    }

    package init() {}

    func load(of loop: any EventLoop) -> LoopLoad {
        loads.withLock { table in
            let key = ObjectIdentifier(loop)
            if let load = table[key] { return load }
            let load = UncheckedLoad(value: LoopLoad(now: .now()))
            table[key] = load
            return load
        }.value
    }
}
