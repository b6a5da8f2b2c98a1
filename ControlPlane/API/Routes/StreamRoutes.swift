import ClusterModel
import Coordination
import Domain
import HTTPTypes
import Hummingbird

enum StreamRoutes {
    static let operations: [Operation] = [
        Operation(
            id: "listStreams",
            method: .get,
            path: "/v1/streams",
            summary: "List streams.",
            query: Operation.paging + [
                .init(name: "app", summary: "Only streams of this app."),
                .init(
                    name: "status",
                    kind: .choice(StreamStatus.allCases.map(\.rawValue)),
                    summary: "Only streams of this status."
                ),
            ],
            answers: [.ok("StreamPage", "Streams in order of app and id.")],
            handler: list
        ),
        Operation(
            id: "getStream",
            method: .get,
            path: "/v1/streams/{app}/{id}",
            summary: "Read a stream: its owner, status, tracks, viewers and relay tree.",
            answers: [.ok("Stream", "The stream."), .problem(404, "No such stream.")],
            handler: get
        ),
        Operation(
            id: "claimStream",
            method: .post,
            path: "/v1/streams/{app}/{id}/claim",
            summary: "An origin claims a stream. Held up to 5 s while a present owner is being checked.",
            requestSchema: "ClaimRequest",
            answers: [
                .ok("ClaimGrant", "Owned under this epoch.", status: 201),
                .ok("ClaimGrant", "Another node owns the stream: the publisher stands by. Claim again.", status: 202),
                .problem(404, "The node is not registered."),
                .problem(409, "The owner is alive, or the claimant is superseded or an edge."),
            ],
            handler: claim
        ),
        Operation(
            id: "releaseStream",
            method: .post,
            path: "/v1/streams/{app}/{id}/release",
            summary: "End a hold.",
            requestSchema: "ReleaseRequest",
            answers: [
                .empty("Released."), .problem(404, "No such stream."),
                .problem(409, "The epoch is another one: the hold was fenced."),
            ],
            handler: release
        ),
        Operation(
            id: "routeStream",
            method: .post,
            path: "/v1/streams/{app}/{id}/route",
            summary: "A node asks where to pull a stream from.",
            requestSchema: "RouteRequest",
            answers: [
                .ok("RouteAnswer", "The parent to pull from."),
                .problem(404, "No such stream, or the node is not registered."),
                .problem(409, "The asker owns the stream, or is superseded."),
                .problem(503, "No node that has it can be used now."),
            ],
            handler: route
        ),
    ]

    @Sendable private static func list(_ call: Call) async throws -> Reply {
        let (limit, after) = try call.pageRequest()
        let status = try call.choice("status", StreamStatus.self)
        let app = call.query("app")
        let page = call.coordinator.read { state, now in
            let (names, next) = Paging.page(
                of: state.streams.keys,
                name: \.recordKey,
                after: after,
                limit: limit
            ) { stream in
                guard app == nil || stream.app == app, let found = state.readable(stream, at: now) else { return false }
                return status == nil || found.condition.status == status
            }
            return Page(
                items: names.compactMap { state.streamResource($0, at: now) },
                nextCursor: next.map(Cursor.encode)
            )
        }
        return try .json(page)
    }

    @Sendable private static func get(_ call: Call) async throws -> Reply {
        let stream = try call.streamID()
        let found = call.coordinator.read { state, now in
            (state.streamResource(stream, at: now), state.streams[stream]?.revision)
        }
        guard let resource = found.0 else { throw Problem.unknownStream(stream) }
        return try .json(resource, revision: found.1)
    }

    @Sendable private static func claim(_ call: Call) async throws -> Reply {
        let stream = try call.streamID()
        let request = try call.decode(ClaimRequest.self)
        for (name, text) in [("claimId", request.claimId), ("protocol", request.protocol)]
        where !(1...128).contains(text.utf8.count) {
            throw Problem.unprocessable("\(name) has \(text.utf8.count) characters; allowed is 1 to 128.")
        }
        let grant = try await call.coordinator.claim(stream, request)
        return try .json(grant, status: grant.standsByFor == nil ? .created : .accepted)
    }

    @Sendable private static func release(_ call: Call) async throws -> Reply {
        try await call.coordinator.release(try call.streamID(), try call.decode(ReleaseRequest.self))
        return .noContent
    }

    @Sendable private static func route(_ call: Call) async throws -> Reply {
        try .json(try await call.coordinator.route(try call.streamID(), try call.decode(RouteRequest.self)))
    }
}
