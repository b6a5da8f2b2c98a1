import ICE
import Synchronization

/// Finds the session a datagram is for: by the user fragment of its check, then by where it comes from. From any thread.
final class PeerDirectory: Sendable {
    fileprivate struct Tables {
        var byFragment: [String: PeerConnection] = [:]
        var byPath: [TransportPath: PeerConnection] = [:]
        var bySecret: [String: PeerConnection] = [:]
        var halfOpen = HalfOpenSessions()
        /// Players among the half open, by who asked, oldest first.
        var awaited: [HalfOpenSessions.Client: [PeerConnection]] = [:]
        var unprovenConnections = 0
    }

    private let tables = Mutex(Tables())

    /// Why too many sessions are half open for another one; nil when it is admitted.
    ///
    /// When all places are taken, `ousted` gives its own to it: the oldest of a client that has more of them than this one.
    func admit(_ client: HalfOpenSessions.Client, limits: WebRTCLimits) -> (refusal: String?, ousted: PeerConnection?) {
        tables.withLock { tables in
            let ousted = tables.halfOpen.isFull(limits) ? tables.oust(for: client) : nil
            return (tables.halfOpen.take(for: client, limits: limits), ousted)
        }
    }

    /// What was admitted has become no session.
    func settled(_ client: HalfOpenSessions.Client) { tables.withLock { $0.halfOpen.giveBack(of: client) } }

    /// The session of a player that was admitted waits for its peer.
    func awaits(_ peer: PeerConnection, of client: HalfOpenSessions.Client) {
        tables.withLock { $0.awaited[client, default: []].append(peer) }
    }

    /// A session that was admitted has proved itself, or is over before it did. One that was ousted has no place any more.
    func settled(_ peer: PeerConnection, of client: HalfOpenSessions.Client, isPlayer: Bool) {
        tables.withLock { tables in
            if isPlayer, !tables.forget(awaited: peer, of: client) { return }
            tables.halfOpen.giveBack(of: client)
        }
    }

    /// False when too many TCP connections have shown no signed check.
    func admitConnection(limit: Int) -> Bool {
        tables.withLock { tables in
            guard tables.unprovenConnections < limit else { return false }
            tables.unprovenConnections += 1
            return true
        }
    }

    /// A connection that was admitted has been taken by a session, or is closed.
    func connectionSettled() { tables.withLock { $0.unprovenConnections -= 1 } }

    func add(_ peer: PeerConnection, secret: String, fragment: String) {
        tables.withLock { tables in
            tables.bySecret[secret] = peer
            tables.byFragment[fragment] = peer
        }
    }

    /// An ICE restart: the former fragment stays until the session says which are left.
    func add(_ peer: PeerConnection, fragment: String) { tables.withLock { $0.byFragment[fragment] = peer } }

    func learn(_ paths: [TransportPath], of peer: PeerConnection) {
        tables.withLock { tables in for path in paths { tables.byPath[path] = peer } }
    }

    func forget(_ paths: [TransportPath], of peer: PeerConnection) {
        tables.withLock { tables in
            for path in paths where tables.byPath[path] === peer { tables.byPath[path] = nil }
        }
    }

    func forget(fragment: String, of peer: PeerConnection) {
        tables.withLock { tables in
            if tables.byFragment[fragment] === peer { tables.byFragment[fragment] = nil }
        }
    }

    func remove(_ peer: PeerConnection, secret: String, fragments: [String], paths: [TransportPath]) {
        tables.withLock { tables in
            tables.bySecret[secret] = nil
            for fragment in fragments where tables.byFragment[fragment] === peer { tables.byFragment[fragment] = nil }
            for path in paths where tables.byPath[path] === peer { tables.byPath[path] = nil }
        }
    }

    func peer(fragment: Substring) -> PeerConnection? { tables.withLock { $0.byFragment[String(fragment)] } }
    func peer(path: TransportPath) -> PeerConnection? { tables.withLock { $0.byPath[path] } }
    func peer(secret: String) -> PeerConnection? { tables.withLock { $0.bySecret[secret] } }
    var all: [PeerConnection] { tables.withLock { Array($0.bySecret.values) } }
}

extension PeerDirectory.Tables {
    mutating func oust(for client: HalfOpenSessions.Client) -> PeerConnection? {
        let own = halfOpen.count(of: client)
        guard let crowd = awaited.max(by: { $0.value.count < $1.value.count }), crowd.value.count > own,
            let oldest = crowd.value.first
        else { return nil }
        _ = forget(awaited: oldest, of: crowd.key)
        halfOpen.giveBack(of: crowd.key)
        return oldest
    }

    /// False when it is not awaited.
    mutating func forget(awaited peer: PeerConnection, of client: HalfOpenSessions.Client) -> Bool {
        guard let place = awaited[client]?.firstIndex(where: { $0 === peer }) else { return false }
        awaited[client]?.remove(at: place)
        if awaited[client]?.isEmpty == true { awaited[client] = nil }
        return true
    }
}
