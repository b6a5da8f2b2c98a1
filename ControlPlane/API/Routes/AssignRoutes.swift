import ClusterModel
import Coordination
import Domain
import HTTPTypes
import Hummingbird

enum AssignRoutes {
    static let operations: [Operation] = [
        operation("assignPublish", .publish, "The best node to publish a stream to now."),
        operation("assignPlay", .play, "The best node to play a stream from now."),
    ]

    private static func operation(_ id: String, _ purpose: ClusterState.Purpose, _ summary: String) -> Operation {
        Operation(
            id: id,
            method: .get,
            path: "/v1/assign/\(purpose.rawValue)",
            summary: summary,
            query: [
                .init(name: "app", isRequired: true, summary: "The stream's app."),
                .init(name: "id", isRequired: true, summary: "The stream's id."),
                .init(name: "group", summary: "The group nearest to the client."),
                .init(name: "explain", kind: .boolean, summary: "List all candidates, their scores and refusals."),
            ],
            answers: [
                .ok("Assignment", "The node and its URLs by protocol."), .problem(503, "No node can take it now."),
            ],
            handler: { call in
                guard let app = call.query("app"), let id = call.query("id") else {
                    throw Problem.badRequest("The query parameters app and id are needed.")
                }
                let assignment = try call.coordinator.assign(
                    try Call.streamID(app: app, id: id),
                    for: purpose,
                    group: call.query("group"),
                    explain: try call.flag("explain")
                )
                return try .json(assignment)
            }
        )
    }
}
