package import Timebase

/// `POST /v1/nodes/{nodeId}/heartbeat`, every five seconds. Renews the node's one lease and with it all its holds.
package struct Heartbeat: Codable, Hashable, Sendable {
    package var bootId: String
    package var load: NodeLoad
    /// Streams this node owns.
    package var holds: [Hold]
    /// Streams this node relays from another.
    package var pulls: [Pull]
    /// Connections that would be cut if the process ended now.
    package var sessions: Int
    /// What this node knows of each stream it carries.
    package var streams: [StreamReport]
    /// The sender's clock when it sent this.
    package var sentAt: WallTime?
    /// Set by the control plane when this arrives: the sender's clock less the store's.
    package var clockOffsetMilliseconds: Int64?
    /// What the sender found when it was last asked to try relay ports; for a minute.
    package var relayProbes: RelayProbeReport?
    /// True when the sender takes nothing new because it drains.
    package var isDraining: Bool?
    /// Why the sender takes nothing new, in words; absent while it is within its limits.
    package var full: [String]?
    /// Renditions the sender cannot encode beside the others; each for a minute.
    package var renditionsGivenUp: [RenditionChange]?
    /// What this node does for streams beside serving them.
    package var work: [StreamWork]?

    package init(
        bootId: String,
        load: NodeLoad,
        holds: [Hold] = [],
        pulls: [Pull] = [],
        sessions: Int = 0,
        streams: [StreamReport] = [],
        sentAt: WallTime? = nil,
        relayProbes: RelayProbeReport? = nil,
        isDraining: Bool? = nil,
        full: [String]? = nil,
        renditionsGivenUp: [RenditionChange]? = nil,
        work: [StreamWork]? = nil
    ) {
        self.bootId = bootId
        self.load = load
        self.holds = holds
        self.pulls = pulls
        self.sessions = sessions
        self.streams = streams
        self.sentAt = sentAt
        self.relayProbes = relayProbes
        self.isDraining = isDraining
        self.full = full
        self.renditionsGivenUp = renditionsGivenUp
        self.work = work
    }

    private enum CodingKeys: String, CodingKey {
        case bootId, load, holds, pulls, sessions, streams, sentAt, clockOffsetMilliseconds, relayProbes
        case isDraining, full, renditionsGivenUp, work
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        bootId = try container.decode(String.self, forKey: .bootId)
        load = try container.decodeIfPresent(NodeLoad.self, forKey: .load) ?? NodeLoad()
        holds = try container.decodeIfPresent([Hold].self, forKey: .holds) ?? []
        pulls = try container.decodeIfPresent([Pull].self, forKey: .pulls) ?? []
        sessions = try container.decodeIfPresent(Int.self, forKey: .sessions) ?? 0
        streams = try container.decodeIfPresent([StreamReport].self, forKey: .streams) ?? []
        sentAt = try container.decodeIfPresent(WallTime.self, forKey: .sentAt)
        clockOffsetMilliseconds = try container.decodeIfPresent(Int64.self, forKey: .clockOffsetMilliseconds)
        relayProbes = try container.decodeIfPresent(RelayProbeReport.self, forKey: .relayProbes)
        isDraining = try container.decodeIfPresent(Bool.self, forKey: .isDraining)
        full = try container.decodeIfPresent([String].self, forKey: .full)
        renditionsGivenUp = try container.decodeIfPresent([RenditionChange].self, forKey: .renditionsGivenUp)
        work = try container.decodeIfPresent([StreamWork].self, forKey: .work)
    }
}

/// A stream the sender owns, and where a successor would go on.
package struct Hold: Codable, Hashable, Sendable {
    package var app: String
    package var id: String
    package var epoch: Int64
    package var next: StreamPosition?

    package init(app: String, id: String, epoch: Int64, next: StreamPosition? = nil) {
        self.app = app
        self.id = id
        self.epoch = epoch
        self.next = next
    }
}

/// Something that happened to one rendition of a stream.
package struct RenditionChange: Codable, Hashable, Sendable {
    package var app: String
    package var id: String
    package var rendition: String
    /// Counts such changes since the node's boot: one that is told again is the same.
    package var number: Int

    package init(app: String, id: String, rendition: String, number: Int) {
        self.app = app
        self.id = id
        self.rendition = rendition
        self.number = number
    }
}

/// Where the next owner of a stream continues it.
package struct StreamPosition: Codable, Hashable, Sendable {
    /// Media sequence number of the next segment.
    package var sequence: UInt64
    /// Discontinuity sequence of the next segment.
    package var discontinuity: UInt64
    /// Seconds on the stream's timeline.
    package var mediaTime: Double

    /// The relay's limit too. What another node says is cut to it, so that counting on from there never overflows.
    package static let numberMax: UInt64 = 1 << 46

    package init(sequence: UInt64, discontinuity: UInt64, mediaTime: Double) {
        self.sequence = sequence
        self.discontinuity = discontinuity
        self.mediaTime = mediaTime
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        sequence = min(try container.decode(UInt64.self, forKey: .sequence), Self.numberMax)
        discontinuity = min(try container.decode(UInt64.self, forKey: .discontinuity), Self.numberMax)
        mediaTime = try container.decode(Double.self, forKey: .mediaTime)
    }
}

