package import Timebase

/// What a worker does in the cluster.
package enum NodeRole: String, Choice {
    case origin
    case edge
    /// Origin and edge at once.
    case hybrid

    package var takesPublishers: Bool { self != .edge }
    package var takesPlayers: Bool { self != .origin }
}

package enum NodeState: String, Codable, CaseIterable, Sendable {
    case alive
    case draining
    case drained
    /// No heartbeat for more than the lease, judged by the store's clock.
    case dead
}

/// Where a node listens. A missing port is a listener that is off.
package struct NodeAddresses: Codable, Hashable, Sendable {
    /// Host other nodes reach it at.
    package var host: String
    /// Host clients reach it at, when different.
    package var publicHost: String?
    package var http: Int?
    package var https: Int?
    package var rtmp: Int?
    package var rtmps: Int?
    package var relay: Int?
    /// The relay port takes TLS only. Missing: it is plain.
    package var relayTLS: Bool?
    package var srt: Int?
    package var webrtc: Int?
    package var agent: Int?

    package init(host: String, publicHost: String? = nil) {
        self.host = host
        self.publicHost = publicHost
    }

    package var clientHost: String { publicHost ?? host }

    /// Scheme, host and port for clients of the node's HTTP listener: the one with TLS for those that have come over TLS,
    /// where there is one. Nil without a listener.
    package func httpOrigin(isTLS: Bool) -> String? {
        let name = clientHost.contains(":") ? "[\(clientHost)]" : clientHost
        if isTLS || http == nil, let https { return "https://\(name):\(https)" }
        return http.map { "http://\(name):\($0)" }
    }
}

/// What a node can carry. A missing limit is no limit.
package struct NodeCapacity: Codable, Hashable, Sendable {
    package var cores: Int?
    package var egressBitsPerSecond: Int64?
    package var viewers: Int?
    package var publishers: Int?
    /// Nodes that may pull one stream from it. Over the group's setting.
    package var relayChildren: Int?

    package init(
        cores: Int? = nil,
        egressBitsPerSecond: Int64? = nil,
        viewers: Int? = nil,
        publishers: Int? = nil,
        relayChildren: Int? = nil
    ) {
        self.cores = cores
        self.egressBitsPerSecond = egressBitsPerSecond
        self.viewers = viewers
        self.publishers = publishers
        self.relayChildren = relayChildren
    }
}

/// Viewers by protocol. Relay pulls are never viewers.
package struct ViewerCounts: Codable, Hashable, Sendable {
    package var rtmp = 0
    package var httpFlv = 0
    package var hls = 0
    package var dash = 0
    package var webrtc = 0
    package var srt = 0

    package init() {}

    /// What another node says is cut to this: no sum over protocols, streams and nodes overflows.
    package static let countMax = 1 << 40

    package var total: Int { rtmp + httpFlv + hls + dash + webrtc + srt }

    private enum CodingKeys: String, CodingKey { case rtmp, httpFlv, hls, dash, webrtc, srt, total }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        func count(_ key: CodingKeys) throws -> Int {
            min(max(try container.decodeIfPresent(Int.self, forKey: key) ?? 0, 0), Self.countMax)
        }
        rtmp = try count(.rtmp)
        httpFlv = try count(.httpFlv)
        hls = try count(.hls)
        dash = try count(.dash)
        webrtc = try count(.webrtc)
        srt = try count(.srt)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(rtmp, forKey: .rtmp)
        try container.encode(httpFlv, forKey: .httpFlv)
        try container.encode(hls, forKey: .hls)
        try container.encode(dash, forKey: .dash)
        try container.encode(webrtc, forKey: .webrtc)
        try container.encode(srt, forKey: .srt)
        try container.encode(total, forKey: .total)
    }

    package static func + (lhs: Self, rhs: Self) -> Self {
        var sum = lhs
        sum.rtmp += rhs.rtmp
        sum.httpFlv += rhs.httpFlv
        sum.hls += rhs.hls
        sum.dash += rhs.dash
        sum.webrtc += rhs.webrtc
        sum.srt += rhs.srt
        return sum
    }
}

