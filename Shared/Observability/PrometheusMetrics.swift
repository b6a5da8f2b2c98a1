package import CoreMetrics
import Synchronization

/// What the exporter keeps at most.
package struct PrometheusLimits: Sendable {
    /// More label sets than this of one metric are a label that should not be one; they are summed up as `other`.
    package var labelSetsPerMetricMax = 1_000
    package var metricsMax = 1_000

    package init() {}
}

/// The metrics of a process in Prometheus' text format, version 0.0.4. Counting takes one atomic addition; only making
/// a metric and reading them all takes the lock.
package final class PrometheusMetrics: MetricsFactory {
    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    private struct Family {
        let metric: MetricName
        var values: [LabelSet: any ExportedValue] = [:]
    }

    private struct Registry {
        var families: [String: Family] = [:]
    }

    private let registry = Mutex(Registry())
    private let limits: PrometheusLimits
    private let known: [String: MetricName]
    private let labelSetsDropped = CounterValue()

    package init(limits: PrometheusLimits = .init(), names: [MetricName] = MetricNames.all) {
        self.limits = limits
        known = Dictionary(names.map { ($0.name, $0) }) { first, _ in first }
    }

    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        value(of: metric(label, .counter, suffix: "_total"), dimensions) { CounterValue() }
    }

    package func makeFloatingPointCounter(
        label: String,
        dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        value(of: metric(label, .counter, suffix: "_total"), dimensions) { FloatingPointCounterValue() }
    }

    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        value(of: metric(label, .gauge), dimensions) { GaugeValue() }
    }

    package func makeRecorder(
        label: String,
        dimensions: [(String, String)],
        aggregate: Bool
    ) -> any RecorderHandler {
        guard aggregate else { return value(of: metric(label, .gauge), dimensions) { GaugeValue() } }
        let metric = metric(label, .histogram)
        return value(of: metric, dimensions) { HistogramValue(bounds: metric.bounds) }
    }

    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        let metric = metric(label, .histogram, suffix: "_seconds")
        return value(of: metric, dimensions) { HistogramValue(bounds: metric.bounds) }
    }

    package func destroyCounter(_ handler: any CounterHandler) { remove(handler) }
    package func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) { remove(handler) }
    package func destroyMeter(_ handler: any MeterHandler) { remove(handler) }
    package func destroyRecorder(_ handler: any RecorderHandler) { remove(handler) }
    package func destroyTimer(_ handler: any TimerHandler) { remove(handler) }

    /// Everything as it stands now, with the figures of the process.
    package func render() -> String {
        var text = ""
        let families = registry.withLock { Array($0.families.values) }
        for family in families.sorted(by: { $0.metric.name < $1.metric.name }) where !family.values.isEmpty {
            writeHead(family.metric, into: &text)
            for (labels, value) in family.values.sorted(by: { $0.key.text < $1.key.text }) {
                value.write(family.metric.name, labels, into: &text)
            }
        }
        writeHead(MetricNames.labelSetsDropped, into: &text)
        labelSetsDropped.write(MetricNames.labelSetsDropped.name, LabelSet([]), into: &text)
        for (metric, value) in ProcessFigures.now() {
            writeHead(metric, into: &text)
            text += "\(metric.name) \(number(value))\n"
        }
        return text
    }

    private func writeHead(_ metric: MetricName, into text: inout String) {
        let help = String(metric.help.map { $0.isNewline ? " " : $0 })
        text += "# HELP \(metric.name) \(help)\n# TYPE \(metric.name) \(metric.kind.rawValue)\n"
    }

    /// The table's entry, or one made up for a metric of a library we use.
    private func metric(_ label: String, _ kind: MetricName.Kind, suffix: String = "") -> MetricName {
        if let metric = known[label] { return metric }
        var name = LabelSet.name(label)
        if !name.hasPrefix("millrace_") { name = "millrace_" + name }
        if !name.hasSuffix(suffix) { name += suffix }
        return MetricName(name, kind, bounds: MetricNames.seconds, help: "Reported by a library as \(label).")
    }

    private func value<Value: ExportedValue>(
        of metric: MetricName,
        _ dimensions: [(String, String)],
        make: () -> Value
    ) -> Value {
        registry.withLock { registry in
            var family = registry.families[metric.name] ?? Family(metric: metric)
            var labels = LabelSet(dimensions)
            if family.values[labels] == nil, family.values.count >= limits.labelSetsPerMetricMax {
                labels = .other(dimensions)
                labelSetsDropped.increment(by: 1)
            }
            if let value = family.values[labels] as? Value { return value }
            let value = make()
            // A second kind under one name, or a name too many, works but is not exported.
            let isFull = registry.families[metric.name] == nil && registry.families.count >= limits.metricsMax
            guard family.values[labels] == nil, family.metric.kind == metric.kind, !isFull else { return value }
            family.values[labels] = value
            registry.families[metric.name] = family
            return value
        }
    }

    private func remove(_ handler: AnyObject) {
        registry.withLock { registry in
            for name in registry.families.keys {
                let gone = registry.families[name]?.values.first { $0.value === handler }?.key
                if let gone { registry.families[name]?.values[gone] = nil }
            }
        }
    }
}
