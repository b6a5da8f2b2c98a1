import ClusterModel
import Coordination
import Domain
import Foundation
import HTTPTypes
import Hummingbird

/// What operators want of a stream: that it is recorded, pushed elsewhere, or fetched from elsewhere.
enum StreamSettingsRoutes {
    private static let refusals: [Operation.Answer] = [
        .problem(412, "If-Match does not hold."), .problem(422, "A value is not allowed."),
    ]

    static let operations: [Operation] = [
        Operation(
            id: "putStream",
            method: .put,
            path: "/v1/streams/{app}/{id}",
            summary: "Create a stream, or say anew what is wanted of it.",
            roles: [.admin],
            requestSchema: "StreamSettings",
            answers: [.ok("Stream", "Changed."), .ok("Stream", "Created.", status: 201)] + refusals,
            handler: { call in try await change(call, .all(try call.decode(StreamSettings.self))) }
        ),
        Operation(
            id: "deleteStream",
            method: .delete,
            path: "/v1/streams/{app}/{id}",
            summary: "Forget a stream and what is wanted of it. Who publishes it goes on.",
            roles: [.admin],
            answers: [
                .empty("Forgotten."), .problem(404, "No such stream."), .problem(412, "If-Match does not hold."),
            ],
            handler: delete
        ),
        Operation(
            id: "startRecording",
            method: .put,
            path: "/v1/streams/{app}/{id}/recording",
            summary: "Record the stream from now on, each time it is live.",
            roles: [.admin],
            answers: [.ok("Stream", "Wanted."), .ok("Stream", "Created.", status: 201)] + refusals,
            handler: { call in try await change(call, .recording(true)) }
        ),
        Operation(
            id: "stopRecording",
            method: .delete,
            path: "/v1/streams/{app}/{id}/recording",
            summary: "Do not record the stream, whatever its app says.",
            roles: [.admin],
            answers: [.ok("Stream", "Not wanted."), .ok("Stream", "Created.", status: 201)] + refusals,
            handler: { call in try await change(call, .recording(false)) }
        ),
        Operation(
            id: "addRestream",
            method: .post,
            path: "/v1/streams/{app}/{id}/restreams",
            summary: "Push the stream to a server outside of the cluster, each time it is live.",
            roles: [.admin],
            requestSchema: "RestreamRequest",
            answers: [.ok("Restream", "Added.", status: 201)] + refusals,
            handler: add
        ),
        Operation(
            id: "removeRestream",
            method: .delete,
            path: "/v1/streams/{app}/{id}/restreams/{restreamId}",
            summary: "Push the stream there no longer.",
            roles: [.admin],
            answers: [
                .empty("Removed."), .problem(404, "No such restream."), .problem(412, "If-Match does not hold."),
            ],
            handler: remove
        ),
    ]

    private static func change(_ call: Call, _ change: StreamSettingsChange) async throws -> Reply {
        let stream = try call.streamID()
        let isNew = try await call.coordinator.change(stream, change, ifMatch: try call.condition())
        let found = call.coordinator.read { state, now in
            (state.streamResource(stream, at: now), state.streams[stream]?.revision)
        }
        guard let resource = found.0 else { throw Problem.unknownStream(stream) }
        return try .json(resource, status: isNew ? .created : .ok, revision: found.1)
    }

    @Sendable private static func delete(_ call: Call) async throws -> Reply {
        try await call.coordinator.forget(try call.streamID(), ifMatch: try call.condition())
        return .noContent
    }

    @Sendable private static func add(_ call: Call) async throws -> Reply {
        let request = try call.decode(RestreamRequest.self)
        let restream = Restream(id: request.id ?? String(UUID().uuidString.prefix(8).lowercased()), url: request.url)
        _ = try await call.coordinator.change(
            try call.streamID(),
            .addRestream(restream),
            ifMatch: try call.condition()
        )
        return try .json(RestreamResource(restream, nil), status: .created)
    }

    @Sendable private static func remove(_ call: Call) async throws -> Reply {
        let id = call.parameters.get("restreamId") ?? ""
        _ = try await call.coordinator.change(
            try call.streamID(),
            .removeRestream(id),
            ifMatch: try call.condition()
        )
        return .noContent
    }
}

/// `POST …/restreams`. Without an id one is made.
struct RestreamRequest: Codable, Sendable {
    var id: String?
    var url: String
}
