package import Timebase

/// `POST /v1/streams/{app}/{id}/claim`: an origin asks to own a stream.
package struct ClaimRequest: Codable, Hashable, Sendable {
    package var nodeId: String
    package var bootId: String
    /// Made by the claimant; a repeated claim with the same id is the same claim.
    package var claimId: String
    package var `protocol`: String
    package var remoteAddress: String?
    /// The epoch the claimant holds already: after an outage the same boot is granted the same hold unchanged.
    package var epoch: Int64?

    package init(
        nodeId: String,
        bootId: String,
        claimId: String,
        protocol: String,
        remoteAddress: String? = nil,
        epoch: Int64? = nil
    ) {
        self.epoch = epoch
        self.nodeId = nodeId
        self.bootId = bootId
        self.claimId = claimId
        self.protocol = `protocol`
        self.remoteAddress = remoteAddress
    }
}

/// 201 to a claim.
package struct ClaimGrant: Codable, Hashable, Sendable {
    package var app: String
    package var id: String
    package var nodeId: String
    /// The owner's, also where that is another node.
    package var epoch: Int64
    /// The node that owns the stream, when nothing is granted yet: the publisher stands by, and the same claim is made again
    /// until it is granted.
    package var standsByFor: String?
    package var leaseSeconds: Int
    /// Where to continue when the stream lived before.
    package var resume: StreamPosition?
    package var appSettings: AppSettings
    /// The stream's own ladder; nil: the app's.
    package var encoderSettings: [EncoderSetting]?
    /// What else the grantee is to do for the stream.
    package var order: StreamOrder?

    package init(
        app: String,
        id: String,
        nodeId: String,
        epoch: Int64,
        standsByFor: String? = nil,
        leaseSeconds: Int,
        resume: StreamPosition?,
        appSettings: AppSettings,
        encoderSettings: [EncoderSetting]? = nil,
        order: StreamOrder? = nil
    ) {
        self.app = app
        self.id = id
        self.nodeId = nodeId
        self.epoch = epoch
        self.standsByFor = standsByFor
        self.leaseSeconds = leaseSeconds
        self.resume = resume
        self.appSettings = appSettings
        self.encoderSettings = encoderSettings
        self.order = order
    }
}

/// `POST /v1/streams/{app}/{id}/release`.
package struct ReleaseRequest: Codable, Hashable, Sendable {
    package enum Reason: String, Choice {
        /// The publisher said it is done: the stream is finished.
        case unpublished
        /// The publisher did not come back within the grace: the stream is finished.
        case publisherLost
        /// This node gives the stream up; another may take it.
        case draining
    }

    package var nodeId: String
    package var bootId: String
    /// The hold to end. Missing: the one that `claimId` made.
    package var epoch: Int64?
    /// The claim whose answer, and with it the epoch, was lost: the hold it may have made is ended, and no other.
    package var claimId: String?
    package var reason: Reason
    /// Where a next publisher continues.
    package var next: StreamPosition?

    package init(
        nodeId: String,
        bootId: String,
        epoch: Int64? = nil,
        claimId: String? = nil,
        reason: Reason,
        next: StreamPosition? = nil
    ) {
        self.nodeId = nodeId
        self.bootId = bootId
        self.epoch = epoch
        self.claimId = claimId
        self.reason = reason
        self.next = next
    }
}

/// `POST /v1/streams/{app}/{id}/route`: a node asks where to pull a stream from.
package struct RouteRequest: Codable, Hashable, Sendable {
    package var nodeId: String
    package var bootId: String
    /// Parents the asker could not use; not offered again for a while.
    package var failed: [String]?
    package var haveEpoch: Int64?

    package init(nodeId: String, bootId: String, failed: [String]? = nil, haveEpoch: Int64? = nil) {
        self.nodeId = nodeId
        self.bootId = bootId
        self.failed = failed
        self.haveEpoch = haveEpoch
    }
}

package struct RouteAnswer: Codable, Hashable, Sendable {
    package struct Parent: Codable, Hashable, Sendable {
        package var nodeId: String
        package var host: String
        package var relay: Int
        /// The relay port takes TLS only. Missing: it is plain.
        package var relayTLS: Bool?
        /// The group it was in when the route was told.
        package var group: String?

        package init(nodeId: String, host: String, relay: Int, relayTLS: Bool? = nil, group: String? = nil) {
            self.nodeId = nodeId
            self.host = host
            self.relay = relay
            self.relayTLS = relayTLS
            self.group = group
        }
    }

    /// What the parent is to the asker.
    package enum Tier: String, Codable, Sendable {
        /// The owner itself.
        case origin
        /// The secondary origin of the asker's group.
        case secondary
        /// Another node that has the stream.
        case peer
    }

    package var epoch: Int64
    package var parent: Parent
    package var tier: Tier
    /// True when the asker is now its group's secondary origin for this stream.
    package var secondaryForGroup: Bool
    /// Shows the parent that the control plane sent the asker; see `RelayTicket`.
    package var ticket: String
    package var revision: Int64
    /// The stream's own ladder; nil: the app's.
    package var encoderSettings: [EncoderSetting]?

    package init(
        epoch: Int64,
        parent: Parent,
        tier: Tier,
        secondaryForGroup: Bool,
        ticket: String,
        revision: Int64,
        encoderSettings: [EncoderSetting]? = nil
    ) {
        self.epoch = epoch
        self.parent = parent
        self.tier = tier
        self.secondaryForGroup = secondaryForGroup
        self.ticket = ticket
        self.revision = revision
        self.encoderSettings = encoderSettings
    }
}

