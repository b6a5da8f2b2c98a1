import ClusterModel
import Coordination
import Domain
import HTTPTypes
import Hummingbird

enum WatchRoutes {
    static let operations: [Operation] = [
        Operation(
            id: "watch",
            method: .get,
            path: "/v1/watch",
            summary: "Changes as Server-Sent Events, resumable. With nodeId only what concerns that node.",
            query: [
                .init(
                    name: "since",
                    kind: .integer,
                    summary: "The id of the last event seen. Last-Event-ID says the same."
                ),
                .init(
                    name: "nodeId",
                    summary: "Only what concerns this node; the open connection shows that it lives."
                ),
                .init(
                    name: "bootId",
                    summary: "The boot the connection belongs to; the node's present one when missing."
                ),
            ],
            answers: [
                Operation.Answer(
                    status: 200,
                    schema: nil,
                    summary: "Events snapshot, node, lost, stream, app and ping; id is the revision.",
                    mediaType: "text/event-stream"
                )
            ],
            needsStore: false,
            handler: watch
        )
    ]

    @Sendable private static func watch(_ call: Call) async throws -> Reply {
        let lastEventID = call.request.headers[.lastEventID].flatMap(Int64.init)
        let since = try call.integer("since") ?? lastEventID
        let nodeID = call.query("nodeId")
        if let nodeID {
            do throws(NameError) { try NameRules.check(nodeID, role: .nodeID) } catch { throw Problem.badName(error) }
        }
        let boot = call.query("bootId")
        let (coordinator, request) = (call.coordinator, call.request)
        guard coordinator.phase != .starting else { throw Problem.unavailable("The store has not answered yet.") }
        guard !coordinator.hub.isClosed else {
            throw Problem.unavailable("The control plane is stopping. Try another one.")
        }
        // Opened only when the body is written, so that an answer that is never written leaves no watcher behind.
        let body = ResponseBody { writer in
            let watch = try coordinator.watch(since: since, nodeID: nodeID, boot: boot)
            defer { watch.close() }
            try await request.body.consumeWithCancellationOnInboundClose { _ in
                for item in watch.opening { try await writer.write(ServerSentEvent.encode(item)) }
                for await item in watch.items { try await writer.write(ServerSentEvent.encode(item)) }
            }
            try await writer.finish(nil)
        }
        return Reply(
            status: .ok,
            headers: [.contentType: "text/event-stream", .cacheControl: "no-cache"],
            content: .stream(body)
        )
    }
}

enum ServerSentEvent {
    static func encode(_ item: WatchItem) throws -> ByteBuffer {
        var buffer = ByteBuffer(string: "event: \(item.event.name)\nid: \(item.revision)\ndata: ")
        var data = try JSONText.encode(item.event.body)
        buffer.writeBuffer(&data)
        buffer.writeString("\n\n")
        return buffer
    }
}

extension HTTPField.Name {
    static let lastEventID = HTTPField.Name("Last-Event-ID") ?? .range
}
