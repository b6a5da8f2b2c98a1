import Logging
import MPEGTS
import MediaModel
import Metrics
import NIOCore
import Observability
import Streams
import Synchronization

/// One SRT publisher's bytes on their way into its stream. The stream's loop reads them.
///
/// `@unchecked Sendable`: `adapter` and what goes with it are touched on the stream's loop only.
final class SRTIngest: @unchecked Sendable {
    private let publication: Publication
    private let meters: SRTMeters
    private let logger: Logger
    private let onFault: @Sendable (TSError) -> Void
    private let onLeave: @Sendable () -> Void
    private var adapter = TSToStream()
    private var tracks: [Track] = []
    /// Nothing more is taken: the bytes cannot be read, or the publisher has been closed before its keyframe.
    private var isOver = false
    private var leavesAtKeyframe = false
    private let unhandled = Atomic<Int>(0)

    init(
        publication: Publication,
        meters: SRTMeters,
        logger: Logger,
        onFault: @escaping @Sendable (TSError) -> Void,
        onLeave: @escaping @Sendable () -> Void
    ) {
        self.publication = publication
        self.meters = meters
        self.logger = logger
        self.onFault = onFault
        self.onLeave = onLeave
    }

    /// Returns how many bytes the loop has not handled yet.
    func take(_ bytes: ByteBuffer) -> Int {
        let count = bytes.readableBytes
        meters.ingestBytes.increment(by: count)
        let waiting = unhandled.wrappingAdd(count, ordering: .relaxed).newValue
        publication.stream.loop.execute {
            self.handle(bytes)
            self.unhandled.wrappingSubtract(count, ordering: .relaxed)
        }
        return waiting
    }

    /// Runs `body` once all that was taken so far is handled.
    func whenHandled(_ body: @escaping @Sendable () -> Void) { publication.stream.loop.execute(body) }

    /// Takes what comes before the next keyframe, then calls `onLeave`.
    func leaveAtKeyframe() { publication.stream.loop.execute { self.leavesAtKeyframe = true } }

    func end(isClean: Bool) {
        publication.stream.loop.execute {
            if !self.isOver {
                var batch: [IngestItem] = []
                self.adapter.finish(into: &batch)
                self.deliver(batch)
            }
            self.tellDamage()
            self.publication.end(isClean: isClean)
        }
    }

    private func handle(_ bytes: ByteBuffer) {
        guard !isOver else { return }
        var batch: [IngestItem] = []
        do throws(TSError) {
            for refusal in try adapter.take(bytes, into: &batch) {
                logger.notice("track left out", metadata: [LogKeys.reason: "\(refusal)"])
            }
        } catch {
            isOver = true
            onFault(error)
        }
        deliver(batch)
    }

    private func deliver(_ batch: [IngestItem]) {
        let end = batch.firstIndex { isLeavingPoint($0) } ?? batch.endIndex
        publication.deliver(Array(batch[..<end]))
        guard end < batch.endIndex, !isOver else { return }
        isOver = true
        onLeave()
    }

    /// Where a publisher that is to leave does; without pictures, at its next frame. Keeps the tracks, too.
    private func isLeavingPoint(_ item: IngestItem) -> Bool {
        switch item {
        case .tracks(let newest):
            tracks = newest
            return false
        case .unit(let unit, _):
            guard leavesAtKeyframe else { return false }
            let video = tracks.filter { $0.kind == .video }
            return video.isEmpty || unit.isKeyframe && video.contains { $0.id == unit.track }
        case .layer: return false
        }
    }

    private func tellDamage() {
        let statistics = adapter.statistics
        guard statistics.continuityErrors > 0 || statistics.resyncs > 0 else { return }
        logger.notice(
            "transport stream was damaged on its way",
            metadata: [
                "continuityErrors": "\(statistics.continuityErrors)", "resyncs": "\(statistics.resyncs)",
                "damagedUnits": "\(statistics.damagedUnits)",
            ]
        )
    }
}