/// A stream the sender pulls, and from which node.
package struct Pull: Codable, Hashable, Sendable {
    package var app: String
    package var id: String
    package var epoch: Int64
    package var from: String

    package init(app: String, id: String, epoch: Int64, from: String) {
        self.app = app
        self.id = id
        self.epoch = epoch
        self.from = from
    }
}

/// One node's view of one stream it carries, owned or pulled.
package struct StreamReport: Codable, Hashable, Sendable {
    package var app: String
    package var id: String
    package var epoch: Int64
    /// Connections by protocol, exact. `hls` and `dash` stay 0: those are estimated from `segmentFetches`.
    package var viewers: ViewerCounts
    /// First fetches of a video segment, for the newest few segments.
    package var segmentFetches: [SegmentFetches]
    /// Only from the owner.
    package var tracks: [TrackDescription]?
    /// Only from the owner: false while the publisher is away and its grace runs.
    package var isBroadcasting: Bool?
    /// Only from the owner: how often its publisher went away; nil for never.
    package var interruptions: Int?

    package init(
        app: String,
        id: String,
        epoch: Int64,
        viewers: ViewerCounts,
        segmentFetches: [SegmentFetches] = [],
        tracks: [TrackDescription]? = nil,
        isBroadcasting: Bool? = nil,
        interruptions: Int? = nil
    ) {
        self.app = app
        self.id = id
        self.epoch = epoch
        self.viewers = viewers
        self.segmentFetches = segmentFetches
        self.tracks = tracks
        self.isBroadcasting = isBroadcasting
        self.interruptions = interruptions
    }
}

package struct SegmentFetches: Codable, Hashable, Sendable {
    package var sequence: UInt64
    package var hls: Int
    package var dash: Int

    package init(sequence: UInt64, hls: Int, dash: Int) {
        self.sequence = sequence
        self.hls = hls
        self.dash = dash
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        sequence = try container.decode(UInt64.self, forKey: .sequence)
        hls = min(max(try container.decode(Int.self, forKey: .hls), 0), ViewerCounts.countMax)
        dash = min(max(try container.decode(Int.self, forKey: .dash), 0), ViewerCounts.countMax)
    }
}

/// A track as the API shows it.
package struct TrackDescription: Codable, Hashable, Sendable {
    package var kind: String
    package var codec: String
    package var width: Int?
    package var height: Int?
    package var sampleRate: Int?
    package var channels: Int?

    package init(
        kind: String,
        codec: String,
        width: Int? = nil,
        height: Int? = nil,
        sampleRate: Int? = nil,
        channels: Int? = nil
    ) {
        self.kind = kind
        self.codec = codec
        self.width = width
        self.height = height
        self.sampleRate = sampleRate
        self.channels = channels
    }
}

/// Answer to a heartbeat.
package struct HeartbeatAnswer: Codable, Hashable, Sendable {
    package var state: NodeState
    /// Holds of the heartbeat that belong to somebody else now.
    package var lost: [LostHold]
    package var directives: [Directive]
    package var revision: Int64
    /// What the receiver is to do for streams; nil for nothing.
    package var orders: [StreamOrder]?
    /// Recordings (`app/name`) whose files the receiver is to remove; nil for none.
    package var unwantedRecordings: [String]?

    package init(
        state: NodeState,
        lost: [LostHold],
        directives: [Directive],
        revision: Int64,
        orders: [StreamOrder]? = nil,
        unwantedRecordings: [String]? = nil
    ) {
        self.state = state
        self.lost = lost
        self.directives = directives
        self.revision = revision
        self.orders = orders
        self.unwantedRecordings = unwantedRecordings
    }
}

/// A hold the receiver must fence: `epoch` is the newer one; `by` is its owner, nil when the stream has ended.
package struct LostHold: Codable, Hashable, Sendable {
    package var app: String
    package var id: String
    package var epoch: Int64
    package var by: String?

    package init(app: String, id: String, epoch: Int64, by: String?) {
        self.app = app
        self.id = id
        self.epoch = epoch
        self.by = by
    }
}

/// Something the control plane wants a node to do.
package struct Directive: Codable, Hashable, Sendable {
    package enum Kind: String, Codable, Sendable {
        /// Repeated as long as it holds; a node's state without it ends the drain.
        case drain
        /// Try the relay ports of `targets` and tell in the next heartbeats what came of it.
        case probeRelays
    }

    package var type: Kind
    /// Seconds the drain may still take.
    package var deadline: Int?
    /// Whether another node could take this one's publishers: without one they stay, also past the deadline.
    package var hasReplacement: Bool?
    /// The survey that the answers to a `probeRelays` belong to.
    package var surveyId: Int64?
    package var targets: [ProbeTarget]?

    package init(
        type: Kind,
        deadline: Int? = nil,
        hasReplacement: Bool? = nil,
        surveyId: Int64? = nil,
        targets: [ProbeTarget]? = nil
    ) {
        self.type = type
        self.deadline = deadline
        self.hasReplacement = hasReplacement
        self.surveyId = surveyId
        self.targets = targets
    }
}
