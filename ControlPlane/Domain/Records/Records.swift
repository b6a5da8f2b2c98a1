package import ClusterModel
package import Timebase

/// What the store keeps of a node. Its load lies beside its lease.
package struct NodeRecord: Codable, Hashable, Sendable {
    package var nodeId: String
    package var registration: NodeRegistration
    /// Grows with each boot.
    package var bootNumber: Int64
    package var bootedAt: WallTime
    /// Boots that were superseded, newest last.
    package var formerBoots: [String]
    /// The group an operator put it in, over the one it registers with; outlives its boots.
    package var assignedGroup: String?
    /// Set while the node is to take nothing new. A new boot begins without.
    package var drain: Drain?
    /// When the control plane that had this boot's watch saw it close. A later heartbeat, or a watch elsewhere, says more.
    package var watchClosedAt: WallTime?

    package struct Drain: Codable, Hashable, Sendable {
        package var startedAt: WallTime
        /// When what is left is closed.
        package var endsAt: WallTime
        /// Set where autoscaling asked for it; it takes back no other drain.
        package var isForScaling: Bool?
    }

    package var bootId: String { registration.bootId }
    package var group: String { assignedGroup ?? registration.group }
    package var role: NodeRole { registration.role }
    package var addresses: NodeAddresses { registration.addresses }
}

/// What the store keeps of a stream: who owns it, and how it ended.
package struct StreamRecord: Codable, Hashable, Sendable {
    package struct Owner: Codable, Hashable, Sendable {
        package var nodeId: String
        package var bootId: String
        package var claimId: String
        package var `protocol`: String
        package var remoteAddress: String?
        package var claimedAt: WallTime
    }

    /// The one node of a group that pulls the stream from outside the group.
    package struct Secondary: Codable, Hashable, Sendable {
        package var nodeId: String
        package var bootId: String
        package var since: WallTime
    }

    package var app: String
    package var id: String
    package var epoch: Int64
    package var owner: Owner?
    /// Of another node, whose publisher takes over when this owner gives up or is gone.
    package var standby: Owner?
    /// Whose publisher ended the stream; has its last segments for a while.
    package var lastOwner: Owner?
    package var startedAt: WallTime?
    /// Set while nobody owns the stream and another may take it.
    package var interruptedAt: WallTime?
    /// Set when the stream is finished.
    package var endedAt: WallTime?
    /// Where on the stream's timeline this epoch began, and when.
    package var began: StreamPosition?
    package var beganAt: WallTime?
    /// Where the next epoch begins, as the last owner left it.
    package var next: StreamPosition?
    /// By group.
    package var secondaries: [String: Secondary]
    /// Tracks when it ended; while it lives its owner's heartbeat tells them.
    package var tracks: [TrackDescription]
    /// Made by REST: stays readable after it finished.
    package var isPermanent: Bool
    /// What was wished for by REST.
    package var settings: StreamSettings?
    /// Who is to fetch a stream that has a source.
    package var placement: Placement?

    package struct Placement: Codable, Hashable, Sendable {
        package var nodeId: String
        package var bootId: String
        package var since: WallTime
    }

    package init(app: String, id: String, epoch: Int64) {
        self.app = app
        self.id = id
        self.epoch = epoch
        secondaries = [:]
        tracks = []
        isPermanent = false
    }
}

package struct GroupRecord: Codable, Hashable, Sendable {
    package var name: String
    package var settings: GroupSettings
}

/// The last time somebody asked which node reaches which. The answers come with the heartbeats.
package struct RelaySurveyRecord: Codable, Hashable, Sendable {
    package static let key = "relay-survey"

    package var id: Int64
    package var startedAt: WallTime
}

package struct AppRecord: Codable, Hashable, Sendable {
    package var app: String
    package var settings: AppSettings
}
