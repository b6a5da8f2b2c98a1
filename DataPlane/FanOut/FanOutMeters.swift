import Metrics
import Observability
import Synchronization

/// What the lanes of one format count.
package final class FanOutMeters: Sendable {
    let sentBytes: Counter
    let skips: Counter
    let drops: Counter
    private let total: Atomic<Int>

    /// `name` is the value of the metrics' protocol label.
    package init(protocolName name: String) {
        sentBytes = MetricNames.egressBytes.counter(name)
        skips = MetricNames.viewerSkips.counter(name)
        drops = MetricNames.viewersDropped.counter(name, "too_slow")
        total = Atomic(0)
    }

    /// Bytes handed to sockets since the start.
    package var totalBytes: Int { total.load(ordering: .relaxed) }

    package func skipped() { skips.increment() }
    package func dropped() { drops.increment() }

    package func sent(_ bytes: Int) {
        guard bytes > 0 else { return }
        sentBytes.increment(by: bytes)
        total.add(bytes, ordering: .relaxed)
    }
}
