package import ClusterModel
package import MediaModel
package import NIOCore
import Synchronization
package import Timebase

/// One live stream on this node: where its source (a publisher, or a pull from a parent) meets its subscribers.
///
///     waiting ──items──► live ◄──────► interrupted ──► ended
///        └──────────────────┴───────────────────────────►
///
/// It lives on one event loop. `@unchecked Sendable`: everything mutable is touched on `loop` only, which every method
/// checks, except the viewer counts, which a lock guards.
package final class LiveStream: @unchecked Sendable {
    package enum Phase: Hashable, Sendable {
        /// No media yet.
        case waiting
        case live
        /// The source is away and may come back; viewers stay.
        case interrupted
        case ended(EndReason)
    }

    package let id: StreamID
    package let loop: any EventLoop

    package private(set) var phase = Phase.waiting
    /// How often the source went away.
    package private(set) var interruptions = 0
    package private(set) var epoch: Epoch?
    package private(set) var tracks: [Track] = []
    package private(set) var settings: AppSettings
    /// Names of rungs that the owner does not make for now, as too much for it or without an encoder: players are not offered them.
    package private(set) var rungsGivenUp: [String] = []
    /// More than a ladder has, whose rungs may have changed meanwhile.
    private static let rungsGivenUpMax = 32
    /// What the next epoch's segments will be.
    private var wishedSegmentType: AppSettings.HLSSegmentType
    /// Answers for HLS and DASH objects of this stream, set by whoever packages it on this node.
    package var objects: (any StreamObjects)?
    /// The pull that feeds this stream; nil at the owner.
    package var upstream: (any StreamUpstream)?
    /// Told when the first subscriber comes and when the last one has gone.
    package var onDemandChanged: ((Bool) -> Void)?
    /// Told when children or packagers start or stop to want older objects.
    package var onObjectInterestChanged: ((Bool) -> Void)?
    /// Told of the end while the last items can still be had by subscribing.
    package var onEnding: ((EndReason) -> Void)?

    private var cache: GOPCache
    private var pictureOrder = PictureOrder()
    private var subscribers: [any StreamSubscriber] = []
    private var origin: OriginFeed?
    /// The nodes the stream comes through, as subscribers know them.
    private var path: [String] = []
    private var splice = SpliceFilter()
    /// The tracks at the place a joining parent has come to. They count once its items do: it may be behind.
    private var joiningTracks: [Track]?
    private var objectInterest = 0
    /// The publisher of this node that fed the stream last.
    private weak var publication: Publication?
    private var keyframeAskedAt: [TrackID: NIODeadline] = [:]
    private let viewers = Mutex(ViewerCounts())
    private let expected = Atomic<Int>(0)
    private let byteCount = Atomic<Int>(0)
    private let serving = Atomic<Bool>(false)
    private let codecs: Mutex<CarriedCodecs>

    package init(
        id: StreamID,
        loop: any EventLoop,
        settings: AppSettings = AppSettings(),
        cacheLimits: GOPCacheLimits = GOPCacheLimits()
    ) {
        self.id = id
        self.loop = loop
        self.settings = settings
        wishedSegmentType = settings.hlsSegmentType
        codecs = Mutex(CarriedCodecs(segments: settings.hlsSegmentType))
        cache = GOPCache(limits: cacheLimits)
    }

    // MARK: Subscribers

    package func subscribe(_ subscriber: any StreamSubscriber) -> StreamSnapshot {
        loop.preconditionInEventLoop()
        subscribers.append(subscriber)
        if subscribers.count == 1 { onDemandChanged?(true) }
        return snapshot
    }

    /// What a subscriber that came now would start from.
    package var snapshot: StreamSnapshot {
        loop.preconditionInEventLoop()
        return StreamSnapshot(epoch: epoch, phase: phase, tracks: cache.tracksBefore, items: Array(cache.items))
    }

    package func unsubscribe(_ subscriber: any StreamSubscriber) {
        loop.preconditionInEventLoop()
        let before = subscribers.count
        subscribers.removeAll { $0 === subscriber }
        if before > 0, subscribers.isEmpty { onDemandChanged?(false) }
    }

    /// The stream since its current segment began, cut mark first.
    package var cachedItems: [StreamItem] {
        loop.preconditionInEventLoop()
        return Array(cache.items)
    }

    /// Whether pictures are decoded in another order than they are shown: some players take none such.
    package var hasReorderedPictures: Bool {
        loop.preconditionInEventLoop()
        return pictureOrder.isReordered
    }

    /// Of a track in the current segment; nil while there is too little of it.
    package func bitsPerSecond(of track: TrackID) -> Int? {
        loop.preconditionInEventLoop()
        return cache.bitsPerSecond(of: track)
    }

    package var hasSubscribers: Bool { subscriberCount > 0 }

    package var subscriberCount: Int {
        loop.preconditionInEventLoop()
        return subscribers.count
    }

    /// Counts one more (or, negative, one fewer) connection of a protocol. From any thread.
    package func countViewers(_ change: Int, of kind: ClientProtocol) {
        viewers.withLock { kind.count(change, in: &$0) }
    }

    package var viewerCounts: ViewerCounts { viewers.withLock { $0 } }

    /// Players that were let in and are not there yet, one more or fewer: no viewers, but their places are taken. From any thread.
    package func expectViewers(_ change: Int) { expected.add(change, ordering: .relaxed) }

    package var expectedViewers: Int { expected.load(ordering: .relaxed) }

    /// Payload bytes the source has sent. From any thread.
    package var receivedBytes: Int { byteCount.load(ordering: .relaxed) }

    /// Whether players can be added: the tracks are known and the stream has not ended. From any thread.
    package var isServing: Bool { serving.load(ordering: .acquiring) }

    /// Why players of a protocol cannot have the stream as it is; nil when they can. From any thread.
    package func refusal(of kind: ClientProtocol) -> Refusal? {
        codecs.withLock { $0.refusal(of: kind) }
    }

    /// The codec that players of a protocol need the sound in; nil when they take it as it is. From any thread.
    package func soundNeeded(by kind: ClientProtocol) -> StreamID.SoundCodec? {
        codecs.withLock { $0.soundNeeded(by: kind) }
    }

    /// Told, on the loop, when `isServing` becomes true.
    package var onServing: (() -> Void)?

    // MARK: Keyframes

    /// Between two requests that go up: a keyframe costs the publisher ten pictures' bits, and one serves all who ask.
    private static let keyframePause = TimeAmount.seconds(1)

    /// A player that joined or lost pictures cannot decode on. However many ask, one request a second goes to the publisher,
    /// through all nodes between, if its protocol can ask it. `track` may be one of the pictures' layers where they are.
    package func wantKeyframe(of track: TrackID = .video) {
        loop.preconditionInEventLoop()
        let now = loop.now
        keyframeAskedAt = keyframeAskedAt.filter { now - $0.value < Self.keyframePause }
        guard keyframeAskedAt[track] == nil else { return }
        keyframeAskedAt[track] = now
        if let upstream { upstream.wantKeyframe() } else { publication?.wantKeyframe(of: track) }
    }

    // MARK: Objects

    /// Somebody below needs older segments (`true`), or no longer does.
    package func wantObjects(_ isWanted: Bool) {
        loop.preconditionInEventLoop()
        let before = objectInterest > 0
        objectInterest = max(0, objectInterest + (isWanted ? 1 : -1))
        guard before != (objectInterest > 0) else { return }
        origin?.cutter.retainSegments(objectInterest > 0)
        upstream?.wantObjects(objectInterest > 0)
        onObjectInterestChanged?(objectInterest > 0)
    }

    package var wantsObjects: Bool {
        loop.preconditionInEventLoop()
        return objectInterest > 0
    }

    // MARK: Rungs

    /// What the owner says of its rungs, on this node or through the parent.
    package func learn(rungsGivenUp rungs: [String]) {
        loop.preconditionInEventLoop()
        let rungs = Array(rungs.prefix(Self.rungsGivenUpMax))
        guard rungs != rungsGivenUp else { return }
        rungsGivenUp = rungs
        notify(.rungsGivenUp(rungs))
    }

    // MARK: Source: a publisher on this node

    /// A publisher of this node owns the stream from here on.
    package func beginTenure(epoch: Epoch, resume: ResumePoint, settings: AppSettings, cutter: any StreamCutter) {
        loop.preconditionInEventLoop()
        apply(settings)
        var cutter = cutter
        cutter.retainSegments(objectInterest > 0)
        origin = OriginFeed(repair: TimelineRepair(startingAt: resume.mediaTime), cutter: cutter)
        change(to: epoch)
    }

    /// The same owner's publisher came back within the grace: the timeline goes on, the epoch stays.
    package func publisherReturned() {
        loop.preconditionInEventLoop()
        // Read before the write begins: both go through `origin`.
        guard let next = nextResumePoint else { return }
        origin?.repair = TimelineRepair(startingAt: next.mediaTime)
    }

    /// `publication` is what to ask for keyframes from here on; nil for items that come of nobody who can be asked.
    package func ingest(_ items: [IngestItem], at wall: WallTime, from publication: Publication? = nil) {
        loop.preconditionInEventLoop()
        if publication !== self.publication { self.publication = publication }
        guard let (placed, layers) = origin?.place(items, at: wall) else { return }
        send(placed)
        for unit in layers {
            for subscriber in subscribers { subscriber.stream(self, sentLayer: unit) }
        }
    }

    /// Where the next owner would continue; nil on a node that does not own the stream.
    package var nextResumePoint: ResumePoint? {
        loop.preconditionInEventLoop()
        return origin?.cutter.next
    }

    /// Whether a publisher of this node feeds it, or may come back to do so.
    package var isOwned: Bool {
        loop.preconditionInEventLoop()
        return origin != nil
    }

    /// This node lost the stream to the owner of `newer`; from now on it may be fed by a pull.
    package func endTenure(fencedBy newer: Epoch) {
        loop.preconditionInEventLoop()
        origin = nil
        notify(.fenced(newer))
        interrupt()
    }

    // MARK: Source: a pull from a parent

    /// A parent accepted the pull; its items follow. Of the epoch at hand, only what is missing will be passed on.
    package func beginPull(from upstream: any StreamUpstream, epoch newEpoch: Epoch, tracks newTracks: [Track]) {
        loop.preconditionInEventLoop()
        self.upstream = upstream
        if objectInterest > 0 { upstream.wantObjects(true) }
        if newEpoch == epoch {
            splice.parentChanged()
            notify(.parentChanged)
            pathChanged(of: upstream)
        } else {
            path = upstream.hops
            splice.epochChanged()
            change(to: newEpoch)
        }
        joiningTracks = newTracks
        if !splice.isJoining { send(takeJoiningTracks()) }
    }

    /// The parent, or one above it, has found another parent: whoever pulls from here must know, or could end up above.
    package func pathChanged(of upstream: any StreamUpstream) {
        loop.preconditionInEventLoop()
        guard self.upstream === upstream, upstream.hops != path else { return }
        path = upstream.hops
        notify(.pathChanged(path))
    }

    /// Ends the pulls from here, whose nodes may find ways that this one has not.
    package func sendChildrenOn() {
        loop.preconditionInEventLoop()
        notify(.outOfReach)
    }

    /// The pull is over; another may follow.
    package func endPull(from upstream: any StreamUpstream) {
        loop.preconditionInEventLoop()
        guard self.upstream === upstream else { return }
        self.upstream = nil
    }

    package func receive(_ items: [StreamItem]) {
        loop.preconditionInEventLoop()
        var passed: [StreamItem] = []
        passed.reserveCapacity(items.count)
        for item in items {
            switch splice.admit(item) {
            case .pass:
                passed += takeJoiningTracks()
                // A parent may repeat what its acceptance of the pull has told.
                if case .tracks(let repeated) = item, repeated == newestTracks(in: passed) { continue }
                passed.append(item)
            case .drop:
                if case .tracks(let tracks) = item { joiningTracks = tracks }
            case .passAfterGap:
                send(passed)
                cache.removeAll()
                notify(.gap)
                passed = takeJoiningTracks() + [item]
            }
        }
        send(passed)
    }

    /// The parent lacks items between the last ones it sent and the next.
    package func itemsMissing() {
        loop.preconditionInEventLoop()
        // A joining parent's hole lies before the place reached here, or shows when it has come there.
        guard !splice.isJoining else { return }
        cache.removeAll()
        notify(.gap)
    }

    private func newestTracks(in items: [StreamItem]) -> [Track] {
        for case .tracks(let newest) in items.reversed() { return newest }
        return tracks
    }

    private func takeJoiningTracks() -> [StreamItem] {
        defer { joiningTracks = nil }
        return joiningTracks.flatMap { $0 == tracks ? nil : [.tracks($0)] } ?? []
    }

    // MARK: Life

    package func interrupt() {
        loop.preconditionInEventLoop()
        guard phase == .live else { return }
        phase = .interrupted
        interruptions += 1
        notify(.interrupted)
    }

    package func end(_ reason: EndReason) {
        loop.preconditionInEventLoop()
        if case .ended = phase { return }
        onEnding?(reason)
        onEnding = nil
        phase = .ended(reason)
        serving.store(false, ordering: .releasing)
        cache.removeAll()
        notify(.ended(reason))
    }

    /// What its segments are made of holds for an epoch: players have its playlists, and other nodes make the same objects.
    package func apply(_ settings: AppSettings) {
        loop.preconditionInEventLoop()
        wishedSegmentType = settings.hlsSegmentType
        var settings = settings
        if epoch != nil { settings.hlsSegmentType = self.settings.hlsSegmentType }
        guard settings != self.settings else { return }
        self.settings = settings
        for subscriber in subscribers { subscriber.stream(self, applied: settings) }
    }

    private func change(to newEpoch: Epoch) {
        let isFirst = epoch == nil
        epoch = newEpoch
        settings.hlsSegmentType = wishedSegmentType
        noteCodecs()
        cache.removeAll()
        // Another publisher's encoder.
        pictureOrder = PictureOrder()
        pictureOrder.learn(tracks)
        if !isFirst { notify(.epochChanged(newEpoch)) }
        // Another owner's machine.
        learn(rungsGivenUp: [])
    }

    private func send(_ items: [StreamItem]) {
        guard !items.isEmpty else { return }
        if case .ended = phase { return }
        var bytes = 0
        for item in items {
            switch item {
            case .tracks(let tracks): learn(tracks)
            case .unit(let unit):
                bytes += unit.payload.readableBytes
                pictureOrder.append(unit)
            case .cut: break
            }
            cache.append(item)
        }
        byteCount.add(bytes, ordering: .relaxed)
        if bytes > 0, phase != .live {
            let wasInterrupted = phase == .interrupted
            phase = .live
            if wasInterrupted { notify(.resumed) }
        }
        for subscriber in subscribers { subscriber.stream(self, sent: items) }
    }

    private func learn(_ tracks: [Track]) {
        self.tracks = tracks
        pictureOrder.learn(tracks)
        noteCodecs()
        guard !tracks.isEmpty, !isServing else { return }
        serving.store(true, ordering: .releasing)
        onServing?()
    }

    private func noteCodecs() {
        let present = CarriedCodecs(tracks, segments: settings.hlsSegmentType)
        codecs.withLock { $0 = present }
    }

    private func notify(_ notice: StreamNotice) {
        for subscriber in subscribers { subscriber.stream(self, noticed: notice) }
    }
}
