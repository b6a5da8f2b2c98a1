import ClusterModel
import Coordination
import Domain
import HTTPTypes
import Hummingbird
import Metrics
import Observability

enum HealthRoutes {
    static func operations(renderMetrics: @escaping @Sendable () -> String) -> [Operation] {
        [
            Operation(
                id: "livez",
                method: .get,
                path: "/livez",
                summary: "The process runs. Never depends on the store.",
                roles: [],
                answers: [.ok("Health", "It runs.")],
                needsStore: false,
                handler: { _ in try .json(Health(status: "ok")) }
            ),
            Operation(
                id: "readyz",
                method: .get,
                path: "/readyz",
                summary: "The store answers and its records are read.",
                roles: [],
                answers: [.ok("Health", "Ready."), .problem(503, "Not ready.")],
                handler: { _ in try .json(Health(status: "ok")) }
            ),
            Operation(
                id: "metrics",
                method: .get,
                path: "/metrics",
                summary: "Metrics in Prometheus' text format.",
                roles: [],
                answers: [
                    .init(status: 200, schema: nil, summary: "Metrics.", mediaType: "text/plain; version=0.0.4")
                ],
                needsStore: false,
                handler: { call in
                    recordClusterSize(call.coordinator)
                    AutoscaleRoutes.record(call.coordinator)
                    return Reply(
                        status: .ok,
                        headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
                        content: .whole(ByteBuffer(string: renderMetrics()))
                    )
                }
            ),
        ]
    }

    private static func recordClusterSize(_ coordinator: Coordinator) {
        let (nodes, streams) = coordinator.read { state, _ in (state.nodeCounts, state.streamCounts) }
        MetricNames.storeUp.gauge().record(coordinator.phase == .answering ? 1 : 0)
        MetricNames.watchers.gauge().record(coordinator.hub.watchers)
        for state in NodeState.allCases {
            MetricNames.nodes.gauge(state.rawValue).record(nodes[state] ?? 0)
        }
        for status in StreamStatus.allCases {
            MetricNames.clusterStreams.gauge(status.rawValue).record(streams[status] ?? 0)
        }
    }
}

struct Health: Codable, Sendable {
    var status: String
}
