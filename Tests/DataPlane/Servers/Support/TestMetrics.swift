import Metrics
import Observability

/// The metrics of the test process. All suites count into them, so a test may only ask whether a counter has grown.
enum TestMetrics {
    static let shared: PrometheusMetrics = {
        let metrics = PrometheusMetrics()
        MetricsSystem.bootstrap(metrics)
        return metrics
    }()

    /// The value of a counter with these label values; 0 while it has none.
    static func value(_ metric: MetricName, _ labels: String...) -> Int {
        let line = shared.render().split(separator: "\n").first { line in
            line.hasPrefix("\(metric.name){") && labels.allSatisfy { line.contains("=\"\($0)\"") }
        }
        return line?.split(separator: " ").last.flatMap { Int($0) } ?? 0
    }
}
