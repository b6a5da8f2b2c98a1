import ClusterModel
import Coordination
import Domain
import HTTPTypes
import Hummingbird

enum GroupRoutes {
    static let operations: [Operation] = [
        Operation(
            id: "listGroups",
            method: .get,
            path: "/v1/groups",
            summary: "List node groups: those set up, and those that nodes name.",
            query: Operation.paging,
            answers: [.ok("GroupPage", "Groups in order of their names.")],
            handler: list
        ),
        Operation(
            id: "getGroup",
            method: .get,
            path: "/v1/groups/{name}",
            summary: "Read a node group.",
            answers: [.ok("Group", "The group."), .problem(404, "No such group.")],
            handler: get
        ),
        Operation(
            id: "putGroup",
            method: .put,
            path: "/v1/groups/{name}",
            summary: "Set up a node group and, with nodes, say who is in it.",
            roles: [.admin],
            requestSchema: "GroupSettings",
            answers: [
                .ok("Group", "Changed."), .ok("Group", "Set up.", status: 201),
                .problem(412, "If-Match does not hold."),
                .problem(422, "The parent cannot be this group's, or a node is not registered."),
            ],
            handler: put
        ),
        Operation(
            id: "deleteGroup",
            method: .delete,
            path: "/v1/groups/{name}",
            summary: "Forget a group's settings.",
            roles: [.admin],
            answers: [.empty("Forgotten."), .problem(404, "Never set up."), .problem(412, "If-Match does not hold.")],
            handler: delete
        ),
    ]

    @Sendable private static func list(_ call: Call) async throws -> Reply {
        let (limit, after) = try call.pageRequest()
        let page = call.coordinator.read { state, now in
            let (names, next) = Paging.page(of: state.groupNames, name: { $0 }, after: after, limit: limit) { _ in true
            }
            return Page(
                items: names.compactMap { state.groupResource($0, at: now) },
                nextCursor: next.map(Cursor.encode)
            )
        }
        return try .json(page)
    }

    @Sendable private static func get(_ call: Call) async throws -> Reply {
        try reply(call, try call.name("name", .group))
    }

    @Sendable private static func put(_ call: Call) async throws -> Reply {
        let name = try call.name("name", .group)
        let change = try call.decode(GroupChange.self)
        let isNew = try await call.coordinator.put(group: name, change, ifMatch: try call.condition())
        return try reply(call, name, status: isNew ? .created : .ok)
    }

    @Sendable private static func delete(_ call: Call) async throws -> Reply {
        try await call.coordinator.delete(group: try call.name("name", .group), ifMatch: try call.condition())
        return .noContent
    }

    private static func reply(_ call: Call, _ name: String, status: HTTPResponse.Status = .ok) throws -> Reply {
        let found = call.coordinator.read { state, now in
            (state.groupResource(name, at: now), state.groups[name]?.revision)
        }
        guard let group = found.0 else {
            throw Problem.notFound("No group '\(name)' was set up, and no node names it.")
        }
        return try .json(group, status: status, revision: found.1 ?? Revision(0))
    }
}
