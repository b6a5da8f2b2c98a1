import ClusterModel
import HTTPTypes
import Metrics
import Observability

/// An operation's path, split once.
struct PathPattern: Sendable {
    private let parts: [Substring?]
    private let beginsWithApp: Bool

    /// Parts in braces match anything; only an app at the beginning is none of the servers' own names.
    init(_ path: String) {
        parts = path.split(separator: "/").map { $0.hasPrefix("{") ? nil : $0 }
        beginsWithApp = path.hasPrefix("/{app}")
    }

    func matches(_ path: [Substring]) -> Bool {
        if beginsWithApp, let app = path.first, NameRules.reservedApps.contains(String(app)) { return false }
        return parts.count == path.count && zip(parts, path).allSatisfy { $0 == nil || $0 == $1 }
    }
}

/// Finds the operation of a request, and holds its timer: both are needed for every request.
struct OperationTable: Sendable {
    private struct Row: Sendable {
        var name: String
        var method: HTTPRequest.Method
        var pattern: PathPattern
        var timer: Timer
        var succeeded: Counter
    }

    private let rows: [Row]
    private let none = MetricNames.apiRequestTime.timer("none")

    init(_ operations: [Operation]) {
        rows = operations.map { operation in
            Row(
                name: operation.id,
                method: operation.method,
                pattern: PathPattern(operation.path),
                timer: MetricNames.apiRequestTime.timer(operation.id),
                succeeded: MetricNames.apiRequests.counter(operation.id, "200")
            )
        }
    }

    func record(_ method: HTTPRequest.Method, _ path: String, status: Int, nanoseconds: Int64) {
        let parts = path.split(separator: "/")
        let row = rows.first { $0.method == method && $0.pattern.matches(parts) }
        (row?.timer ?? none).recordNanoseconds(nanoseconds)
        if let row, status == 200 {
            row.succeeded.increment()
        } else {
            MetricNames.apiRequests.counter(row?.name ?? "none", "\(status)").increment()
        }
    }
}
