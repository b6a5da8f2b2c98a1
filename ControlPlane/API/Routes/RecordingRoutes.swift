import ClusterModel
import Coordination
import Domain
import HTTPTypes
import Hummingbird

/// The list of recordings. Their files are served by the nodes that have them.
enum RecordingRoutes {
    static let operations: [Operation] = [
        Operation(
            id: "listRecordings",
            method: .get,
            path: "/v1/recordings",
            summary: "List recordings.",
            query: Operation.paging + [
                .init(name: "app", summary: "Only recordings of this app."),
                .init(name: "id", summary: "Only recordings of streams of this id."),
            ],
            answers: [.ok("RecordingPage", "Recordings in order of app and name.")],
            handler: list
        ),
        Operation(
            id: "getRecording",
            method: .get,
            path: "/v1/recordings/{app}/{name}",
            summary: "Read a recording. Its file is at /{app}/streams/{name}.mp4.",
            answers: [.ok("Recording", "The recording."), .problem(404, "No such recording.")],
            handler: get
        ),
        Operation(
            id: "putRecording",
            method: .put,
            path: "/v1/recordings/{app}/{name}",
            summary: "A node tells of a recording that is complete, was copied, or is not there any more.",
            roles: [.node],
            requestSchema: "Recording",
            answers: [
                .ok("Recording", "As it is known now."),
                .problem(422, "The names do not fit together."),
            ],
            handler: put
        ),
        Operation(
            id: "deleteRecording",
            method: .delete,
            path: "/v1/recordings/{app}/{name}",
            summary: "Delete a recording. A copy in S3 stays.",
            roles: [.admin],
            answers: [
                .empty("Deleted."),
                .ok("Recording", "Its node has yet to remove the file; then it is off the list.", status: 202),
                .problem(404, "No such recording."),
            ],
            handler: delete
        ),
    ]

    @Sendable private static func list(_ call: Call) async throws -> Reply {
        let (limit, after) = try call.pageRequest()
        let (app, id) = (call.query("app"), call.query("id"))
        let page = call.coordinator.read { state, _ in
            let (names, next) = Paging.page(
                of: state.recordings.keys,
                name: { $0 },
                after: after,
                limit: limit
            ) { key in
                guard let recording = state.recordings[key]?.body else { return false }
                return (app ?? recording.app) == recording.app && (id ?? recording.id) == recording.id
            }
            return Page(items: names.compactMap { state.recordings[$0]?.body }, nextCursor: next.map(Cursor.encode))
        }
        return try .json(page)
    }

    @Sendable private static func get(_ call: Call) async throws -> Reply {
        let key = try key(of: call)
        let stored = call.coordinator.read { state, _ in state.recordings[key] }
        guard let stored else { throw Problem.notFound("There is no recording '\(key)'.") }
        return try .json(stored.body, revision: stored.revision)
    }

    @Sendable private static func put(_ call: Call) async throws -> Reply {
        let key = try key(of: call)
        let recording = try call.decode(RecordingResource.self)
        _ = try Call.streamID(app: recording.app, id: recording.id)
        guard recording.recordKey == key else {
            throw Problem.unprocessable("app and name of the body are not those of the path.")
        }
        return try .json(try await call.coordinator.put(recording))
    }

    @Sendable private static func delete(_ call: Call) async throws -> Reply {
        guard let left = try await call.coordinator.forget(recording: try key(of: call)) else { return .noContent }
        return try .json(left, status: .accepted)
    }

    private static func key(of call: Call) throws -> String {
        "\(try call.name("app", .app))/\(try call.name("name", .recording))"
    }
}
