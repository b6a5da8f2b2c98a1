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
                .init(
                    name: "protocol",
                    kind: .choice(protocols(purpose)),
                    summary: "Only nodes with a listener for it."
                ),
                .init(name: "explain", kind: .boolean, summary: "List all candidates, their scores and refusals."),
            ],
            answers: [
                .ok("Assignment", "The node and its URLs by protocol."), .problem(503, "No node can take it now."),
            ],
            handler: { call in
                guard let app = call.query("app"), let id = call.query("id") else {
                    throw Problem.badRequest("The query parameters app and id are needed.")
                }
                let wish = ClusterState.Wish(
                    try Call.streamID(app: app, id: id),
                    for: purpose,
                    over: try wanted(call, purpose),
                    group: try call.group()
                )
                return try .json(try call.coordinator.assign(wish, explain: try call.flag("explain")))
            }
        )
    }

    private static func protocols(_ purpose: ClusterState.Purpose) -> [String] {
        AssignedProtocol.allCases.filter { purpose == .play || !$0.isForPlayersOnly }.map(\.rawValue)
    }

    private static func wanted(_ call: Call, _ purpose: ClusterState.Purpose) throws -> AssignedProtocol? {
        let wanted = try call.choice("protocol", AssignedProtocol.self)
        if let wanted, purpose == .publish, wanted.isForPlayersOnly {
            let allowed = protocols(purpose).joined(separator: ", ")
            throw Problem.badRequest("Nothing is published over \(wanted.rawValue); allowed is one of \(allowed).")
        }
        return wanted
    }
}
