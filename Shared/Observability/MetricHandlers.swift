import CoreMetrics
import Synchronization

/// A value that writes itself as lines of the text format.
protocol ExportedValue: AnyObject, Sendable {
    func write(_ name: String, _ labels: LabelSet, into text: inout String)
}

final class CounterValue: CounterHandler, ExportedValue {
    private let value = Atomic<Int64>(0)

    func increment(by amount: Int64) { value.wrappingAdd(amount, ordering: .relaxed) }
    func reset() { value.store(0, ordering: .relaxed) }

    func write(_ name: String, _ labels: LabelSet, into text: inout String) {
        text += "\(name)\(labels.text) \(value.load(ordering: .relaxed))\n"
    }
}

/// A `Double` others may add to at the same time.
private struct AtomicDouble: ~Copyable {
    private let bits = Atomic<UInt64>(0)

    var value: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }

    func store(_ value: Double) { bits.store(value.bitPattern, ordering: .relaxed) }

    func add(_ amount: Double) {
        var seen = bits.load(ordering: .relaxed)
        while true {
            let sum = (Double(bitPattern: seen) + amount).bitPattern
            let (exchanged, original) = bits.weakCompareExchange(expected: seen, desired: sum, ordering: .relaxed)
            if exchanged { return }
            seen = original
        }
    }
}

final class FloatingPointCounterValue: FloatingPointCounterHandler, ExportedValue {
    private let value = AtomicDouble()

    func increment(by amount: Double) { value.add(amount) }
    func reset() { value.store(0) }

    func write(_ name: String, _ labels: LabelSet, into text: inout String) {
        text += "\(name)\(labels.text) \(number(value.value))\n"
    }
}

/// swift-metrics has two faces for a gauge: a meter, and a recorder that does not aggregate.
final class GaugeValue: MeterHandler, RecorderHandler, ExportedValue {
    private let value = AtomicDouble()

    func set(_ value: Int64) { self.value.store(Double(value)) }
    func set(_ value: Double) { self.value.store(value) }
    func increment(by amount: Double) { value.add(amount) }
    func decrement(by amount: Double) { value.add(-amount) }
    func record(_ value: Int64) { set(value) }
    func record(_ value: Double) { set(value) }

    func write(_ name: String, _ labels: LabelSet, into text: inout String) {
        text += "\(name)\(labels.text) \(number(value.value))\n"
    }
}

final class HistogramValue: RecorderHandler, TimerHandler, ExportedValue {
    private struct Counts {
        var buckets: [UInt64]
        var count: UInt64 = 0
        var sum = 0.0
    }

    private let bounds: [Double]
    private let counts: Mutex<Counts>

    init(bounds: [Double]) {
        self.bounds = bounds
        counts = Mutex(Counts(buckets: Array(repeating: 0, count: bounds.count)))
    }

    func record(_ value: Int64) { record(Double(value)) }

    func record(_ value: Double) {
        let bucket = bounds.firstIndex { value <= $0 }
        counts.withLock { counts in
            if let bucket { counts.buckets[bucket] += 1 }
            counts.count += 1
            counts.sum += value
        }
    }

    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }

    func write(_ name: String, _ labels: LabelSet, into text: inout String) {
        let counts = counts.withLock { $0 }
        var below: UInt64 = 0
        for (bound, count) in zip(bounds, counts.buckets) {
            below += count
            text += "\(name)_bucket\(labels.with("le", number(bound))) \(below)\n"
        }
        text += "\(name)_bucket\(labels.with("le", "+Inf")) \(counts.count)\n"
        text += "\(name)_sum\(labels.text) \(number(counts.sum))\n"
        text += "\(name)_count\(labels.text) \(counts.count)\n"
    }
}

/// Numbers as the text format writes them; whole ones without a fraction.
func number(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    return Int64(exactly: value).map(String.init) ?? "\(value)"
}
