import ClusterModel
import Codecs
import Logging
import MediaModel
import NIOCore
import Observability
import RTP
package import Streams
import Synchronization
import Timebase
import Transcoding
import WebRTC

/// Serves one live stream to WebRTC players on any loops: each frame is cut into packets once, on the stream's loop, and
/// each batch handed once to every loop that has players.
///
/// `@unchecked Sendable`: touched on the stream's loop only, but for `add` and `remove`, which hop,
/// and `offer`, which a lock guards.
final class PeerOutlet: StreamSubscriber, @unchecked Sendable {
    private struct Room {
        var loop: any EventLoop
        var peers: [PeerConnection]
    }

    let stream: LiveStream
    private let limits: WebRTCLimits
    private let logger: Logger
    private var rooms: [ObjectIdentifier: Room] = [:]
    private var isSubscribed = false
    private var tracks: [Track] = []
    private var packetizers: [TrackID: Packetizer] = [:]
    /// Since the last keyframe; empty when it would be too much, until the next one.
    private var cached: [PacketizedFrame] = []
    private var cachedBytes = 0
    private var newestPicture: MediaTime?
    private let offered = Mutex(RenditionOffer())
    private var measuredSince: NIODeadline?
    private var measuredBytes = 0
    /// Whose datagrams go out by one system call: while they are in the cache, and before all others' are encrypted.
    private static let playersAtOnce = 16
    /// A GOP or more: keyframes are the most of a slow stream.
    private static let measureInterval = TimeAmount.seconds(4)
    /// Less tells nothing; the first figure may be that rough, as players on narrow paths wait for it.
    private static let measureIntervalMin = TimeAmount.seconds(1)

    init(stream: LiveStream, limits: WebRTCLimits, logger: Logger) {
        self.stream = stream
        self.limits = limits
        self.logger = logger
    }

    // MARK: Players, from their own loops

    func add(_ peer: PeerConnection) {
        stream.loop.execute {
            self.subscribe()
            let key = ObjectIdentifier(peer.loop)
            var room = self.rooms[key] ?? Room(loop: peer.loop, peers: [])
            room.peers.append(peer)
            self.rooms[key] = room
            // It may have ended while the player's keys were made.
            if case .ended = self.stream.phase { return peer.loop.execute { peer.ended(self) } }
            peer.loop.execute { [cached = self.cached] in peer.start(with: cached, of: self) }
        }
    }

    func remove(_ peer: PeerConnection) {
        stream.loop.execute {
            let key = ObjectIdentifier(peer.loop)
            self.rooms[key]?.peers.removeAll { $0 === peer }
            if self.rooms[key]?.peers.isEmpty == true { self.rooms[key] = nil }
            if self.rooms.isEmpty { self.unsubscribe() }
        }
    }

    // MARK: Stream

    func stream(_ stream: LiveStream, sent items: [StreamItem]) {
        var frames: [PacketizedFrame] = []
        for item in items {
            switch item {
            case .tracks(let changed):
                guard learn(changed) else { return closeAll("codec_changed") }
            case .unit(let unit):
                guard isInOrder(unit) else { return closeAll(UnplayableStream.reorderedPictures.label) }
                if let frame = packetize(unit) { frames.append(frame) }
            case .cut: break
            }
        }
        guard !frames.isEmpty else { return }
        measure(frames)
        for room in rooms.values {
            room.loop.execute { [frames] in self.send(frames, to: room.peers) }
        }
    }

    /// On their loop, whose socket they share.
    private func send(_ frames: [PacketizedFrame], to peers: [PeerConnection]) {
        for start in stride(from: 0, to: peers.count, by: Self.playersAtOnce) {
            let some = peers[start..<min(start + Self.playersAtOnce, peers.count)]
            for peer in some { peer.send(frames, of: self) }
            for peer in some { peer.flush() }
        }
    }

    func stream(_ stream: LiveStream, noticed notice: StreamNotice) {
        switch notice {
        case .epochChanged, .gap:
            (cached, cachedBytes) = ([], 0)
            for room in rooms.values { room.loop.execute { for peer in room.peers { peer.interrupt(self) } } }
        case .ended: closeAll("stream_ended")
        // The timeline goes on, and so do the players.
        case .outOfReach, .parentChanged, .pathChanged, .rungsGivenUp, .fenced, .interrupted, .resumed: break
        }
    }

    // MARK: Renditions

    /// From any thread.
    var offer: RenditionOffer { offered.withLock { $0 } }

    private func measure(_ frames: [PacketizedFrame]) {
        let now = stream.loop.now
        let since = measuredSince ?? now
        measuredSince = since
        measuredBytes += frames.reduce(0) { $0 + $1.payloadBytes }
        let isFirst = offer.bitsPerSecond == 0
        guard now - since >= (isFirst ? Self.measureIntervalMin : Self.measureInterval) else { return }
        offer(bitsPerSecond: measuredBytes * 8000 / Int((now - since).nanoseconds / 1_000_000))
        (measuredSince, measuredBytes) = (now, 0)
    }

    /// By what the stream has sent since its last keyframe, if that is long enough.
    private func measureCached(_ units: [AccessUnit]) {
        guard let first = units.first, let last = units.last else { return }
        let milliseconds = Int((last.decodeTime - first.decodeTime).milliseconds)
        guard milliseconds >= Int(Self.measureIntervalMin.nanoseconds / 1_000_000) else { return }
        offer(bitsPerSecond: units.dropLast().reduce(0) { $0 + $1.payload.readableBytes } * 8000 / milliseconds)
    }

