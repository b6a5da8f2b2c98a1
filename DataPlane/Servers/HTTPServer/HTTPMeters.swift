import Metrics
import Observability

/// What the HTTP connections of a worker count.
package struct HTTPMeters: Sendable {
    func refused(_ reason: String) { MetricNames.connectionsRefused.counter("http", reason).increment() }
    func badRequest(_ reason: String) { MetricNames.protocolErrors.counter("http", reason).increment() }

    package init() {}
}
