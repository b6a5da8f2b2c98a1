import ClusterModel
import Coordination
import Domain
import HTTPTypes
import Hummingbird

enum NodeRoutes {
    static let operations: [Operation] = [
        Operation(
            id: "listNodes",
            method: .get,
            path: "/v1/nodes",
            summary: "List nodes.",
            query: Operation.paging + [
                .init(name: "group", summary: "Only nodes of this group."),
                .init(
                    name: "role",
                    kind: .choice(NodeRole.allCases.map(\.rawValue)),
                    summary: "Only nodes of this role."
                ),
                .init(
                    name: "state",
                    kind: .choice(NodeState.allCases.map(\.rawValue)),
                    summary: "Only nodes in this state."
                ),
            ],
            answers: [.ok("NodePage", "Nodes in order of their ids.")],
            handler: list
        ),
        Operation(
            id: "getNode",
            method: .get,
            path: "/v1/nodes/{nodeId}",
            summary: "Read a node.",
            answers: [.ok("Node", "The node."), .problem(404, "No such node.")],
            handler: get
        ),
        Operation(
            id: "registerNode",
            method: .put,
            path: "/v1/nodes/{nodeId}",
            summary: "Register a node, or one more boot of it. Repeating it changes nothing.",
            requestSchema: "NodeRegistration",
            answers: [
                .ok("NodeRegistered", "Registered."), .problem(409, "A newer boot of the node is registered."),
                .problem(412, "If-Match does not hold."),
            ],
            handler: register
        ),
        Operation(
            id: "heartbeat",
            method: .post,
            path: "/v1/nodes/{nodeId}/heartbeat",
            summary: "Renew the node's lease and with it all its holds. Sent every 5 s.",
            requestSchema: "Heartbeat",
            answers: [
                .ok("HeartbeatAnswer", "Renewed."), .problem(404, "Not registered."),
                .problem(409, "A newer boot of the node is registered."),
            ],
            handler: heartbeat
        ),
        Operation(
            id: "deleteNode",
            method: .delete,
            path: "/v1/nodes/{nodeId}",
            summary: "Leave, or forget a dead node.",
            answers: [
                .empty("Forgotten."), .problem(404, "No such node."),
                .problem(409, "It lives, and somebody else than itself asks."),
                .problem(412, "If-Match does not hold."),
            ],
            handler: delete
        ),
        Operation(
            id: "drainNode",
            method: .post,
            path: "/v1/nodes/{nodeId}/drain",
            summary: "Start a drain: nothing new, publishers move, what is left at the deadline is closed.",
            requestSchema: "DrainRequest",
            answers: [
                .ok("Node", "It drains; `sessionsLeft` and `safeToTerminate` tell how far it is."),
                .problem(404, "No such node."), .problem(412, "If-Match does not hold."),
            ],
            handler: drain
        ),
        Operation(
            id: "undrainNode",
            method: .delete,
            path: "/v1/nodes/{nodeId}/drain",
            summary: "End a drain: the node takes publishers and players again.",
            answers: [
                .ok("Node", "It does not drain."), .problem(404, "No such node."),
                .problem(412, "If-Match does not hold."),
            ],
            handler: undrain
        ),
    ]

    @Sendable private static func list(_ call: Call) async throws -> Reply {
        let (limit, after) = try call.pageRequest()
        let role = try call.choice("role", NodeRole.self)
        let wanted = try call.choice("state", NodeState.self)
        let group = call.query("group")
        let page = call.coordinator.read { state, now in
            let (keys, next) = Paging.page(of: state.nodes.keys, name: { $0 }, after: after, limit: limit) { id in
                guard let node = state.nodes[id]?.body else { return false }
                return (group == nil || node.group == group) && (role == nil || node.role == role)
                    && (wanted == nil || state.state(of: id, at: now) == wanted)
            }
            return Page(items: keys.compactMap { state.nodeResource($0, at: now) }, nextCursor: next.map(Cursor.encode))
        }
        return try .json(page)
    }

    @Sendable private static func get(_ call: Call) async throws -> Reply {
        let id = try call.name("nodeId", .nodeID)
        let found = call.coordinator.read { state, now in (state.nodeResource(id, at: now), state.nodes[id]?.revision) }
        guard let node = found.0 else { throw Problem.unknownNode(id) }
        return try .json(node, revision: found.1)
    }

    @Sendable private static func register(_ call: Call) async throws -> Reply {
        let id = try call.name("nodeId", .nodeID)
        let registration = try call.decode(NodeRegistration.self)
        if let fault = registration.fault { throw Problem.unprocessable(fault) }
        let answer = try await call.coordinator.register(id, registration, ifMatch: try call.condition())
        return try .json(answer, revision: call.coordinator.read { state, _ in state.nodes[id]?.revision })
    }

    @Sendable private static func heartbeat(_ call: Call) async throws -> Reply {
        let id = try call.name("nodeId", .nodeID)
        let heartbeat = try call.body.withUnsafeReadableBytes(HeartbeatReader.read) ?? call.decode(Heartbeat.self)
        let json = [UInt8](call.body.readableBytesView)
        return try .json(try await call.coordinator.heartbeat(id, heartbeat, json: json))
    }

    /// Without a body: with the default deadline.
    @Sendable private static func drain(_ call: Call) async throws -> Reply {
        let id = try call.name("nodeId", .nodeID)
        let request = call.body.readableBytes == 0 ? DrainRequest() : try call.decode(DrainRequest.self)
        if let fault = request.fault { throw Problem.unprocessable(fault) }
        try await call.coordinator.drain(id, request, ifMatch: try call.condition())
        return try await get(call)
    }

    @Sendable private static func undrain(_ call: Call) async throws -> Reply {
        try await call.coordinator.undrain(try call.name("nodeId", .nodeID), ifMatch: try call.condition())
        return try await get(call)
    }

    @Sendable private static func delete(_ call: Call) async throws -> Reply {
        let id = try call.name("nodeId", .nodeID)
        try await call.coordinator.leave(id, isForgotten: call.role == .admin, ifMatch: try call.condition())
        return .noContent
    }
}

extension NodeRegistration {
    /// The first value that cannot be right, as a sentence; nil when all can.
    var fault: String? {
        let texts = [("bootId", bootId, 128), ("version", version, 64), ("addresses.host", addresses.host, 255)]
        for (name, text, max) in texts where !(1...max).contains(text.utf8.count) {
            return "\(name) has \(text.utf8.count) characters; allowed is 1 to \(max)"
        }
        do throws(NameError) { try NameRules.check(group, role: .group) } catch { return error.description }
        let ports = [
            ("http", addresses.http), ("https", addresses.https), ("rtmp", addresses.rtmp), ("rtmps", addresses.rtmps),
            ("relay", addresses.relay), ("srt", addresses.srt), ("webrtc", addresses.webrtc),
            ("agent", addresses.agent),
        ]
        for case (let name, let port?) in ports where !(1...65535).contains(port) {
            return "addresses.\(name) is \(port); allowed is 1 to 65535, or leave it out when the listener is off"
        }
        return nil
    }
}

extension Operation {
    static let paging: [QueryParameter] = [
        .init(name: "limit", kind: .integer, summary: "Items a page, 1 to 1000; 100 when missing."),
        .init(name: "cursor", summary: "The nextCursor of the page before."),
    ]
}

/// Cursors are opaque to callers, so that what they hold may change.
enum Cursor {
    static func encode(_ key: String) -> String { Base64URL.encode(Array(key.utf8)) }
}
