import NIOCore
import Timebase

/// Plays one rendition over HLS on one connection: reloads the playlist, held by the server where it offers that, and
/// fetches parts, or segments where there are none, in order from the live edge on.
final class HLSViewer: Viewer {
    private enum Asked {
        case playlist
        case map
        case object(Playlist.Object)
    }

    /// What a player of parts or segments may wait beyond the length of the one it plays.
    private static let stallMin = Duration.seconds(1)
    private static let bodyBytesMax = 64 << 20
    /// Between reloads that brought nothing although the server held them.
    private static let emptyReloadPause = Duration.milliseconds(100)

    private let target: PlayTarget
    private let meter: PlayMeter
    private let shared: SharedObjects
    private let openedAt: MonotonicInstant
    private var playlistPath: String
    private var http = HTTPWalker()
    private var asked = Asked.playlist
    private var keepsBody = true
    private var body = ByteBuffer()
    private var bodyBytes = 0
    private var playlist: Playlist?
    private var waiting: [Playlist.Object] = []
    private var last: Playlist.Object?
    private var hasMap = false
    private var reloadAt: MonotonicInstant?
    private var lastObjectAt: MonotonicInstant?
    private var firstStamp: SendStamp?
    private var lastStamp: SendStamp?
    private(set) var hasFirstFrame = false

    init(_ target: PlayTarget, meter: PlayMeter, shared: SharedObjects, openedAt now: MonotonicInstant) {
        self.target = target
        self.meter = meter
        self.shared = shared
        openedAt = now
        playlistPath = target.path
    }

    var stamps: (first: SendStamp, last: SendStamp)? {
        guard let firstStamp, let lastStamp else { return nil }
        return (firstStamp, lastStamp)
    }

    func windowBegins(at now: MonotonicInstant) {
        firstStamp = nil
        lastObjectAt = now
    }

    func windowEnds(at now: MonotonicInstant) { noteStall(at: now) }

    func begin(on connection: Connection, at now: MonotonicInstant) throws {
        try connection.enqueue(target.request(for: playlistPath))
    }

    func timePassed(on connection: Connection, at now: MonotonicInstant) throws {
        guard let due = reloadAt, now >= due else { return }
        reloadAt = nil
        try reload(on: connection)
    }

    func receive(_ bytes: borrowing Span<UInt8>, on connection: Connection, at now: MonotonicInstant) throws {
        var position = 0
        while let piece = try http.next(in: bytes, at: &position) {
            switch piece {
            case .head(let head):
                guard head.status == 200 else { throw ViewerFailure.refused("HTTP \(head.status)") }
                body.clear()
                bodyBytes = 0
            case .body(let range):
                bodyBytes += range.count
                guard keepsBody else { continue }
                guard bodyBytes <= Self.bodyBytesMax else { throw TornStream.badHTTP("a body of over 64 MiB") }
                bytes.extracting(range).withUnsafeBytes { _ = body.writeBytes($0) }
            case .end:
                try finish(at: now)
                try next(on: connection, at: now)
            }
        }
    }

    // MARK: Answers

    private func finish(at now: MonotonicInstant) throws {
        switch asked {
        case .playlist: take(shared.parse(body))
        case .map: hasMap = true
        case .object(let object): take(object, at: now)
        }
    }

    private func take(_ playlist: Playlist) {
        self.playlist = playlist
        if meter.isMeasuring { meter.playlistReloads += 1 }
        if let variant = playlist.variant {
            playlistPath = path(of: variant)
            return
        }
        if let last {
            let (next, hasGap) = playlist.objects(after: last)
            if hasGap, meter.isMeasuring { meter.sequenceGaps += 1 }
            waiting = next
        } else {
            // The newest point where decoding can start.
            let start = playlist.objects.lastIndex(where: \.isIndependent) ?? playlist.objects.endIndex
            waiting = Array(playlist.objects[start...])
        }
    }

    private func take(_ object: Playlist.Object, at now: MonotonicInstant) {
        if !hasFirstFrame {
            hasFirstFrame = true
            meter.firstFrame.record(now - openedAt)
        }
        noteStall(at: now)
        last = object
        lastObjectAt = now
        let stamp = shared.stamp(of: object.uri) ?? shared.lookForStamp(in: body, of: object.uri)
        guard meter.isMeasuring else { return }
        meter.bodyBytes += Int64(bodyBytes)
        guard let stamp else { return }
        meter.partDelay.record(now - stamp.sentAt)
        if firstStamp == nil { firstStamp = stamp }
        lastStamp = stamp
    }

    private func noteStall(at now: MonotonicInstant) {
        guard meter.isMeasuring, let lastObjectAt, let last else { return }
        if now - lastObjectAt > Self.stallMin + .seconds(last.durationSeconds) { meter.stalls += 1 }
    }

    // MARK: Requests

    private func next(on connection: Connection, at now: MonotonicInstant) throws {
        if !hasMap, let map = playlist?.map { return try ask(.map, for: map, on: connection) }
        if !waiting.isEmpty {
            let object = waiting.removeFirst()
            return try ask(.object(object), for: object.uri, on: connection)
        }
        guard let playlist, playlist.variant == nil else { return try reload(on: connection) }
        guard !playlist.isEnded else { throw ViewerFailure.closedByServer }
        if case .playlist = asked {
            // It brought nothing new.
            let pause = playlist.canBlockReload ? Self.emptyReloadPause : .seconds(playlist.targetDurationSeconds / 2)
            reloadAt = now + pause
        } else if playlist.canBlockReload {
            try reload(on: connection)
        } else {
            reloadAt = now + .seconds(playlist.targetDurationSeconds / 2)
        }
    }

    private func reload(on connection: Connection) throws {
        asked = .playlist
        keepsBody = true
        var fields = target.query.isEmpty ? [] : [target.query]
        if let last, playlist?.canBlockReload == true {
            fields.append("_HLS_msn=\(last.part == nil ? last.sequence + 1 : last.sequence)")
            if let part = last.part { fields.append("_HLS_part=\(part + 1)") }
        }
        try connection.enqueue(target.request(for: playlistPath, query: fields.joined(separator: "&")))
    }

    private func ask(_ what: Asked, for uri: String, on connection: Connection) throws {
        asked = what
        if case .object(let object) = what {
            keepsBody = shared.stamp(of: object.uri) == nil
        } else {
            keepsBody = false
        }
        try connection.enqueue(target.request(for: path(of: uri), query: ""))
    }

    /// Relative to the playlist. Absolute URLs are taken to be of the same server.
    private func path(of uri: String) -> String {
        if uri.hasPrefix("/") { return uri }
        if uri.hasPrefix("http://") {
            return "/" + uri.dropFirst(7).split(separator: "/").dropFirst().joined(separator: "/")
        }
        let folder = playlistPath.lastIndex(of: "/").map { playlistPath[...$0] } ?? "/"
        return folder + uri
    }
}
