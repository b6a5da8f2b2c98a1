import FanOut
import MediaModel
import NIOCore
import RTMP
import RTMPServer
import Streams
import Timebase

/// Sends one live stream to a server outside of the cluster, over RTMP.
///
/// A server that does not take what is sent is skipped ahead to a keyframe; one that takes nothing for long is given up.
/// `@unchecked Sendable`: touched on the stream's loop only.
final class RTMPPush: RTMPLink.User, StreamSubscriber, @unchecked Sendable {
    private static let stallMax = TimeAmount.seconds(10)

    private let stream: LiveStream
    private let egress: EgressMeter
    private let onMedia: @Sendable () -> Void
    private let onEnd: @Sendable (LinkEnd) -> Void
    private var format = RTMPFormat()
    private var link: RTMPLink?
    private var tracks: [Track] = []
    /// The server's stream begins at zero here.
    private var base: MediaTime?
    /// Nothing is sent until an item that a player can start with.
    private var isSkipping = true
    private var stalledSince: NIODeadline?
    private var isStopped = false
    private var fault: String?
    /// Since the meter was last told.
    private var uncountedBytes = 0

    init(
        _ stream: LiveStream,
        egress: EgressMeter,
        onMedia: @escaping @Sendable () -> Void,
        onEnd: @escaping @Sendable (LinkEnd) -> Void
    ) {
        self.stream = stream
        self.egress = egress
        self.onMedia = onMedia
        self.onEnd = onEnd
    }

    /// From any thread.
    func stop() {
        stream.loop.execute {
            self.isStopped = true
            self.link?.finish()
        }
    }

    // MARK: Link

    func linkStarted(_ link: RTMPLink) {
        self.link = link
        if isStopped { return link.finish() }
        if case .ended = stream.phase { return link.finish() }
        let snapshot = stream.subscribe(self)
        take([.tracks(snapshot.items.isEmpty ? stream.tracks : snapshot.tracks)] + snapshot.items)
    }

    func link(_ link: RTMPLink, received message: MediaMessage) {}
    func linkRead(_ link: RTMPLink) {}
    func linkCanWrite(_ link: RTMPLink) { stalledSince = nil }

    func link(_ link: RTMPLink, ended end: LinkEnd) {
        stream.unsubscribe(self)
        self.link = nil
        onEnd(fault.map { .failed($0) } ?? end)
    }

    // MARK: StreamSubscriber

    func stream(_ stream: LiveStream, sent items: [StreamItem]) { take(items) }

    func stream(_ stream: LiveStream, noticed notice: StreamNotice) {
        switch notice {
        case .ended, .fenced: link?.finish()
        case .gap: isSkipping = true
        case .epochChanged, .outOfReach, .parentChanged, .pathChanged, .rungsGivenUp, .interrupted, .resumed: break
        }
    }

    private func take(_ items: [StreamItem]) {
        guard let link else { return }
        for item in items { send(item, over: link) }
        link.flush()
        egress.sent(uncountedBytes)
        uncountedBytes = 0
    }

    private func send(_ item: StreamItem, over link: RTMPLink) {
        if case .tracks(let newest) = item { tracks = newest }
        guard let pieces = format.pieces(for: placed(item)) else { return }
        if case .tracks = item {
            if !isSkipping { write(pieces, to: link) }
            return
        }
        guard link.isWritable else { return skip(link) }
        if isSkipping {
            guard format.isStart(item) else { return }
            isSkipping = false
            write(format.prelude(tracks: tracks), to: link)
            onMedia()
        }
        write(pieces, to: link)
    }

    private func write(_ pieces: [ByteBuffer], to link: RTMPLink) {
        link.write(pieces)
        uncountedBytes += pieces.reduce(0) { $0 + $1.readableBytes }
    }

    private func skip(_ link: RTMPLink) {
        isSkipping = true
        let since = stalledSince ?? .now()
        stalledSince = since
        guard NIODeadline.now() - since > Self.stallMax else { return }
        fault = "the server took nothing for \(Self.stallMax.nanoseconds / 1_000_000_000) s"
        link.finish()
    }

    /// Times count from the first item sent: servers take a large first timestamp for a hole.
    private func placed(_ item: StreamItem) -> StreamItem {
        guard case .unit(var unit) = item else { return item }
        if base == nil, format.isStart(item) { base = unit.decodeTime }
        guard let base else { return item }
        unit.decodeTime = max(.zero, unit.decodeTime - base)
        return .unit(unit)
    }
}
