package import ClusterModel
import DASH
import FMP4
import Foundation
package import HLS
package import MediaModel
import Metrics
import NIOCore
import NIOHTTP1
import Observability
package import Streams
import Synchronization
import Timebase

/// One stream packaged as HLS on this node: playlists, objects, and the requests that wait for them.
///
/// It packages while players ask here or a child node needs older segments, and keeps what it has for a while after the
/// stream's end. `@unchecked Sendable`: touched on the stream's loop, but for `serve`, which hops, and `fetches`.
package final class HLSStream: StreamSubscriber, StreamObjects, @unchecked Sendable {
    private struct Waiting {
        var ask: HLSAsk
        var request: PlayRequest
        var deadline: NIODeadline
        var answer: @Sendable (MediaResponse) -> Void
    }

    private static let segments = MetricNames.segmentsCut.counter()

    package let stream: LiveStream
    private let limits: HLSLimits
    private let onIdle: @Sendable (HLSStream) -> Void

    private var rendition: LiveRendition?
    private let indexAsk = SegmentIndexAsk()
    private var playlists = PlaylistCache()
    private var waiting: [Waiting] = []
    private var fetching: [String: [@Sendable (ObjectAnswer) -> Void]] = [:]
    private var lastRequest = NIODeadline.now()
    private var wantsObjects = false
    private var idleCheck: RepeatedTask?
    private var endedAt: NIODeadline?
    private let fetchCounts = Mutex(FetchCounter())

    init(stream: LiveStream, limits: HLSLimits, onIdle: @escaping @Sendable (HLSStream) -> Void) {
        self.stream = stream
        self.limits = limits
        self.onIdle = onIdle
    }

    package var fetches: [SegmentFetches] { fetchCounts.withLock { $0.report } }

    // MARK: Requests

    func serve(
        _ ask: HLSAsk,
        _ request: PlayRequest,
        connection: ObjectIdentifier,
        _ answer: @escaping @Sendable (MediaResponse) -> Void
    ) {
        stream.loop.execute {
            self.lastRequest = .now()
            self.start()
            self.wantObjectsAgain()
            self.count(ask, by: connection)
            let waiting = Waiting(
                ask: ask,
                request: request,
                deadline: self.lastRequest + self.limits.firstSegmentTimeout,
                answer: answer
            )
            self.consider(waiting)
        }
    }

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
        for held in waiting { held.answer(.refusal(refusal ?? .unknownStream(stream.id))) }
        waiting = []
        onIdle(self)
    }

    // MARK: Deciding

    private enum Verdict {
        case answer(MediaResponse)
        case wait(atMost: TimeAmount?)
        case fetch(ObjectName)
    }

    private func consider(_ held: Waiting) {
        switch verdict(on: held.ask, held.request) {
        case .answer(let response): held.answer(response)
        case .wait(let limit):
            guard waiting.count < limits.waitingMax else {
                return held.answer(.refusal(.overloaded("too many held requests")))
            }
            var held = held
            if let limit { held.deadline = .now() + limit }
            waiting.append(held)
        case .fetch(let name): fetch(name, for: held)
        }
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
        for one in late { one.answer(.refusal(.unavailable("nothing new came from the stream in time"))) }
    }

    private func verdict(on ask: HLSAsk, _ request: PlayRequest) -> Verdict {
        guard let rendition else { return .answer(.refusal(.unknownStream(stream.id))) }
        switch ask {
        case .object(let text):
            guard let name = ObjectName(text) else { return .answer(notAnObject(text)) }
            return verdict(on: name, rendition)
        case .mediaPlaylist(let query):
            guard isListable(rendition) else { return .wait(atMost: nil) }
            return verdict(on: query, rendition)
        case .multivariantPlaylist(let query):
            guard isListable(rendition) else { return .wait(atMost: nil) }
            let index = rendition.listed.index
            let variants = MultivariantPlaylist.variants(of: stream, index: index)
            return .answer(.playlist(MultivariantPlaylist.render(variants, token: query.token), maxAge: 2))
        case .mediaPresentation(let query):
            guard isListable(rendition) else { return .wait(atMost: nil) }
            guard rendition.listed.index.settings.container == .fragmentedMP4 else { return .answer(noDASH) }
            let presentation = MediaPresentation(
                index: rendition.listed.index,
                rendition: stream.id.renditionName,
                variant: .init(uri: "", index: rendition.listed.index, tracks: stream.tracks),
                tracks: stream.tracks
            )
            let now = WallTime(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
            return .answer(.presentation(presentation.render(at: now, token: query.token)))
        }
    }

    private func isListable(_ rendition: LiveRendition) -> Bool {
        !indexAsk.holdsPlaylists && rendition.listed.isPlayable
    }

    private func verdict(on query: MediaQuery, _ rendition: LiveRendition) -> Verdict {
        let reload: BlockingReload
        do throws(BlockingReload.Failure) {
            reload = try BlockingReload(query)
        } catch {
            return .answer(.problem(Problem(.badRequest, status: 400, title: "Bad request", detail: error.description)))
        }
        let window = rendition.listed
        switch reload.decide(window) {
        case .answer:
            let body = playlists.body(of: window, stream: stream, skip: reload.skip, token: query.token)
            // A blocked answer is the same for ever; a plain one is old with the next part.
            return .answer(.playlist(body, maxAge: reload.sequence == nil ? 1 : 6))
        case .wait(let limit): return .wait(atMost: .nanoseconds(limit.nanoseconds))
        case .refuseTooFarAhead:
            let detail =
                "_HLS_msn is too far ahead: the newest segment is \(window.nextSequence); reload the playlist without it"
            return .answer(.problem(Problem(.badRequest, status: 400, title: "Bad request", detail: detail)))
        }
    }

    private func verdict(on name: ObjectName, _ rendition: LiveRendition) -> Verdict {
        let whole = name.component?.whole ?? name
        guard !indexAsk.holdsPlaylists else { return .wait(atMost: nil) }
        return switch rendition.object(whole) {
        case .bytes(let pieces): .answer(object(pieces, name))
        case .unknown, .expired: .answer(notAnObject(name.description))
        case .notYet, .newerEpoch: endedAt == nil ? .wait(atMost: nil) : .answer(notAnObject(name.description))
        case .fetchFromParent: stream.upstream == nil ? .answer(notAnObject(name.description)) : .fetch(whole)
        }
    }

    /// What `name` asks for of a whole object.
    private func object(_ pieces: [ByteBuffer], _ name: ObjectName) -> MediaResponse {
        guard let component = name.component?.component else { return .object(pieces, name) }
        let track = stream.tracks.first { $0.kind == component.kind }.flatMap(MP4Track.init)
        let parts = pieces.compactMap { piece in
            track.flatMap { TrackExtraction.extract(track: $0.number, from: piece) }
        }
        return parts.count == pieces.count ? .object(parts, name) : notAnObject(name.description)
    }

    private var noDASH: MediaResponse {
        let detail = "the segments of \(stream.id.app) are MPEG-TS: set its hlsSegmentType to fmp4, or play HLS"
        return .problem(Problem(.notFound, status: 404, title: "Not found", detail: detail))
    }

    private func notAnObject(_ name: String) -> MediaResponse {
        let detail = "there is no object '\(name.prefix(200))' of \(stream.id): take names from the playlist"
        return .problem(Problem(.notFound, status: 404, title: "Not found", detail: detail))
    }

    // MARK: Objects this node cannot make

    private func fetch(_ name: ObjectName, for held: Waiting) {
        fetch(name) { answer in
            switch answer {
            case .bytes(let pieces):
                guard case .object(let text) = held.ask, let asked = ObjectName(text) else { return }
                held.answer(self.object(pieces, asked))
            case .missing: held.answer(self.notAnObject(name.description))
            }
        }
    }

    /// One request to the parent, however many wait for it.
    private func fetch(_ name: ObjectName, _ answer: @escaping @Sendable (ObjectAnswer) -> Void) {
        let key = name.description
        let isFirst = fetching[key] == nil
        fetching[key, default: []].append(answer)
        guard isFirst else { return }
        guard let upstream = stream.upstream else { return finishFetch(key, .missing) }
        upstream.fetch(object: key) { answer in
            if case .bytes(let pieces) = answer {
                var whole = ByteBuffer()
                for piece in pieces { whole.writeImmutableBuffer(piece) }
                _ = self.rendition?.insert(fetched: name, whole)
            }
            self.finishFetch(key, answer)
        }
    }

    private func finishFetch(_ key: String, _ answer: ObjectAnswer) {
        for waiter in fetching.removeValue(forKey: key) ?? [] { waiter(answer) }
    }

    // MARK: StreamObjects, for child nodes

    package func object(named text: String, _ answer: @escaping @Sendable (ObjectAnswer) -> Void) {
        guard let rendition else { return answer(.missing) }
        guard text != SegmentIndexAsk.objectName else { return indexAsk.whenAnswered { answer(self.encodedIndex) } }
        guard let name = ObjectName(text) else { return answer(.missing) }
        switch rendition.object(name) {
        case .bytes(let pieces): answer(.bytes(pieces))
        case .fetchFromParent where stream.upstream != nil: fetch(name, answer)
        case .fetchFromParent, .unknown, .expired, .notYet, .newerEpoch: answer(.missing)
        }
    }

    private var encodedIndex: ObjectAnswer {
        guard let rendition else { return .missing }
        var bytes = ByteBuffer()
        rendition.index.encode(into: &bytes)
        return .bytes([bytes])
    }

    // MARK: The parent's index

    /// Asks the parent which segments there are beside those that came by here.
    private func askForIndex(holdsPlaylists: Bool) {
        guard let upstream = stream.upstream else { return }
        let number = indexAsk.begin(holdsPlaylists: holdsPlaylists, until: .now() + limits.indexTimeout)
        rendition?.expectIndex()
        upstream.fetch(object: SegmentIndexAsk.objectName) { answer in
            guard case .bytes(let pieces) = answer else { return self.indexCame(nil, askedAs: number) }
            let bytes = pieces.reduce(into: ByteBuffer()) { $0.writeImmutableBuffer($1) }
            self.indexCame(try? SegmentIndex(decoding: bytes), askedAs: number)
        }
    }

    private func indexCame(_ index: SegmentIndex?, askedAs number: Int) {
        guard indexAsk.isUnderWay(number) else { return }
        rendition?.adopt(index)
        indexAsk.end()
        versionChanged()
    }

    /// Once a segment: a parent that lacks them too may have them by the next.
    private func askForWhatIsLacking() {
        guard let rendition, rendition.lacksSegments, !indexAsk.isUnderWay, endedAt == nil,
            indexAsk.isFirst(for: rendition.version)
        else { return }
        askForIndex(holdsPlaylists: false)
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
        case .interrupted, .resumed, .fenced, .outOfReach, .pathChanged: return
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

    private func versionChanged() {
        playlists.removeAll()
        wakeWaiting()
    }

    private func count(_ ask: HLSAsk, by connection: ObjectIdentifier) {
        switch ask {
        case .mediaPresentation: fetchCounts.withLock { $0.asksForDASH(connection) }
        case .object(let name): count(name, by: connection)
        case .mediaPlaylist, .multivariantPlaylist: break
        }
    }

    /// Only what the playlist can name counts: a made-up number would hide the real ones behind it.
    private func count(_ text: String, by connection: ObjectIdentifier) {
        guard let name = ObjectName(text), name.component?.component != .audio, let window = rendition?.listed,
            name.epoch == window.index.epoch
        else { return }
        switch name.kind {
        case .segment(let sequence), .part(let sequence, _):
            guard sequence <= window.nextSequence else { return }
            fetchCounts.withLock { $0.count(sequence, by: connection) }
        case .initialization: return
        }
    }
}

/// Playlists of the version at hand, rendered once for all who ask without a token of their own.
private struct PlaylistCache {
    private var plain: ByteBuffer?
    private var skipping: ByteBuffer?

    mutating func removeAll() {
        plain = nil
        skipping = nil
    }

    /// On the stream's loop.
    mutating func body(of window: SegmentWindow, stream: LiveStream, skip: Bool, token: String?) -> ByteBuffer {
        if token == nil, let cached = skip ? skipping : plain { return cached }
        let playlist = MediaPlaylist(
            index: window.index,
            streamID: stream.id.objectFolder,
            rendition: stream.id.renditionName,
            siblings: stream.siblingPlaylists
        )
        let body = playlist.render(skip: skip, token: token)
        guard token == nil else { return body }
        if skip { skipping = body } else { plain = body }
        return body
    }
}

/// Counts each segment's fetches, once per connection, for the newest few segments (contract §4.8).
private struct FetchCounter {
    private static let segmentsMax = 4
    /// Above what one loop serves; those forgotten count for HLS until they ask for the description again.
    private static let presentationsMax = 20_000
    private var connections: [(sequence: UInt64, seen: Set<ObjectIdentifier>)] = []
    /// Connections that asked for DASH's description: the segments alone do not tell.
    private var presentations: Set<ObjectIdentifier> = []

    mutating func asksForDASH(_ connection: ObjectIdentifier) {
        if presentations.count >= Self.presentationsMax { presentations.removeAll() }
        presentations.insert(connection)
    }

    mutating func count(_ sequence: UInt64, by connection: ObjectIdentifier) {
        if let index = connections.firstIndex(where: { $0.sequence == sequence }) {
            connections[index].seen.insert(connection)
        } else if sequence > connections.last?.sequence ?? 0 || connections.isEmpty {
            connections.append((sequence, [connection]))
            if connections.count > Self.segmentsMax { connections.removeFirst() }
        }
    }

    var report: [SegmentFetches] {
        connections.map { segment in
            let dash = segment.seen.intersection(presentations).count
            return SegmentFetches(sequence: segment.sequence, hls: segment.seen.count - dash, dash: dash)
        }
    }
}

extension MediaResponse {
    fileprivate static func playlist(_ body: ByteBuffer, maxAge: Int) -> MediaResponse {
        MediaResponse(
            status: .ok,
            headers: ["content-type": "application/vnd.apple.mpegurl", "cache-control": "public, max-age=\(maxAge)"],
            body: [body]
        )
    }

    /// It tells the time of day: no cache may keep it.
    fileprivate static func presentation(_ body: ByteBuffer) -> MediaResponse {
        MediaResponse(
            status: .ok,
            headers: ["content-type": "application/dash+xml", "cache-control": "no-cache"],
            body: [body]
        )
    }

    fileprivate static func object(_ pieces: [ByteBuffer], _ name: ObjectName) -> MediaResponse {
        let type =
            switch name.container {
            case .fragmentedMP4: "video/mp4"
            case .transportStream: "video/mp2t"
            }
        return MediaResponse(
            status: .ok,
            headers: ["content-type": type, "cache-control": "public, max-age=31536000, immutable"],
            body: pieces
        )
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

extension BlockingReload {
    fileprivate init(_ query: MediaQuery) throws(Failure) { try self.init(query: query.directives) }
}
