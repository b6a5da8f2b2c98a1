import ClusterModel
import Coordination
import Domain
import HTTPTypes
import Hummingbird
import Metrics
import Observability
import Timebase

/// How many nodes each group should have, in the forms that autoscalers read.
enum AutoscaleRoutes {
    static let operations: [Operation] = [
        Operation(
            id: "listAutoscale",
            method: .get,
            path: "/v1/autoscale",
            summary: "Scaling of every group and role.",
            query: Operation.paging,
            answers: [.ok("ScalingPage", "In order of group and role.")],
            handler: list
        ),
        Operation(
            id: "getAutoscale",
            method: .get,
            path: "/v1/autoscale/{group}/{role}",
            summary: "Nodes a group has of a role, nodes it should have, and why.",
            answers: [.ok("Scaling", "The scaling."), .problem(404, "No such group, or no node of that role in it.")],
            handler: get
        ),
        Operation(
            id: "getAutoscaleKEDA",
            method: .get,
            path: "/v1/autoscale/{group}/{role}/keda",
            summary: "One number for KEDA's metrics-api scaler; its valueLocation is 'value'.",
            query: [
                .init(
                    name: "metric",
                    kind: .choice(Value.allCases.map(\.rawValue)),
                    summary: "desired (default), current, or utilisation in percent."
                )
            ],
            answers: [
                .ok("ScalingValue", "The number."), .problem(404, "No such group, or no node of that role in it."),
            ],
            handler: keda
        ),
        Operation(
            id: "getAutoscaleExternalMetric",
            method: .get,
            path: "/v1/autoscale/{group}/{role}/external-metric",
            summary: "The nodes wanted as an ExternalMetricValueList of external.metrics.k8s.io/v1beta1.",
            answers: [
                .ok("ExternalMetricValues", "The list."),
                .problem(404, "No such group, or no node of that role in it."),
            ],
            handler: externalMetric
        ),
        Operation(
            id: "getNodeLeave",
            method: .get,
            path: "/v1/nodes/{nodeId}/leave",
            summary: "Should this node go? For the node itself or its machine's agent to poll, also from behind NAT.",
            answers: [
                .ok("LeaveAnswer", "Whether, until when, and whether it may be ended now."),
                .problem(404, "No such node."),
            ],
            handler: leave
        ),
    ]

    enum Value: String, CaseIterable {
        case desired
        case current
        case utilisation
    }

    struct KEDAValue: Codable, Sendable {
        var value: Int
        var metricName: String
    }

    @Sendable private static func list(_ call: Call) async throws -> Reply {
        let (limit, after) = try call.pageRequest()
        let page = call.coordinator.read { state, now in
            let (targets, next) = Paging.page(
                of: state.scalingTargets,
                name: \.recordKey,
                after: after,
                limit: limit
            ) { _ in true }
            return Page(
                items: targets.compactMap { state.scalingResource($0, at: now) },
                nextCursor: next.map(Cursor.encode)
            )
        }
        return try .json(page)
    }

    @Sendable private static func get(_ call: Call) async throws -> Reply { try .json(try scaling(call).resource) }

    @Sendable private static func keda(_ call: Call) async throws -> Reply {
        let wanted = try call.choice("metric", Value.self) ?? .desired
        let scaling = try scaling(call).resource
        let value =
            switch wanted {
            case .desired: scaling.desired
            case .current: scaling.current
            case .utilisation: Int((min(scaling.utilisation, 1e9) * 100).rounded())
            }
        return try .json(KEDAValue(value: value, metricName: wanted.rawValue))
    }

    @Sendable private static func externalMetric(_ call: Call) async throws -> Reply {
        let (scaling, now) = try scaling(call)
        return try .json(ExternalMetricsAPI.Values(.desiredNodes, of: [scaling], at: now))
    }

    @Sendable private static func leave(_ call: Call) async throws -> Reply {
        let id = try call.name("nodeId", .nodeID)
        guard let answer = call.coordinator.read({ state, now in state.leaveAnswer(to: id, at: now) }) else {
            throw Problem.unknownNode(id)
        }
        return try .json(answer)
    }

    private static func scaling(_ call: Call) throws -> (resource: ScalingResource, now: WallTime) {
        let group = try call.name("group", .group)
        guard let role = call.parameters.get("role").flatMap(NodeRole.init) else {
            throw Problem.notFound("There are the roles \(NodeRole.allCases.map(\.rawValue).joined(separator: ", ")).")
        }
        let target = ScalingTarget(group: group, role: role)
        let found = call.coordinator.read { state, now in (state.scalingResource(target, at: now), now) }
        guard let resource = found.0 else {
            throw Problem.notFound("Group '\(group)' has no \(role.rawValue) node and no scaling policy for them.")
        }
        return (resource, found.1)
    }

    /// For `/metrics`.
    static func record(_ coordinator: Coordinator) {
        for target in coordinator.read({ state, _ in state.scalingTargets }) {
            guard let scaling = coordinator.read({ state, now in state.scalingResource(target, at: now) }) else {
                continue
            }
            MetricNames.scalingCurrent.gauge(scaling.group, scaling.role.rawValue).record(scaling.current)
            MetricNames.scalingDesired.gauge(scaling.group, scaling.role.rawValue).record(scaling.desired)
            MetricNames.scalingUtilisation.gauge(scaling.group, scaling.role.rawValue).record(scaling.utilisation)
        }
    }
}
