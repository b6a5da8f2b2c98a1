import ClusterModel
import NIOCore
import OutsideLinks
import Previews
import Recorder
import Streams
import Synchronization
import Timebase

/// What this node does for streams beside serving them: recordings, restreams, and fetching those that were placed here.
///
/// The control plane's orders and the apps' settings say what is wanted; here that is compared with what runs.
final class StreamTasks: Sendable {
    private struct State {
        var orders: [StreamID: StreamOrder] = [:]
        /// Streams whose owner this node became, until they are over here.
        var owned: [StreamID: LiveStream] = [:]
        /// Rungs on this node, of owned streams and others.
        var rungs: [StreamID: LiveStream] = [:]
        /// Placements that nobody watched any more: not to be taken up again by an order that was under way.
        var abandoned: [StreamID: WallTime] = [:]
        /// Since when nobody watches a stream that is fetched on demand.
        var idleSince: [StreamID: MonotonicInstant] = [:]
    }

    private let state = Mutex(State())
    private let recordings: RecordingService
    private let restreams: RestreamService
    private let sources: SourceService
    private let previews: PreviewService
    private let keepWindow: @Sendable (LiveStream, Bool) -> Void
    private let now: @Sendable () -> MonotonicInstant

    init(
        recordings: RecordingService,
        restreams: RestreamService,
        sources: SourceService,
        previews: PreviewService,
        keepWindow: @escaping @Sendable (LiveStream, Bool) -> Void,
        now: @escaping @Sendable () -> MonotonicInstant
    ) {
        self.recordings = recordings
        self.restreams = restreams
        self.sources = sources
        self.previews = previews
        self.keepWindow = keepWindow
        self.now = now
    }

    /// This node owns the stream from here on.
    func owned(_ stream: LiveStream, _ order: StreamOrder?) {
        state.withLock { state in
            state.owned[stream.id] = stream
            if let order { state.orders[stream.id] = order }
        }
        reconcile(stream)
    }

    func opened(_ stream: LiveStream) {
        if case .rung? = stream.id.derivation { state.withLock { $0.rungs[stream.id] = stream } }
    }

    func closed(_ stream: LiveStream) {
        let isOver = state.withLock { state in
            if state.rungs[stream.id] === stream { state.rungs[stream.id] = nil }
            guard state.owned[stream.id] === stream else { return false }
            state.owned[stream.id] = nil
            return true
        }
        if isOver { restreams.drop(stream.id) }
    }

    /// All that the control plane wants now.
    func follow(_ orders: [StreamOrder], isDraining: Bool) {
        let named = orders.compactMap { order in
            (try? StreamID(app: order.app, id: order.id)).map { ($0, order) }
        }
        let wanted = Dictionary(named) { $1 }
        let (changed, abandoned) = state.withLock { state in
            let changed = Set(state.orders.keys).union(wanted.keys).filter { state.orders[$0] != wanted[$0] }
            state.orders = wanted
            state.abandoned = state.abandoned.filter { wanted[$0.key]?.placedAt == $0.value }
            return (changed.compactMap { state.owned[$0] }, state.abandoned)
        }
        for stream in sources.streams where wanted[stream]?.source == nil {
            sources.drop(stream, isClean: !isDraining)
        }
        for (stream, order) in wanted where abandoned[stream] == nil {
            if let source = order.source { sources.want(stream, from: source) }
        }
        for stream in changed { reconcile(stream) }
    }

    func remove(recordings keys: [String]) { recordings.remove(keys) }

    /// To be called about every second, and when settings have changed.
    func look() {
        recordings.look()
        let (owned, rungs, orders) = state.withLock { state in
            (state.owned, state.rungs.values.filter { state.owned[$0.id.source] != nil }, state.orders)
        }
        for rung in rungs {
            // One that is made while somebody watches begins with its first player.
            rung.loop.execute {
                self.keepWindow(rung, rung.settings.keepsWindow && !rung.settings.renditionsOnDemand)
            }
        }
        for stream in owned.values {
            reconcile(stream)
            if let order = orders[stream.id], order.source?.mode == .onDemand { checkDemand(of: stream, order) }
        }
    }

    var work: [StreamWork] {
        let ids = state.withLock { Set($0.owned.keys).union($0.orders.keys) }
        return ids.sorted().compactMap { id in
            let work = StreamWork(
                app: id.app,
                id: id.id,
                recording: recordings.status(of: id),
                restreams: restreams.status(of: id),
                source: sources.status(of: id)
            )
            return work.isEmpty ? nil : work
        }
    }

    private func reconcile(_ stream: LiveStream) {
        let order = state.withLock { $0.orders[stream.id] }
        stream.loop.execute {
            // Fed by another owner since: that one records it.
            guard stream.isOwned else { return }
            if order?.recording ?? stream.settings.recordingEnabled {
                self.recordings.record(stream)
            } else {
                self.recordings.stop(stream.id)
            }
            self.restreams.want(order?.restreams ?? [], of: stream)
            // What is fetched while somebody watches would be fetched for ever.
            self.keepWindow(stream, stream.settings.keepsWindow && order?.source?.mode != .onDemand)
            if stream.settings.previewInterval > 0 { self.previews.watch(stream) } else { self.previews.drop(stream) }
        }
    }

    /// What is recorded, pushed elsewhere or shown as a preview is not watched by that alone.
    private func checkDemand(of stream: LiveStream, _ order: StreamOrder) {
        let pushes = restreams.status(of: stream.id).count { $0.state == .active }
        let own = pushes + (recordings.isRecording(stream.id) ? 1 : 0) + (previews.isWatching(stream.id) ? 1 : 0)
        stream.loop.execute {
            let isWatched = stream.subscriberCount > own
            let linger = Duration.seconds(stream.settings.pullLinger)
            self.noteDemand(of: stream.id, order, isWatched: isWatched, linger: linger)
        }
    }

    private func noteDemand(of stream: StreamID, _ order: StreamOrder, isWatched: Bool, linger: Duration) {
        let now = now()
        let isOver = state.withLock { state in
            guard !isWatched else {
                state.idleSince[stream] = nil
                return false
            }
            let since = state.idleSince[stream] ?? now
            state.idleSince[stream] = since
            guard now - since >= linger else { return false }
            state.idleSince[stream] = nil
            state.abandoned[stream] = order.placedAt
            return true
        }
        if isOver { sources.drop(stream, isClean: true) }
    }
}