    private func offer(bitsPerSecond: Int) {
        let rungs = rungs(beside: bitsPerSecond)
        offered.withLock { offer in
            offer.bitsPerSecond = bitsPerSecond
            offer.rungs = rungs
            offer.height = tracks.first { $0.kind == .video }?.codec.pictureSize?.height ?? 0
            offer.codec = tracks.first { $0.kind == .video }?.codec.name
        }
    }

    /// A publisher's own layers have their part of its bits by their pixels, whatever those pictures would need.
    private func rungs(beside bitsPerSecond: Int) -> [RenditionOffer.Rung] {
        // Rungs are not sliced.
        guard !stream.id.isSliced else { return [] }
        let size = tracks.first { $0.kind == .video }?.codec.pictureSize ?? (0, 0)
        let pixels = max(size.width * size.height, 1)
        return RenditionPlan(of: tracks, settings: stream.settings).renditions.map { rendition in
            let isPublished = rendition.layer != nil
            return RenditionOffer.Rung(
                name: rendition.name,
                height: rendition.size.height,
                bitsPerSecond: isPublished
                    ? bitsPerSecond * rendition.size.pixels / pixels
                    : rendition.videoBitsPerSecond + rendition.audioBitsPerSecond,
                isPublished: isPublished
            )
        }
    }

    // MARK: Parts

    /// An offset that is the same for all pictures, as some encoders have it, changes nothing.
    private func isInOrder(_ unit: AccessUnit) -> Bool {
        guard unit.track == .video else { return true }
        defer { newestPicture = unit.presentationTime }
        return newestPicture.map { unit.isKeyframe || unit.presentationTime >= $0 } ?? true
    }

    private func subscribe() {
        guard !isSubscribed else { return }
        isSubscribed = true
        let snapshot = stream.subscribe(self)
        _ = learn(snapshot.tracks.isEmpty ? stream.tracks : snapshot.tracks)
        var units: [AccessUnit] = []
        for item in snapshot.items {
            switch item {
            case .tracks(let changed): _ = learn(changed)
            case .unit(let unit): if packetize(unit) != nil { units.append(unit) }
            case .cut: break
            }
        }
        measureCached(units)
    }

    private func unsubscribe() {
        guard isSubscribed else { return }
        isSubscribed = false
        stream.unsubscribe(self)
        (packetizers, cached, cachedBytes, tracks) = ([:], [], 0, [])
        (measuredSince, measuredBytes) = (nil, 0)
    }

    /// False when a player would have to negotiate anew.
    private func learn(_ changed: [Track]) -> Bool {
        let names = { (tracks: [Track]) in Set(tracks.filter { $0.kind != .data }.map(\.codec.name)) }
        let isSame = tracks.isEmpty || names(tracks) == names(changed)
        let before = Dictionary(tracks.map { ($0.id, $0.codec) }) { first, _ in first }
        tracks = changed
        for track in changed where before[track.id] != track.codec || packetizers[track.id] == nil {
            let mode: H264PacketizationMode = stream.id.isSliced ? .singleNALUnit : .nonInterleaved
            packetizers[track.id] = try? Packetizer(track.codec, h264Mode: mode)
        }
        return isSame
    }

    private func packetize(_ unit: AccessUnit) -> PacketizedFrame? {
        // The source rendition; others have tracks of their own.
        guard unit.track == .video || unit.track == .audio, packetizers[unit.track] != nil else { return nil }
        var frame: PacketizedFrame
        do throws(RTPError) {
            guard let made = try packetizers[unit.track]?.packetize(unit) else { return nil }
            frame = made
        } catch {
            logger.debug("frame left out", metadata: [LogKeys.error: "\(error)"])
            return nil
        }
        frame.captureTime = unit.captureTime
        remember(frame)
        return frame
    }

    private func remember(_ frame: PacketizedFrame) {
        guard frame.track == .video else { return }
        if frame.isKeyframe {
            (cached, cachedBytes) = ([], 0)
        } else if cached.isEmpty {
            return
        }
        cachedBytes += frame.payloadBytes
        guard cachedBytes <= limits.cachedBytesMax else {
            (cached, cachedBytes) = ([], 0)
            return
        }
        cached.append(frame)
    }

    private func closeAll(_ reason: String) {
        WebRTCMeters.refused(reason)
        for room in rooms.values { room.loop.execute { for peer in room.peers { peer.ended(self) } } }
    }
}

/// The outlets of this node, by stream. From any thread.
package final class PeerOutletTable: Sendable {
    private let outlets = Mutex<[StreamID: PeerOutlet]>([:])

    package init() {}

    func outlet(for stream: LiveStream, limits: WebRTCLimits, logger: Logger) -> PeerOutlet {
        outlets.withLock { table in
            if let outlet = table[stream.id], outlet.stream === stream { return outlet }
            let outlet = PeerOutlet(stream: stream, limits: limits, logger: logger)
            table[stream.id] = outlet
            return outlet
        }
    }

    /// Forgets a stream that has ended on this node.
    package func remove(_ stream: LiveStream) {
        outlets.withLock { table in
            if table[stream.id]?.stream === stream { table[stream.id] = nil }
        }
    }
}
