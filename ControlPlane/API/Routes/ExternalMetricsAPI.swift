import ClusterModel
import Coordination
import Domain
import HTTPTypes
import Hummingbird
import Observability
import Timebase

/// The Kubernetes API group external.metrics.k8s.io, so that a HorizontalPodAutoscaler reads the figures through an
/// APIService that names this control plane. Open, as `/metrics` is: the API server sends its own credentials, not ours.
/// https://github.com/kubernetes/metrics, external_metrics/v1beta1.
enum ExternalMetricsAPI {
    static let groupVersion = "external.metrics.k8s.io/v1beta1"

    /// What there is of every group and role. Whole nodes, or thousandths of the utilisation's 1.
    enum Metric: CaseIterable {
        case desiredNodes
        case utilisation

        init?(name: String) {
            guard let metric = Self.allCases.first(where: { $0.name == name }) else { return nil }
            self = metric
        }

        /// As `/metrics` has it.
        var name: String {
            switch self {
            case .desiredNodes: MetricNames.scalingDesired.name
            case .utilisation: MetricNames.scalingUtilisation.name
            }
        }

        func quantity(of scaling: ScalingResource) -> String {
            switch self {
            case .desiredNodes: "\(scaling.desired)"
            case .utilisation: "\(Int((min(scaling.utilisation, 1e9) * 1000).rounded()))m"
            }
        }
    }

    struct Resources: Codable, Sendable {
        struct Resource: Codable, Sendable {
            var name: String
            var singularName = ""
            var namespaced = true
            var kind = "ExternalMetricValueList"
            var verbs = ["get"]
        }

        var kind = "APIResourceList"
        var apiVersion = "v1"
        var groupVersion = ExternalMetricsAPI.groupVersion
        var resources = Metric.allCases.map { Resource(name: $0.name) }
    }

    struct Values: Codable, Sendable {
        struct Item: Codable, Sendable {
            var metricName: String
            var metricLabels: [String: String]
            var timestamp: WallTime
            var value: String
        }

        var kind = "ExternalMetricValueList"
        var apiVersion = ExternalMetricsAPI.groupVersion
        var metadata: [String: String] = [:]
        var items: [Item]

        init(_ metric: Metric, of scalings: [ScalingResource], at now: WallTime) {
            items = scalings.map { scaling in
                Item(
                    metricName: metric.name,
                    metricLabels: scaling.labels,
                    timestamp: now,
                    value: metric.quantity(of: scaling)
                )
            }
        }
    }

    static let operations: [Operation] = [
        Operation(
            id: "listExternalMetrics",
            method: .get,
            path: "/apis/external.metrics.k8s.io/v1beta1",
            summary: "The metrics of the Kubernetes API group external.metrics.k8s.io.",
            roles: [],
            answers: [.ok("ExternalMetrics", "An APIResourceList.")],
            needsStore: false,
            handler: { _ in try .json(Resources()) }
        ),
        Operation(
            id: "getExternalMetric",
            method: .get,
            path: "/apis/external.metrics.k8s.io/v1beta1/namespaces/{namespace}/{metric}",
            summary:
                "One metric of the groups and roles whose labels 'group' and 'role' match, whatever the namespace.",
            roles: [],
            query: [.init(name: "labelSelector", summary: "In Kubernetes' syntax: group=eu,role in (edge,hybrid).")],
            answers: [
                .ok("ExternalMetricValues", "An ExternalMetricValueList; empty when nothing matches."),
                .problem(400, "The label selector cannot be read."), .problem(404, "No such metric."),
            ],
            handler: values
        ),
    ]

    @Sendable private static func values(_ call: Call) async throws -> Reply {
        guard let metric = call.parameters.get("metric").flatMap(Metric.init(name:)) else {
            let names = Metric.allCases.map(\.name).joined(separator: ", ")
            throw Problem.notFound("There are the metrics \(names).")
        }
        let text = call.query("labelSelector") ?? ""
        guard let selector = LabelSelector(text) else {
            throw Problem.badRequest(
                "labelSelector '\(text.prefix(80))' cannot be read. Write it as Kubernetes does: group=eu,role in (edge)."
            )
        }
        let (scalings, now) = call.coordinator.read { state, now in
            (state.scalingTargets.compactMap { state.scalingResource($0, at: now) }, now)
        }
        return try .json(Values(metric, of: scalings.filter { selector.matches($0.labels) }, at: now))
    }
}

extension ScalingResource {
    fileprivate var labels: [String: String] { ["group": group, "role": role.rawValue] }
}
