import ClusterModel
import Coordination
import Domain
import HTTPTypes
import Hummingbird

/// Client URLs as a worker has them: the answer sends the client, with path and query as they are, to the node that
/// `assign` would choose. Open to everybody: the node asks for stream tokens itself.
enum ClientRoutes {
    static let operations: [Operation] = media + rendezvous + [endpoint] + preflights

    private static let group = Operation.QueryParameter(name: "group", summary: "The group nearest to the client.")

    // MARK: Playback over HTTP

    private static let media: [Operation] = [
        operation(
            "playFile",
            .get,
            "/{app}/streams/{object}",
            "A stream's playlist or FLV: see the node in Location.",
            file
        ),
        operation(
            "previewPicture",
            .get,
            "/{app}/previews/{object}",
            "A stream's newest still picture: see its owner in Location.",
            preview
        ),
        operation(
            "playObject",
            .get,
            "/{app}/streams/{id}/{object}",
            "A segment, init segment or MPD: see the node in Location.",
            object
        ),
    ]

    private static func file(_ call: Call) throws -> Reply {
        if call.parameters.get("object")?.hasSuffix(".mp4") == true { return try recording(call) }
        guard let file = ClientFile(name: call.parameters.get("object") ?? "") else { throw nothingHere }
        let stream = try Call.streamID(app: call.parameters.get("app") ?? "", id: file.id)
        return try redirect(call, ClusterState.Wish(stream, for: .play, over: file.protocol, group: try call.group()))
    }

    /// Only the owner of a stream makes pictures of it.
    private static func preview(_ call: Call) throws -> Reply {
        let object = call.parameters.get("object") ?? ""
        guard object.hasSuffix(".jpg") else { throw nothingHere }
        let stream = try Call.streamID(app: call.parameters.get("app") ?? "", id: String(object.dropLast(4)))
        let node = call.coordinator.read { state, now in
            let owner = state.streamResource(stream, at: now)?.originNodeId
            let isMade = state.settings(of: stream.app).previewInterval > 0
            return isMade ? owner.flatMap { state.nodes[$0]?.body.addresses } : nil
        }
        guard let base = node?.webURL else { throw Problem.notFound("There is no preview of '\(stream)'.") }
        return redirect(call, to: base, isLast: true)
    }

    /// Only the node that recorded it has the file.
    private static func recording(_ call: Call) throws -> Reply {
        let key = "\(try app(of: call))/\((call.parameters.get("object") ?? "").dropLast(4))"
        let node = call.coordinator.read { state, _ in
            state.recordings[key].flatMap { stored in
                let isThere = stored.body.isOnNode && stored.body.isUnwanted != true
                return isThere ? state.nodes[stored.body.nodeId]?.body.addresses : nil
            }
        }
        guard let base = node?.webURL else { throw Problem.notFound("No node has the recording '\(key.prefix(260))'.") }
        return redirect(call, to: base, isLast: true)
    }

    private static func object(_ call: Call) throws -> Reply {
        let name = call.parameters.get("object") ?? ""
        let stream = try call.streamID()
        guard NameRules.servedExtensions.contains(where: name.hasSuffix) else { throw nothingHere }
        let kind: AssignedProtocol = name.hasSuffix(".mpd") ? .dash : .hls
        return try redirect(call, ClusterState.Wish(stream, for: .play, over: kind, group: try call.group()))
    }

    // MARK: WHIP and WHEP

    private static let rendezvous: [Operation] = [("whip", ClusterState.Purpose.publish), ("whep", .play)].flatMap {
        (word, purpose) in
        [
            operation(
                "\(word)Offer",
                .post,
                "/{app}/\(word)/{id}",
                "\(purpose == .publish ? "Publish" : "Play") over WebRTC: see the node in Location."
            ) { call in
                let stream = try call.streamID()
                return try redirect(
                    call,
                    ClusterState.Wish(stream, for: purpose, over: .webrtc, group: try call.group())
                )
            },
            operation(
                "\(word)Trickle",
                .patch,
                "/{app}/\(word)/{id}/{session}",
                "Go on with a session: see its node in Location.",
                session
            ),
            operation(
                "\(word)End",
                .delete,
                "/{app}/\(word)/{id}/{session}",
                "End a session: see its node in Location.",
                session
            ),
        ]
    }

    /// `{nodeId}.{secret}`: only that node knows the session.
    private static func session(_ call: Call) throws -> Reply {
        _ = try call.streamID()
        let session = call.parameters.get("session") ?? ""
        guard let dot = session.lastIndex(of: ".") else { throw nothingHere }
        let nodeID = String(session[..<dot])
        let node = call.coordinator.read { state, _ in state.nodes[nodeID]?.body.addresses }
        guard let base = node?.webURL else { throw Problem.notFound("No node has this session.") }
        return redirect(call, to: base)
    }

    // MARK: Ant Media's httpEndpointUrl

    private static let endpoint = Operation(
        id: "clientEndpoint",
        method: .get,
        path: "/{app}/endpoint",
        summary: "The node whose WebSocket a browser should open, in the form of Ant Media's httpEndpointUrl.",
        roles: [],
        query: [
            .init(name: "source", summary: "Who asks; 'sdk'. Not read."),
            .init(name: "id", summary: "The stream's id, when it is known already."),
            .init(
                name: "type",
                kind: .choice(ClusterState.Purpose.allCases.map(\.rawValue)),
                summary: "What the client will do; play when missing."
            ),
            group,
        ],
        answers: [
            .ok("ClientEndpoint", "The node."), .problem(400, "A name or a parameter is not allowed."),
            .problem(404, "No app of this name can be."), .problem(503, "No node can take it now."),
        ],
        handler: { call in
            answering {
                let app = try app(of: call)
                // The rules for the app's name are those of a stream's.
                let known = try Call.streamID(app: app, id: call.query("id") ?? "any")
                let wish = ClusterState.Wish(
                    call.query("id") == nil ? nil : known,
                    for: try call.choice("type", ClusterState.Purpose.self) ?? .play,
                    over: .webrtc,
                    group: try call.group()
                )
                let node = try call.coordinator.place(wish)
                guard let base = node.webURL, let socket = node.webSocketURL else { throw nothingHere }
                return try .json(
                    ClientEndpoint(
                        fqdn: node.clientHost,
                        websocketURL: "\(socket)/\(app)/websocket",
                        httpURL: "\(base)/livez"
                    )
                )
            }
        }
    )

