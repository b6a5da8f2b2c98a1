import ClusterModel
import Coordination
import Domain
import HTTPTypes
import Hummingbird

/// What `millrace doctor` asks: the store as it answers now, and which node reaches which.
enum DiagnosisRoutes {
    static let operations: [Operation] = [
        Operation(
            id: "getStore",
            method: .get,
            path: "/v1/store",
            summary: "Try the store now: its latency, and how far the control plane's clock is from its.",
            roles: [.admin],
            answers: [.ok("Store", "What came of it, also when the store does not answer.")],
            needsStore: false,
            handler: { call in try .json(await call.coordinator.examineStore()) }
        ),
        Operation(
            id: "startRelaySurvey",
            method: .post,
            path: "/v1/relay-survey",
            summary: "Ask every living node to try the relay ports of the others.",
            roles: [.admin],
            answers: [.ok("RelaySurvey", "Begun; read it again until nothing is pending.", status: 202)],
            handler: { call in
                try await call.coordinator.startSurvey()
                return try survey(call, status: .accepted)
            }
        ),
        Operation(
            id: "getRelaySurvey",
            method: .get,
            path: "/v1/relay-survey",
            summary: "Read what the nodes found in the last survey.",
            roles: [.admin],
            answers: [.ok("RelaySurvey", "The last survey."), .problem(404, "There was none.")],
            handler: { call in try survey(call, status: .ok) }
        ),
    ]

    private static func survey(_ call: Call, status: HTTPResponse.Status) throws -> Reply {
        guard let survey = call.coordinator.read({ state, now in state.relaySurvey(at: now) }) else {
            throw Problem.notFound("No survey was made. Begin one with POST /v1/relay-survey.")
        }
        return try .json(survey, status: status)
    }
}
