/// One Server-Sent Event of `/v1/watch`. The SSE `event` field is the case's name, `id` the revision, `data` its JSON.
package enum WatchEvent: Hashable, Sendable {
    /// First on every connection that could not be resumed: everything the watcher must know starts from here.
    case snapshot(WatchSnapshot)
    /// The watched node changed: state, group, the groups above it, directives. Or a node it pulls from drains.
    case node(NodeChange)
    /// A hold of the watched node belongs to somebody else now.
    case lost(LostHold)
    /// A stream the node carries or asked for has a new owner, status, ladder or end.
    case stream(StreamChange)
    /// An app's settings changed.
    case app(AppChange)
    /// Nothing happened for a while; proves that the connection lives.
    case ping(Ping)

    package struct Ping: Codable, Hashable, Sendable {
        package init() {}
    }

    package struct NodeChange: Codable, Hashable, Sendable {
        package var nodeId: String
        package var group: String
        /// The parent of the group, its parent, and so on; nil where it is not told.
        package var ancestors: [String]?
        package var state: NodeState
        package var directives: [Directive]

        package init(
            nodeId: String,
            group: String,
            ancestors: [String]? = nil,
            state: NodeState,
            directives: [Directive]
        ) {
            self.nodeId = nodeId
            self.group = group
            self.ancestors = ancestors
            self.state = state
            self.directives = directives
        }
    }

    package struct StreamChange: Codable, Hashable, Sendable {
        package var app: String
        package var id: String
        package var epoch: Int64
        package var status: StreamStatus
        package var originNodeId: String?
        /// Another node, where a publisher stands by.
        package var standbyNodeId: String?
        /// The stream's own ladder; nil: the app's.
        package var encoderSettings: [EncoderSetting]?

        package init(
            app: String,
            id: String,
            epoch: Int64,
            status: StreamStatus,
            originNodeId: String?,
            standbyNodeId: String? = nil,
            encoderSettings: [EncoderSetting]? = nil
        ) {
            self.app = app
            self.id = id
            self.epoch = epoch
            self.status = status
            self.originNodeId = originNodeId
            self.standbyNodeId = standbyNodeId
            self.encoderSettings = encoderSettings
        }
    }

    package struct AppChange: Codable, Hashable, Sendable {
        package var app: String
        package var settings: AppSettings

        package init(app: String, settings: AppSettings) {
            self.app = app
            self.settings = settings
        }
    }

    /// The `event` field.
    package var name: String {
        switch self {
        case .snapshot: "snapshot"
        case .node: "node"
        case .lost: "lost"
        case .stream: "stream"
        case .app: "app"
        case .ping: "ping"
        }
    }

    /// The value behind the `data` field.
    package var body: any Encodable & Sendable {
        switch self {
        case .snapshot(let body): body
        case .node(let body): body
        case .lost(let body): body
        case .stream(let body): body
        case .app(let body): body
        case .ping(let body): body
        }
    }
}

package struct WatchSnapshot: Codable, Hashable, Sendable {
    package var node: WatchEvent.NodeChange?
    package var apps: [String: AppSettings]
    package var streams: [WatchEvent.StreamChange]
    /// The nodes it pulls from: that one of them drains or moved to another group may have been told while nobody listened.
    package var parents: [WatchEvent.NodeChange]?

    package init(
        node: WatchEvent.NodeChange?,
        apps: [String: AppSettings],
        streams: [WatchEvent.StreamChange],
        parents: [WatchEvent.NodeChange]? = nil
    ) {
        self.node = node
        self.apps = apps
        self.streams = streams
        self.parents = parents
    }
}
