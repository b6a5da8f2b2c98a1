package import ClusterModel
import DASH
package import HLS
package import MediaModel
import Metrics
import NIOCore
import Observability
package import Streams
import Synchronization
import Timebase
import Transcoding

/// One stream packaged as HLS on this node: playlists, objects, and the requests that wait for them.
///
/// It packages while players ask here or a child node needs older segments, and keeps what it has for a while after the
/// stream's end. `@unchecked Sendable`: touched on the stream's loop, but for what hops there, and `fetches`.
package final class HLSStream: StreamSubscriber, StreamObjects, @unchecked Sendable {
    private struct Held {
        var want: HLSWant
        var deadline: NIODeadline
    }

    private static let segments = MetricNames.segmentsCut.counter()

    package let stream: LiveStream
    let limits: HLSLimits
    private let onIdle: @Sendable (HLSStream) -> Void

    var rendition: LiveRendition?
    let indexAsk = SegmentIndexAsk()
    var playlists = PlaylistCache()
    private var waiting: [Held] = []
    var fetching: [String: [@Sendable (ObjectAnswer) -> Void]] = [:]
    private var lastRequest = NIODeadline.now()
    private var wantsObjects = false
    /// The window is kept also while nobody watches.
    private var isKept = false
    private var idleCheck: RepeatedTask?
    private(set) var endedAt: NIODeadline?
    private let fetchCounts = Mutex(FetchCounter())

    init(stream: LiveStream, limits: HLSLimits, onIdle: @escaping @Sendable (HLSStream) -> Void) {
        self.stream = stream
        self.limits = limits
        self.onIdle = onIdle
    }

    package var fetches: [SegmentFetches] { fetchCounts.withLock { $0.report } }

    // MARK: Requests

    func serve(_ ask: HLSAsk, connection: ObjectIdentifier, _ answer: @escaping @Sendable (MediaResponse) -> Void) {
        stream.loop.execute {
            self.noteRequest()
            self.take(.ask(ask, connection: connection, answer))
        }
    }

    /// What DASH says of this stream, once there is something; with `waits` false only now.
    func describe(waits: Bool, _ answer: @escaping @Sendable (HLSWant.Description) -> Void) {
        stream.loop.execute {
            self.noteRequest()
            self.take(.description(waits: waits, answer))
        }
    }

    /// Those that are offered beside this source.
    func rungs(_ answer: @escaping @Sendable ([String]) -> Void) {
        stream.loop.execute { answer(self.stream.id.derivation == nil ? self.stream.offeredRungs.map(\.name) : []) }
    }

    /// The next part of a segment that is being made.
    func part(_ name: ObjectName, _ answer: @escaping @Sendable (HLSWant.Part) -> Void) {
        stream.loop.execute {
            self.noteRequest()
            self.take(.part(name, answer))
        }
    }

    private func noteRequest() {
        lastRequest = .now()
        start()
        wantObjectsAgain()
    }

    private func take(_ want: HLSWant) {
        consider(Held(want: want, deadline: .now() + limits.firstSegmentTimeout))
    }

    private func consider(_ held: Held) {
        var held = held
        switch verdict(on: held.want) {
        case .answered: return
        case .wait(let limit): if let limit { held.deadline = .now() + limit }
        case .linger(let limit): held.deadline = min(held.deadline, .now() + limit)
        }
        guard waiting.count < limits.waitingMax else {
            return held.want.refuse(.overloaded("too many held requests"))
        }
        waiting.append(held)
    }

    private func wakeWaiting() {
        guard !waiting.isEmpty else { return }
        let held = waiting
        waiting = []
        for one in held { consider(one) }
    }

    private func expireWaiting(at now: NIODeadline) {
        let late = waiting.filter { $0.deadline <= now }
        guard !late.isEmpty else { return }
        waiting.removeAll { $0.deadline <= now }
        for one in late where !answersAsItStands(one.want) {
            one.want.refuse(.unavailable("nothing new came from the stream in time"))
        }
    }

    // MARK: Life

    /// A child node needs older segments: package, also when nobody asks here.
    package func startForChildren() {
        stream.loop.preconditionInEventLoop()
        start()
    }

    /// The stream is about to end: what it still has makes its last segments.
    func startForTheEnd() {
        stream.loop.preconditionInEventLoop()
        start()
    }

    /// On any thread.
    func keep(_ isWanted: Bool) {
        stream.loop.execute {
            self.isKept = isWanted
            guard isWanted else { return }
            self.start()
            self.wantObjectsAgain()
        }
    }

    private func start() {
        guard rendition == nil, endedAt == nil, let epoch = stream.epoch else { return }
        // First of all, because wanting objects leads back here.
        rendition = LiveRendition(
            rendition: stream.id.renditionName,
            index: SegmentIndex(epoch: epoch, settings: PackagingSettings(stream.settings))
        )
        let snapshot = stream.subscribe(self)
        rendition?.receive(.tracks(snapshot.tracks))
        for item in snapshot.items { rendition?.receive(item) }
        stream.objects = self
        wantObjectsAgain()
        askForIndex(holdsPlaylists: true)
        let period = TimeAmount.seconds(1)
        idleCheck = stream.loop.scheduleRepeatedTask(initialDelay: period, delay: period) { [weak self] _ in
            self?.checkIdle()
        }
    }

    /// Players came, or came back while only children had kept this going.
    private func wantObjectsAgain() {
        guard !wantsObjects, rendition != nil, endedAt == nil else { return }
        wantsObjects = true
        stream.wantObjects(true)
    }

    private func checkIdle() {
        let now = NIODeadline.now()
        expireWaiting(at: now)
        if indexAsk.isOverdue(at: now) { indexCame(nil, askedAs: indexAsk.number) }
        if let endedAt {
            if now - endedAt >= limits.afterEnd { stop() }
            return
        }
        guard now - lastRequest >= limits.idleTimeout else { return }
        // The last fetches are of players that are gone: a node that drains would wait for them.
        fetchCounts.withLock { $0 = FetchCounter() }
        if isKept { return }
        if wantsObjects {
            wantsObjects = false
            stream.wantObjects(false)
        }
        // Children keep it going.
        if !stream.wantsObjects { stop() }
    }

    private func stop(_ refusal: Refusal? = nil) {
        idleCheck?.cancel()
        idleCheck = nil
        rendition = nil
        indexAsk.end()
        playlists.removeAll()
        if stream.objects === self { stream.objects = nil }
        stream.unsubscribe(self)
        for held in waiting { held.want.refuse(refusal ?? .unknownStream(stream.id)) }
        waiting = []
        onIdle(self)
    }

    // MARK: StreamSubscriber

    package func stream(_ stream: LiveStream, sent items: [StreamItem]) {
        let before = rendition?.version
        for item in items { rendition?.receive(item) }
        guard let version = rendition?.version, version != before else { return }
        if let before, version.sequence > before.sequence { Self.segments.increment() }
        askForWhatIsLacking()
        versionChanged()
    }

    package func stream(_ stream: LiveStream, noticed notice: StreamNotice) {
        switch notice {
        case .epochChanged(let epoch):
            rendition?.begin(epoch, PackagingSettings(stream.settings))
            askForIndex(holdsPlaylists: indexAsk.holdsPlaylists)
        case .parentChanged:
            if indexAsk.isUnderWay || rendition?.lacksSegments == true {
                askForIndex(holdsPlaylists: indexAsk.holdsPlaylists)
            }
        case .gap: rendition?.itemsMissing()
        case .ended(let reason): ended(reason)
        case .interrupted, .resumed, .fenced, .outOfReach, .pathChanged, .rungsGivenUp: return
        }
        versionChanged()
    }

    private func ended(_ reason: EndReason) {
        endedAt = .now()
        switch reason {
        case .unpublished, .publisherLost: rendition?.finish()
        case .draining: stop(.draining)
        case .fenced, .removed: stop(.unavailable("the stream left this node"))
        }
    }

    func versionChanged() {
        playlists.removeAll()
        wakeWaiting()
    }

    // MARK: Counting

    /// Only what the playlist can name counts: a made-up number would hide the real ones behind it.
    func count(_ name: ObjectName, by connection: ObjectIdentifier) {
        guard name.component?.component != .audio, let window = rendition?.listed, name.epoch == window.index.epoch
        else { return }
        switch name.kind {
        case .segment(let sequence), .part(let sequence, _):
            guard sequence <= window.nextSequence else { return }
            fetchCounts.withLock { $0.count(sequence, by: connection, isDASH: name.component != nil) }
        case .initialization: return
        }
    }
}

extension PackagingSettings {
    package init(_ settings: AppSettings) {
        self.init(
            segmentDuration: MediaTime(seconds: settings.hlsSegmentDuration),
            partDuration: MediaTime(seconds: settings.hlsPartDuration),
            windowSegments: settings.hlsWindowSegments,
            container: SegmentContainer(settings.hlsSegmentType)
        )
    }
}