package enum StreamStatus: String, Codable, CaseIterable, Sendable {
    /// Made by REST and not published yet.
    case created
    case broadcasting
    /// The publisher broke off and may come back within the grace.
    case interrupted
    case finished
}

/// A stream as `GET /v1/streams` shows it.
package struct StreamResource: Codable, Hashable, Sendable {
    package struct RelayLink: Codable, Hashable, Sendable {
        package var nodeId: String
        package var from: String
        package var group: String

        package init(nodeId: String, from: String, group: String) {
            self.nodeId = nodeId
            self.from = from
            self.group = group
        }
    }

    package var app: String
    package var id: String
    package var status: StreamStatus
    package var epoch: Int64
    /// The current owner, null when there is none.
    package var originNodeId: String?
    package var startedAt: WallTime?
    package var endedAt: WallTime?
    package var tracks: [TrackDescription]
    package var viewers: ViewerCounts
    package var relayTree: [RelayLink]
    /// Null when nothing is recorded.
    package var recording: RecordingStatus?
    package var restreams: [RestreamResource]
    /// Null when somebody publishes it.
    package var source: SourceResource?
    /// Its own ladder; null when it has the app's.
    package var encoderSettings: [EncoderSetting]?

    package init(
        app: String,
        id: String,
        status: StreamStatus,
        epoch: Int64,
        originNodeId: String?,
        startedAt: WallTime?,
        endedAt: WallTime?,
        tracks: [TrackDescription],
        viewers: ViewerCounts,
        relayTree: [RelayLink],
        recording: RecordingStatus? = nil,
        restreams: [RestreamResource] = [],
        source: SourceResource? = nil,
        encoderSettings: [EncoderSetting]? = nil
    ) {
        self.app = app
        self.id = id
        self.status = status
        self.epoch = epoch
        self.originNodeId = originNodeId
        self.startedAt = startedAt
        self.endedAt = endedAt
        self.tracks = tracks
        self.viewers = viewers
        self.relayTree = relayTree
        self.recording = recording
        self.restreams = restreams
        self.source = source
        self.encoderSettings = encoderSettings
    }

    private enum CodingKeys: String, CodingKey {
        case app, id, status, epoch, originNodeId, startedAt, endedAt, tracks, viewers, relayTree
        case recording, restreams, source, encoderSettings
    }

    /// Writes what is unknown as null: readers may rely on the keys.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(app, forKey: .app)
        try container.encode(id, forKey: .id)
        try container.encode(status, forKey: .status)
        try container.encode(epoch, forKey: .epoch)
        try container.encode(originNodeId, forKey: .originNodeId)
        try container.encode(startedAt, forKey: .startedAt)
        try container.encode(endedAt, forKey: .endedAt)
        try container.encode(tracks, forKey: .tracks)
        try container.encode(viewers, forKey: .viewers)
        try container.encode(relayTree, forKey: .relayTree)
        try container.encode(recording, forKey: .recording)
        try container.encode(restreams, forKey: .restreams)
        try container.encode(source, forKey: .source)
        try container.encode(encoderSettings, forKey: .encoderSettings)
    }
}

/// `GET /v1/assign/{publish,play}`.
package struct Assignment: Codable, Hashable, Sendable {
    package struct Candidate: Codable, Hashable, Sendable {
        package var nodeId: String
        /// Higher is better.
        package var score: Double
        /// Why it could not be chosen, nil when it could.
        package var refused: String?

        package init(nodeId: String, score: Double, refused: String?) {
            self.nodeId = nodeId
            self.score = score
            self.refused = refused
        }

        private enum CodingKeys: String, CodingKey { case nodeId, score, refused }

        package func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(nodeId, forKey: .nodeId)
            try container.encode(score, forKey: .score)
            try container.encode(refused, forKey: .refused)
        }
    }

    package var nodeId: String
    package var group: String
    /// By protocol: `rtmp`, `rtmps`, `httpFlv`, `hls`, `dash`, `webrtc`, `srt`, as far as the node serves them.
    package var urls: [String: String]
    package var explain: [Candidate]?

    package init(nodeId: String, group: String, urls: [String: String], explain: [Candidate]? = nil) {
        self.nodeId = nodeId
        self.group = group
        self.urls = urls
        self.explain = explain
    }
}
