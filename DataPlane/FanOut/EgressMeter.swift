import Metrics
import Observability
import Synchronization

/// Counts what one protocol sends: for the metric, and for the node's load.
package final class EgressMeter: Sendable {
    private let counter: Counter
    private let total = Atomic<Int>(0)

    /// `name` is the value of the metric's protocol label.
    package init(protocolName name: String) { counter = MetricNames.egressBytes.counter(name) }

    /// Bytes handed to sockets since the start.
    package var totalBytes: Int { total.load(ordering: .relaxed) }

    /// Told once a batch or an answer, never once a packet.
    package func sent(_ bytes: Int) {
        guard bytes > 0 else { return }
        counter.increment(by: bytes)
        total.add(bytes, ordering: .relaxed)
    }
}
