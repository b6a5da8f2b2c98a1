import ClusterModel
import Coordination
import Domain
import HTTPTypes
import Timebase

/// Prometheus' HTTP service discovery: what to scrape, and under which labels.
enum ServiceDiscovery {
    struct Target: Codable, Sendable {
        var targets: [String]
        var labels: [String: String]
    }

    static let operation = Operation(
        id: "discoverTargets",
        method: .get,
        path: "/sd/prometheus",
        summary: "All nodes as targets of Prometheus' HTTP service discovery, dead ones too.",
        roles: [],
        answers: [.ok("PrometheusTargets", "A target for each node."), .problem(503, "The store was not read yet.")],
        needsStore: false,
        handler: { call in
            // An empty list would make Prometheus forget every target. What was known before an outage is still true.
            guard call.coordinator.phase != .starting else {
                throw Problem.storeUnavailable(.unavailable("it has not answered yet"))
            }
            return try .json(call.coordinator.read { state, now in targets(of: state, at: now) })
        }
    )

    private static func targets(of state: ClusterState, at now: WallTime) -> [Target] {
        state.nodes.values.map(\.body).sorted { $0.nodeId < $1.nodeId }.compactMap { node in
            guard let address = node.addresses.scrapeAddress else { return nil }
            var labels = ["node": node.nodeId, "role": node.role.rawValue, "group": node.group]
            labels["state"] = state.state(of: node.nodeId, at: now).rawValue
            labels = Dictionary(uniqueKeysWithValues: labels.map { ("__meta_millrace_\($0)", $1) })
            if node.addresses.http == nil { labels["__scheme__"] = "https" }
            return Target(targets: [address], labels: labels)
        }
    }
}

extension NodeAddresses {
    fileprivate var scrapeAddress: String? {
        (http ?? https).map { host.contains(":") ? "[\(host)]:\($0)" : "\(host):\($0)" }
    }
}
