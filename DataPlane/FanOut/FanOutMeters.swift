import Metrics
import Observability

/// What the lanes of one format count.
package final class FanOutMeters: Sendable {
    package let egress: EgressMeter
    let skips: Counter
    let drops: Counter

    /// `name` is the value of the metrics' protocol label.
    package init(protocolName name: String) {
        egress = EgressMeter(protocolName: name)
        skips = MetricNames.viewerSkips.counter(name)
        drops = MetricNames.viewersDropped.counter(name, "too_slow")
    }

    package func skipped() { skips.increment() }
    package func dropped() { drops.increment() }
    package func sent(_ bytes: Int) { egress.sent(bytes) }
}
