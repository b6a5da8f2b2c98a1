import ClusterModel
import Coordination
import Domain
import HTTPTypes
import Hummingbird

/// Ant Media's calls to change a server's settings, as far as they are the cluster's matter: the node group.
enum SettingsRoutes {
    static let operations: [Operation] = [
        operation("changeServerSettings", "/rest/changeServerSettings"),
        operation("postServerSettings", "/rest/v2/server-settings"),
    ]

    private static func operation(_ id: String, _ path: String) -> Operation {
        Operation(
            id: id,
            method: .post,
            path: path,
            summary: "Change a node's settings; those that are not named stay as they are.",
            query: [.init(name: "nodeId", isRequired: true, summary: "The node. A worker adds its own.")],
            requestSchema: "ServerSettings",
            answers: [
                .ok("CompatibleResult", "Changed, or as it was already."), .problem(400, "A name is not allowed."),
                .problem(404, "No such node."),
            ],
            handler: change
        )
    }

    @Sendable private static func change(_ call: Call) async throws -> Reply {
        guard let nodeID = call.query("nodeId") else {
            throw Problem.badRequest("The query parameter nodeId is needed: whose settings are to be changed?")
        }
        let settings = try call.decode(ServerSettings.self)
        guard let group = settings.nodeGroup ?? settings.modeGroup else {
            let isKnown = call.coordinator.read { state, _ in state.nodes[nodeID] != nil }
            guard isKnown else { throw Problem.unknownNode(nodeID) }
            return try .json(CompatibleResult(success: true, message: "No nodeGroup is named: nothing was changed."))
        }
        let chosen = group.isEmpty ? nil : group
        if let chosen {
            do throws(NameError) { try NameRules.check(chosen, role: .group) } catch { throw Problem.badName(error) }
        }
        let present = try await call.coordinator.assign(nodeID, toGroup: chosen)
        return try .json(CompatibleResult(success: true, message: "Node '\(nodeID)' is in group '\(present)'."))
    }
}

struct ServerSettings: Codable, Sendable {
    /// Empty: back to the group that the node registers with.
    var nodeGroup: String?
    /// A spelling that some scripts use.
    var modeGroup: String?
}

/// What Ant Media's calls answer.
struct CompatibleResult: Codable, Sendable {
    var success: Bool
    var message: String
}
