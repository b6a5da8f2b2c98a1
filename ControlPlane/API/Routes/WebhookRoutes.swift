import ClusterModel
import Coordination
import Domain
import HTTPTypes
import Hummingbird

enum WebhookRoutes {
    static let operations: [Operation] = [
        Operation(
            id: "listWebhooks",
            method: .get,
            path: "/v1/webhooks",
            summary: "List webhooks, without their secrets.",
            roles: [.admin],
            query: Operation.paging,
            answers: [.ok("WebhookPage", "Webhooks in order of their ids.")],
            handler: list
        ),
        Operation(
            id: "createWebhook",
            method: .post,
            path: "/v1/webhooks",
            summary: "Tell events of the cluster to a URL, signed by Standard Webhooks.",
            roles: [.admin],
            requestSchema: "WebhookSettings",
            answers: [
                .ok("Webhook", "Made. The secret is shown only here.", status: 201),
                .problem(409, "There are as many as there may be."), .problem(422, "A value is not allowed."),
            ],
            handler: create
        ),
        Operation(
            id: "getWebhook",
            method: .get,
            path: "/v1/webhooks/{id}",
            summary: "Read a webhook, without its secret.",
            roles: [.admin],
            answers: [.ok("Webhook", "The webhook."), .problem(404, "No such webhook.")],
            handler: get
        ),
        Operation(
            id: "putWebhook",
            method: .put,
            path: "/v1/webhooks/{id}",
            summary: "Change a webhook; one that was disabled is enabled again.",
            roles: [.admin],
            requestSchema: "WebhookSettings",
            answers: [
                .ok("Webhook", "Changed."), .problem(404, "No such webhook."),
                .problem(412, "If-Match does not hold."), .problem(422, "A value is not allowed."),
            ],
            handler: put
        ),
        Operation(
            id: "deleteWebhook",
            method: .delete,
            path: "/v1/webhooks/{id}",
            summary: "Tell it nothing any more.",
            roles: [.admin],
            answers: [
                .empty("Forgotten."), .problem(404, "No such webhook."), .problem(412, "If-Match does not hold."),
            ],
            handler: delete
        ),
    ]

    @Sendable private static func list(_ call: Call) async throws -> Reply {
        let (limit, after) = try call.pageRequest()
        let page = call.coordinator.read { state, _ in
            let (ids, next) = Paging.page(of: state.webhooks.keys, name: { $0 }, after: after, limit: limit) { _ in
                true
            }
            return Page(
                items: ids.compactMap { state.webhooks[$0]?.body.resource() },
                nextCursor: next.map(Cursor.encode)
            )
        }
        return try .json(page)
    }

    @Sendable private static func create(_ call: Call) async throws -> Reply {
        let made = try await call.coordinator.createWebhook(try call.decode(WebhookSettings.self))
        return try .json(made, status: .created, revision: revision(of: made.id, call))
    }

    @Sendable private static func get(_ call: Call) async throws -> Reply {
        let id = call.parameters.get("id") ?? ""
        guard let webhook = call.coordinator.read({ state, _ in state.webhooks[id]?.body }) else {
            throw Problem.notFound("There is no webhook '\(id.prefix(40))'.")
        }
        return try .json(webhook.resource(), revision: revision(of: id, call))
    }

    @Sendable private static func put(_ call: Call) async throws -> Reply {
        let id = call.parameters.get("id") ?? ""
        let settings = try call.decode(WebhookSettings.self)
        let changed = try await call.coordinator.put(webhook: id, settings, ifMatch: try call.condition())
        return try .json(changed, revision: revision(of: id, call))
    }

    @Sendable private static func delete(_ call: Call) async throws -> Reply {
        try await call.coordinator.delete(webhook: call.parameters.get("id") ?? "", ifMatch: try call.condition())
        return .noContent
    }

    private static func revision(of id: String, _ call: Call) -> Revision? {
        call.coordinator.read { state, _ in state.webhooks[id]?.revision }
    }
}
