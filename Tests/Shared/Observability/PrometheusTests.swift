import CoreMetrics
import Observability
import Testing

@Suite struct PrometheusTests {
    @Test func `a counter, a gauge and a histogram are written with help and type`() {
        let metrics = PrometheusMetrics()
        metrics.makeCounter(label: "millrace_ingest_bytes_total", dimensions: [("protocol", "rtmp")]).increment(by: 7)
        metrics.makeMeter(label: "millrace_viewers", dimensions: [("protocol", "hls")]).set(2.5)
        let timer = metrics.makeTimer(label: "millrace_store_operation_seconds", dimensions: [("operation", "claim")])
        timer.recordNanoseconds(2_000_000)
        timer.recordNanoseconds(60_000_000_000)
        let text = metrics.render()
        #expect(text.contains("# TYPE millrace_ingest_bytes_total counter\n"))
        #expect(text.contains("# HELP millrace_ingest_bytes_total Media bytes received.\n"))
        #expect(text.contains("millrace_ingest_bytes_total{protocol=\"rtmp\"} 7\n"))
        #expect(text.contains("millrace_viewers{protocol=\"hls\"} 2.5\n"))
        let name = "millrace_store_operation_seconds"
        #expect(text.contains("\(name)_bucket{operation=\"claim\",le=\"0.001\"} 0\n"))
        #expect(text.contains("\(name)_bucket{operation=\"claim\",le=\"0.0025\"} 1\n"))
        #expect(text.contains("\(name)_bucket{operation=\"claim\",le=\"10\"} 1\n"))
        #expect(text.contains("\(name)_bucket{operation=\"claim\",le=\"+Inf\"} 2\n"))
        #expect(text.contains("\(name)_sum{operation=\"claim\"} 60.002\n"))
        #expect(text.contains("\(name)_count{operation=\"claim\"} 2\n"))
        #expect(text.contains("process_resident_memory_bytes "))
    }

    @Test func `the same name and labels are the same value, in any order`() {
        let metrics = PrometheusMetrics()
        metrics.makeCounter(label: "c_total", dimensions: [("a", "1"), ("b", "2")]).increment(by: 1)
        metrics.makeCounter(label: "c_total", dimensions: [("b", "2"), ("a", "1")]).increment(by: 1)
        #expect(metrics.render().contains("millrace_c_total{a=\"1\",b=\"2\"} 2\n"))
    }

    @Test func `label values cannot break out of their line`() {
        let metrics = PrometheusMetrics()
        metrics.makeCounter(label: "c", dimensions: [("bad-name", "a\"b\\c\nd")]).increment(by: 1)
        #expect(metrics.render().contains("millrace_c_total{bad_name=\"a\\\"b\\\\c\\nd\"} 1\n"))
    }

    @Test func `label sets beyond the limit are summed up as other`() {
        var limits = PrometheusLimits()
        limits.labelSetsPerMetricMax = 2
        let metrics = PrometheusMetrics(limits: limits)
        for id in 0..<10 {
            metrics.makeCounter(label: "c_total", dimensions: [("id", "\(id)")]).increment(by: 1)
        }
        let text = metrics.render()
        #expect(text.contains("millrace_c_total{id=\"1\"} 1\n"))
        #expect(!text.contains("id=\"2\""))
        #expect(text.contains("millrace_c_total{id=\"other\"} 8\n"))
        #expect(text.contains("millrace_metric_label_sets_dropped_total 8\n"))
    }

    @Test func `a destroyed value is no longer written`() {
        let metrics = PrometheusMetrics()
        let gauge = metrics.makeMeter(label: "millrace_viewers", dimensions: [("protocol", "rtmp")])
        metrics.destroyMeter(gauge)
        #expect(!metrics.render().contains("millrace_viewers"))
    }

    @Test func `additions from many tasks all count`() async {
        let metrics = PrometheusMetrics()
        let counter = metrics.makeCounter(label: "c_total", dimensions: [])
        let meter = metrics.makeMeter(label: "g", dimensions: [])
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<1_000 {
                        counter.increment(by: 1)
                        meter.increment(by: 0.5)
                    }
                }
            }
        }
        let text = metrics.render()
        #expect(text.contains("millrace_c_total 8000\n"))
        #expect(text.contains("millrace_g 4000\n"))
    }

    @Test func `every name in the table is unique, prefixed and has a unit that fits its kind`() {
        let names = MetricNames.all.map(\.name)
        #expect(Set(names).count == names.count)
        for metric in MetricNames.all {
            #expect(metric.name.hasPrefix("millrace_") || metric.name.hasPrefix("process_"))
            #expect((metric.kind == .counter) == metric.name.hasSuffix("_total"), "\(metric.name)")
            #expect((metric.kind == .histogram) == !metric.bounds.isEmpty, "\(metric.name)")
            #expect(metric.help.hasSuffix("."), "\(metric.name)")
            #expect(metric.bounds == metric.bounds.sorted(), "\(metric.name)")
        }
    }
}
