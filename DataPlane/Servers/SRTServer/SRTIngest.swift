import Logging
import MPEGTS
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
    private var adapter = TSToStream()
    private var hasFailed = false
    private let unhandled = Atomic<Int>(0)

    init(
        publication: Publication,
        meters: SRTMeters,
        logger: Logger,
        onFault: @escaping @Sendable (TSError) -> Void
    ) {
        self.publication = publication
        self.meters = meters
        self.logger = logger
        self.onFault = onFault
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

    func end(isClean: Bool) {
        publication.stream.loop.execute {
            var batch: [IngestItem] = []
            self.adapter.finish(into: &batch)
            self.publication.deliver(batch)
            self.tellDamage()
            self.publication.end(isClean: isClean)
        }
    }

    private func handle(_ bytes: ByteBuffer) {
        guard !hasFailed else { return }
        var batch: [IngestItem] = []
        do throws(TSError) {
            for refusal in try adapter.take(bytes, into: &batch) {
                logger.notice("track left out", metadata: [LogKeys.reason: "\(refusal)"])
            }
        } catch {
            hasFailed = true
            onFault(error)
        }
        publication.deliver(batch)
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
