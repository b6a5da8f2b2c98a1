package import ClusterModel
package import Logging
import MediaModel
package import NIOCore
import NIOPosix
import Observability
package import Streams
import Synchronization
import Timebase
package import Transcoding

/// The newest still picture of each stream of this node whose app wants such.
package final class PreviewService: Sendable {
    /// Half the lines of 720p: a preview is shown small.
    private static let linesMax = 360

    private struct Entry {
        var tap: PreviewTap
        var picture: ByteBuffer?
    }

    private let codecs: any StillCodecs
    private let logger: Logger
    /// One picture at a time: they are decoded and encoded in a few milliseconds, and are worth no more.
    private let thread = NIOThreadPool(numberOfThreads: 1)
    private let entries = Mutex<[StreamID: Entry]>([:])

    package init(codecs: any StillCodecs, logger: Logger) {
        self.codecs = codecs
        self.logger = logger
        thread.start()
    }

    /// Takes a picture every so often, as the stream's settings say. On the stream's loop.
    package func watch(_ stream: LiveStream) {
        let tap: PreviewTap? = entries.withLock { entries in
            if let known = entries[stream.id], known.tap.stream === stream { return nil }
            let tap = PreviewTap(stream, service: self)
            entries[stream.id] = Entry(tap: tap)
            return tap
        }
        tap?.start()
    }

    /// On the stream's loop.
    package func drop(_ stream: LiveStream) {
        let entry = entries.withLock { entries -> Entry? in
            entries[stream.id]?.tap.stream === stream ? entries.removeValue(forKey: stream.id) : nil
        }
        entry?.tap.stop()
    }

    package func isWatching(_ stream: StreamID) -> Bool { entries.withLock { $0[stream] != nil } }

    /// JPEG.
    package func picture(of stream: StreamID) -> ByteBuffer? { entries.withLock { $0[stream]?.picture } }

    package func close() async { try? await thread.shutdownGracefully() }

    func make(_ keyframe: AccessUnit, _ codec: CodecParameters, for tap: PreviewTap) {
        thread.submit { _ in
            defer { tap.made() }
            do throws(CodecPortError) {
                let picture = try self.codecs.jpeg(of: keyframe, codec: codec, linesMax: Self.linesMax)
                self.entries.withLock { entries in
                    if entries[tap.stream.id]?.tap === tap { entries[tap.stream.id]?.picture = picture }
                }
            } catch {
                self.logger.debug(
                    "no preview",
                    metadata: [LogKeys.stream: "\(tap.stream.id)", LogKeys.error: "\(error)"]
                )
            }
        }
    }
}

/// Looks for keyframes whose time has come.
///
/// `@unchecked Sendable`: touched on the stream's loop only, but for `isBusy`.
final class PreviewTap: StreamSubscriber, @unchecked Sendable {
    let stream: LiveStream
    private let service: PreviewService
    private var codec: CodecParameters?
    private var video: TrackID?
    private var lastTime: MediaTime?
    private let isBusy = Atomic<Bool>(false)

    init(_ stream: LiveStream, service: PreviewService) {
        self.stream = stream
        self.service = service
    }

    func start() {
        let snapshot = stream.subscribe(self)
        take([.tracks(snapshot.items.isEmpty ? stream.tracks : snapshot.tracks)] + snapshot.items)
    }

    func stop() { stream.unsubscribe(self) }

    /// From any thread.
    func made() { isBusy.store(false, ordering: .releasing) }

    func stream(_ stream: LiveStream, sent items: [StreamItem]) { take(items) }

    func stream(_ stream: LiveStream, noticed notice: StreamNotice) {
        switch notice {
        case .ended, .fenced: service.drop(stream)
        case .epochChanged, .outOfReach, .parentChanged, .pathChanged, .rungsGivenUp, .interrupted, .resumed, .gap:
            break
        }
    }

    private func take(_ items: [StreamItem]) {
        for item in items {
            switch item {
            case .tracks(let tracks):
                let track = tracks.first { $0.kind == .video }
                (codec, video) = (track?.codec, track?.id)
            case .unit(let unit) where unit.isKeyframe && unit.track == video: take(unit)
            case .unit, .cut: break
            }
        }
    }

    private func take(_ keyframe: AccessUnit) {
        let interval = MediaTime(seconds: stream.settings.previewInterval)
        let isDue = lastTime.map { keyframe.decodeTime - $0 >= interval || keyframe.decodeTime < $0 } ?? true
        guard isDue, let codec, !isBusy.exchange(true, ordering: .acquiringAndReleasing) else { return }
        lastTime = keyframe.decodeTime
        service.make(keyframe, codec, for: self)
    }
}
