import ClusterModel
import Coordination
import Domain
import HTTPTypes
import Hummingbird

/// An app with its settings, as `GET /v1/apps` shows it.
struct AppResource: Codable, Sendable {
    var app: String
    var settings: AppSettings

    private enum CodingKeys: String, CodingKey { case app }

    init(app: String, settings: AppSettings) {
        self.app = app
        self.settings = settings
    }

    init(from decoder: any Decoder) throws {
        app = try decoder.container(keyedBy: CodingKeys.self).decode(String.self, forKey: .app)
        settings = try AppSettings(from: decoder)
    }

    func encode(to encoder: any Encoder) throws {
        try settings.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(app, forKey: .app)
    }
}

enum AppRoutes {
    static let operations: [Operation] = [
        Operation(
            id: "listApps",
            method: .get,
            path: "/v1/apps",
            summary: "List apps that were set up.",
            query: Operation.paging,
            answers: [.ok("AppPage", "Apps in order of their names.")],
            handler: list
        ),
        Operation(
            id: "getApp",
            method: .get,
            path: "/v1/apps/{app}",
            summary: "Read an app's settings. An app that was never set up has the defaults.",
            answers: [.ok("App", "The app.")],
            handler: get
        ),
        Operation(
            id: "putApp",
            method: .put,
            path: "/v1/apps/{app}",
            summary: "Set up an app. Fields left out take their defaults.",
            roles: [.admin],
            requestSchema: "AppSettings",
            answers: [
                .ok("App", "Changed."), .ok("App", "Set up.", status: 201), .problem(412, "If-Match does not hold."),
                .problem(422, "A value is out of its range."),
            ],
            handler: put
        ),
        Operation(
            id: "deleteApp",
            method: .delete,
            path: "/v1/apps/{app}",
            summary: "Forget an app's settings: the defaults hold again.",
            roles: [.admin],
            answers: [.empty("Forgotten."), .problem(404, "Never set up."), .problem(412, "If-Match does not hold.")],
            handler: delete
        ),
    ]

    @Sendable private static func list(_ call: Call) async throws -> Reply {
        let (limit, after) = try call.pageRequest()
        let page = call.coordinator.read { state, _ in
            let (names, next) = Paging.page(of: state.apps.keys, name: { $0 }, after: after, limit: limit) { _ in true }
            return Page(
                items: names.map { AppResource(app: $0, settings: state.settings(of: $0)) },
                nextCursor: next.map(Cursor.encode)
            )
        }
        return try .json(page)
    }

    @Sendable private static func get(_ call: Call) async throws -> Reply {
        try reply(call, try call.name("app", .app))
    }

    @Sendable private static func put(_ call: Call) async throws -> Reply {
        let app = try call.name("app", .app)
        let settings = try call.decode(AppSettings.self)
        let isNew = try await call.coordinator.put(app: app, settings, ifMatch: try call.condition())
        return try reply(call, app, status: isNew ? .created : .ok)
    }

    @Sendable private static func delete(_ call: Call) async throws -> Reply {
        try await call.coordinator.delete(app: try call.name("app", .app), ifMatch: try call.condition())
        return .noContent
    }

    private static func reply(_ call: Call, _ app: String, status: HTTPResponse.Status = .ok) throws -> Reply {
        let (settings, revision) = call.coordinator.read { state, _ in
            (state.settings(of: app), state.apps[app]?.revision)
        }
        return try .json(AppResource(app: app, settings: settings), status: status, revision: revision ?? Revision(0))
    }
}
