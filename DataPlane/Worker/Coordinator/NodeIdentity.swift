package import ClusterModel
package import Timebase

/// Who this worker is in the cluster.
package struct NodeIdentity: Sendable {
    package var nodeID: String
    /// One run of the process.
    package var bootID: String
    package var role: NodeRole
    package var relayKey: RelayKey
    /// Makes ids for claims.
    package var makeID: @Sendable () -> String

    package init(
        nodeID: String,
        bootID: String,
        role: NodeRole,
        relayKey: RelayKey,
        makeID: @escaping @Sendable () -> String
    ) {
        self.nodeID = nodeID
        self.bootID = bootID
        self.role = role
        self.relayKey = relayKey
        self.makeID = makeID
    }

    /// The ticket the control plane gave, or, when that has run out, one of our own.
    func ticket(for stream: StreamID, offered: String, at now: WallTime) -> String {
        if (try? RelayTicket.verify(offered, for: stream, with: relayKey, at: now + .seconds(5))) != nil {
            return offered
        }
        return RelayTicket(stream: stream, child: nodeID, expiresAt: now + RelayTicket.lifetime).signed(with: relayKey)
    }
}

/// The worker's clocks, injected so that tests can turn them.
package struct WorkerClock: Sendable {
    package var now: @Sendable () -> MonotonicInstant
    package var wall: @Sendable () -> WallTime
    /// Waits; false when the task was cancelled meanwhile.
    package var sleep: @Sendable (Duration) async -> Bool

    package init(
        now: @escaping @Sendable () -> MonotonicInstant,
        wall: @escaping @Sendable () -> WallTime,
        sleep: @escaping @Sendable (Duration) async -> Bool
    ) {
        self.now = now
        self.wall = wall
        self.sleep = sleep
    }
}