package struct NodeLoad: Codable, Hashable, Sendable {
    /// Share of its machine's cores that the node uses, 0 to 1, over the last 5 s.
    package var cpu = 0.0
    /// Share of the memory budget in use, 0 to 1.
    package var memory = 0.0
    package var egressBitsPerSecond: Int64 = 0
    package var publishers = 0
    package var viewers = ViewerCounts()
    package var encoderQueueDepth = 0
    /// Share of real time for which its slowest encoder works, 0 to 1: what its speed leaves no room for.
    package var encoderUse = 0.0

    /// What a node says of itself is cut to this, its shares to 0 to 1: nothing that is made of them overflows.
    package static let countMax = 1 << 50

    package init() {}

    private enum CodingKeys: String, CodingKey {
        case cpu, memory, egressBitsPerSecond, publishers, viewers, encoderQueueDepth, encoderUse
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        func share(_ key: CodingKeys) throws -> Double {
            min(max(try container.decodeIfPresent(Double.self, forKey: key) ?? 0, 0), 1)
        }
        func count(_ key: CodingKeys) throws -> Int {
            min(max(try container.decodeIfPresent(Int.self, forKey: key) ?? 0, 0), Self.countMax)
        }
        cpu = try share(.cpu)
        memory = try share(.memory)
        egressBitsPerSecond = Int64(try count(.egressBitsPerSecond))
        publishers = try count(.publishers)
        viewers = try container.decodeIfPresent(ViewerCounts.self, forKey: .viewers) ?? ViewerCounts()
        encoderQueueDepth = try count(.encoderQueueDepth)
        encoderUse = try share(.encoderUse)
    }
}

/// `PUT /v1/nodes/{nodeId}`.
package struct NodeRegistration: Codable, Hashable, Sendable {
    /// One run of the worker process. A new boot of a node supersedes the old one.
    package var bootId: String
    package var role: NodeRole
    package var group: String
    package var version: String
    package var addresses: NodeAddresses
    package var capacity: NodeCapacity?

    package init(
        bootId: String,
        role: NodeRole,
        group: String,
        version: String,
        addresses: NodeAddresses,
        capacity: NodeCapacity? = nil
    ) {
        self.bootId = bootId
        self.role = role
        self.group = group
        self.version = version
        self.addresses = addresses
        self.capacity = capacity
    }
}

/// Answer to a registration.
package struct NodeRegistered: Codable, Hashable, Sendable {
    package var nodeId: String
    package var group: String
    package var state: NodeState
    package var leaseSeconds: Int
    package var heartbeatSeconds: Int
    package var revision: Int64
    /// Settings of every app that was set up, by app name.
    package var apps: [String: AppSettings]

    package init(
        nodeId: String,
        group: String,
        state: NodeState,
        leaseSeconds: Int,
        heartbeatSeconds: Int,
        revision: Int64,
        apps: [String: AppSettings]
    ) {
        self.nodeId = nodeId
        self.group = group
        self.state = state
        self.leaseSeconds = leaseSeconds
        self.heartbeatSeconds = heartbeatSeconds
        self.revision = revision
        self.apps = apps
    }
}

/// A node as `GET /v1/nodes` shows it.
package struct NodeResource: Codable, Hashable, Sendable {
    package var nodeId: String
    package var role: NodeRole
    package var group: String
    package var state: NodeState
    package var bootId: String
    package var version: String
    package var addresses: NodeAddresses
    package var capacity: NodeCapacity?
    package var load: NodeLoad
    package var lastHeartbeatAt: WallTime?
    package var sessionsLeft: Int
    package var safeToTerminate: Bool
    /// Streams the node owns now.
    package var streams: Int
    /// The node's clock less the store's, at its last heartbeat.
    package var clockOffsetMilliseconds: Int64?
    /// Time its last heartbeat waited for the store, as the control plane that answered it saw.
    package var storeMilliseconds: Double?
    /// What the node said it takes nothing new of, for its limits.
    package var closed: Closed?

    package init(
        nodeId: String,
        role: NodeRole,
        group: String,
        state: NodeState,
        bootId: String,
        version: String,
        addresses: NodeAddresses,
        capacity: NodeCapacity?,
        load: NodeLoad,
        lastHeartbeatAt: WallTime?,
        sessionsLeft: Int,
        safeToTerminate: Bool,
        streams: Int,
        clockOffsetMilliseconds: Int64? = nil,
        storeMilliseconds: Double? = nil,
        closed: Closed? = nil
    ) {
        self.closed = closed
        self.storeMilliseconds = storeMilliseconds
        self.nodeId = nodeId
        self.role = role
        self.group = group
        self.state = state
        self.bootId = bootId
        self.version = version
        self.addresses = addresses
        self.capacity = capacity
        self.load = load
        self.lastHeartbeatAt = lastHeartbeatAt
        self.sessionsLeft = sessionsLeft
        self.safeToTerminate = safeToTerminate
        self.streams = streams
        self.clockOffsetMilliseconds = clockOffsetMilliseconds
    }
}

/// `POST /v1/nodes/{nodeId}/drain`.
package struct DrainRequest: Codable, Hashable, Sendable {
    package static let deadlineDefault = 300
    package static let deadlineMax = 86_400

    /// Seconds after which what is left is closed.
    package var deadline: Int

    package init(deadline: Int = DrainRequest.deadlineDefault) { self.deadline = deadline }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        deadline = try container.decodeIfPresent(Int.self, forKey: .deadline) ?? Self.deadlineDefault
    }

    package var fault: String? {
        (0...Self.deadlineMax).contains(deadline)
            ? nil : "deadline is \(deadline) s; allowed is 0 to \(Self.deadlineMax)"
    }
}
