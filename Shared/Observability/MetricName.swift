package import Metrics

/// A metric we export: its name, what it counts, and how.
package struct MetricName: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable {
        case counter
        case gauge
        case histogram
    }

    package let name: String
    package let kind: Kind
    package let help: String
    package let labels: [String]
    /// Upper bounds of a histogram's buckets, in the unit the name ends with.
    package let bounds: [Double]

    init(_ name: String, _ kind: Kind, _ labels: [String] = [], bounds: [Double] = [], help: String) {
        self.name = name
        self.kind = kind
        self.labels = labels
        self.bounds = bounds
        self.help = help
    }

    package func counter(_ values: String...) -> Counter {
        Counter(label: name, dimensions: dimensions(values, .counter))
    }

    package func gauge(_ values: String...) -> Gauge {
        Gauge(label: name, dimensions: dimensions(values, .gauge))
    }

    /// For a histogram of seconds.
    package func timer(_ values: String...) -> Timer {
        Timer(label: name, dimensions: dimensions(values, .histogram))
    }

    /// For a histogram of anything else.
    package func recorder(_ values: String...) -> Recorder {
        Recorder(label: name, dimensions: dimensions(values, .histogram), aggregate: true)
    }

    private func dimensions(_ values: [String], _ wanted: Kind) -> [(String, String)] {
        precondition(kind == wanted, "\(name) is a \(kind.rawValue)")
        precondition(values.count == labels.count, "\(name) has the labels \(labels)")
        return Array(zip(labels, values))
    }
}