    // MARK: Preflights

    private static let preflights: [Operation] = [
        ("File", "/{app}/streams/{object}"), ("Object", "/{app}/streams/{id}/{object}"),
        ("WhipOffer", "/{app}/whip/{id}"), ("WhepOffer", "/{app}/whep/{id}"),
        ("WhipSession", "/{app}/whip/{id}/{session}"), ("WhepSession", "/{app}/whep/{id}/{session}"),
        ("Endpoint", "/{app}/endpoint"),
    ].map { name, path in
        Operation(
            id: "preflight\(name)",
            method: .options,
            path: path,
            summary: "What browsers ask before they send from another site.",
            roles: [],
            answers: [.empty("Allowed."), .problem(404, "No app of this name can be.")],
            handler: { call in
                answering {
                    _ = try app(of: call)
                    return .noContent
                }
            }
        )
    }

    // MARK: What all share

    private static func operation(
        _ id: String,
        _ method: HTTPRequest.Method,
        _ path: String,
        _ summary: String,
        _ answer: @escaping @Sendable (Call) throws -> Reply
    ) -> Operation {
        Operation(
            id: id,
            method: method,
            path: path,
            summary: summary,
            roles: [],
            query: method == .patch || method == .delete ? [] : [group],
            answers: [
                .init(status: 307, schema: nil, summary: "The node is in Location.", mediaType: "text/plain"),
                .problem(400, "A name is not allowed."), .problem(404, "No node can have this."),
                .problem(503, "No node can take it now."),
            ],
            handler: { call in
                answering {
                    _ = try app(of: call)
                    return try answer(call)
                }
            }
        )
    }

    /// Browsers read a refusal only when it, too, allows their site.
    private static func answering(_ body: () throws -> Reply) -> Reply {
        var reply: Reply
        do { reply = try body() } catch { reply = .problem(error as? Problem ?? .internalError) }
        for (name, value) in CrossOrigin.headers { reply.headers[name] = value }
        return reply
    }

    /// The servers' own paths are no apps: nothing is served there.
    private static func app(of call: Call) throws -> String {
        let app = call.parameters.get("app") ?? ""
        if NameRules.reservedApps.contains(app) { throw nothingHere }
        return app
    }

    private static let nothingHere = Problem.notFound("Nothing is served here. /openapi.json lists what is.")

    private static func redirect(_ call: Call, _ wish: ClusterState.Wish) throws -> Reply {
        guard let base = try call.coordinator.place(wish).webURL else { throw nothingHere }
        return redirect(call, to: base)
    }

    /// `isLast`: no other node can have it, so that one must not send the client back here.
    private static func redirect(_ call: Call, to base: String, isLast: Bool = false) -> Reply {
        let parameters = [call.request.uri.query, isLast ? ClientRedirect.mark : nil].compactMap(\.self)
        let query = parameters.isEmpty ? "" : "?" + parameters.joined(separator: "&")
        let location = base + call.request.uri.path + query
        // The next question may have another answer.
        return Reply(status: .temporaryRedirect, headers: [.location: location, .cacheControl: "no-store"])
    }
}

/// `{id}.m3u8`, `{id}_adaptive.m3u8`, `{id}_{height}p{kbps}kbps.m3u8` or `{id}.flv`.
struct ClientFile: Hashable {
    var id: String
    var `protocol`: AssignedProtocol

    init?(name: String) {
        if name.hasSuffix(".flv") {
            self.init(id: String(name.dropLast(4)), protocol: .httpFlv)
        } else if name.hasSuffix(".m3u8") {
            let stem = String(name.dropLast(5))
            let ending = stem.hasSuffix("_adaptive") ? "_adaptive" : NameRules.renditionSuffix(of: stem) ?? ""
            self.init(id: String(stem.dropLast(ending.count)), protocol: .hls)
        } else {
            return nil
        }
    }

    private init(id: String, protocol: AssignedProtocol) {
        self.id = id
        self.protocol = `protocol`
    }
}

/// The answer that Ant Media's browser SDK expects of its `httpEndpointUrl`.
struct ClientEndpoint: Codable, Sendable {
    var fqdn: String
    var websocketURL: String
    /// Answers HEAD with 200 while the node lives; the SDK waits for that.
    var httpURL: String

    private enum CodingKeys: String, CodingKey {
        case fqdn
        case websocketURL = "websocket_url"
        case httpURL = "http_url"
    }
}

/// Pages of any site may use a client URL, as they may on a worker.
private enum CrossOrigin {
    static let headers: [(HTTPField.Name, String)] = [
        (.accessControlAllowOrigin, "*"),
        (.accessControlAllowMethods, "GET, HEAD, POST, PATCH, DELETE, OPTIONS"),
        (.accessControlAllowHeaders, "Authorization, Content-Type, If-Match"),
        (.accessControlExposeHeaders, "Location, ETag, Link, Retry-After"),
        (.accessControlMaxAge, "86400"),
    ]
}
