package import ClusterModel
import OrderedCollections
package import Timebase

/// Which node a client should use.
extension ClusterState {
    package enum Purpose: String, CaseIterable, Sendable {
        case publish
        case play
    }

    /// What a client wants of a node.
    package struct Wish: Sendable {
        /// Nil: any stream, for a client that names it later.
        package var stream: StreamID?
        package var purpose: Purpose
        /// Nil: any protocol will do.
        package var `protocol`: AssignedProtocol?
        /// The group nearest to the client.
        package var group: String?

        package init(
            _ stream: StreamID?,
            for purpose: Purpose,
            over protocol: AssignedProtocol? = nil,
            group: String? = nil
        ) {
            self.stream = stream
            self.purpose = purpose
            self.protocol = `protocol`
            self.group = group
        }
    }

    package func assign(
        _ wish: Wish,
        explain: Bool = false,
        at now: WallTime,
        using random: inout some RandomNumberGenerator
    ) throws(Problem) -> Assignment {
        let chain = wish.group.map { [$0] + ancestors(of: $0) } ?? []
        guard let chosen = choose(wish, nearest: chain, at: now, using: &random) else { throw noneTakes(wish, at: now) }
        var urls = wish.stream.map { StreamURLs.all(of: $0, on: chosen.addresses, for: wish.purpose) } ?? [:]
        if let app = wish.stream?.app, settings(of: app).hlsSegmentType == .mpegts { urls["dash"] = nil }
        return Assignment(
            nodeId: chosen.nodeId,
            group: chosen.group,
            urls: urls,
            explain: explain ? candidates(wish, nearest: chain, at: now) : nil
        )
    }

    /// A player was sent to the node: until its next heartbeat this alone says so.
    package mutating func noteAssigned(_ nodeID: String, for purpose: Purpose) {
        guard purpose == .play, leases[nodeID] != nil else { return }
        assigned[nodeID, default: 0] += 1
    }

    /// Nearest groups first, and in each the nodes that have the stream before those that would have to pull it.
    private func choose(
        _ wish: Wish,
        nearest chain: [String],
        at now: WallTime,
        using random: inout some RandomNumberGenerator
    ) -> NodeRecord? {
        if let place = placeOfBackup(wish), refusal(of: place, wish, at: now) == nil { return place }
        for group in chain.map(Optional.some) + [nil] {
            let warm = wish.purpose == .play ? wish.stream.flatMap { carriers[$0] } : nil
            let chosen =
                draw(from: NodePool([warm ?? []]), wish, at: now, using: &random) {
                    (group == nil || $0.group == group) && load(of: $0.nodeId) < Self.warmLoadMax
                } ?? draw(from: pool(of: group, for: wish.purpose), wish, at: now, using: &random) { _ in true }
            if let chosen { return chosen }
        }
        return nil
    }

    private func pool(of group: String?, for purpose: Purpose) -> NodePool {
        let roles = NodeRole.allCases.filter { purpose == .play ? $0.takesPlayers : $0.takesPublishers }
        if let group { return NodePool(roles.compactMap { members[ScalingTarget(group: group, role: $0)] }) }
        return NodePool(members.filter { roles.contains($0.key.role) }.map(\.value))
    }

    /// The less loaded of two: random choices spread a burst of equal questions better than always naming the least loaded.
    private func draw(
        from pool: NodePool,
        _ wish: Wish,
        at now: WallTime,
        using random: inout some RandomNumberGenerator,
        where isWanted: (NodeRecord) -> Bool
    ) -> NodeRecord? {
        let drawn = pool.drawTwo(using: &random) { nodeID in
            guard let node = nodes[nodeID]?.body else { return false }
            return isWanted(node) && refusal(of: node, wish, at: now) == nil
        }
        guard let (first, second) = drawn else { return nil }
        return nodes[load(of: second) < load(of: first) ? second : first]?.body
    }

    /// A publisher stands by at the stream's owner: nowhere else does it see the first one fall silent.
    private func placeOfBackup(_ wish: Wish) -> NodeRecord? {
        guard wish.purpose == .publish, let stream = wish.stream, settings(of: stream.app).secondPublisher == .standBy,
            let owner = streams[stream]?.body.owner
        else { return nil }
        return nodes[owner.nodeId]?.body
    }

    private func noneTakes(_ wish: Wish, at now: WallTime) -> Problem {
        // Anybody may ask this: which nodes there are is none of their business.
        var counts: [String: Int] = [:]
        for node in nodes.values { counts[refusal(of: node.body, wish, at: now) ?? "", default: 0] += 1 }
        let reasons = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(5)
            .map { "\($0.value) \($0.value == 1 ? "node" : "nodes"): \($0.key)" }.joined(separator: "; ")
        return .unavailable(
            "No node can take this \(wish.purpose.rawValue) now"
                + (reasons.isEmpty ? ": none is registered." : " (\(reasons)).")
        )
    }

    /// All nodes for who asks for an explanation, those first that could be chosen, and the best of them before others.
    private func candidates(_ wish: Wish, nearest chain: [String], at now: WallTime) -> [Assignment.Candidate] {
        nodes.keys.sorted().compactMap { candidate($0, wish, nearest: chain, at: now) }.sorted {
            ($0.refused == nil) != ($1.refused == nil) ? $0.refused == nil : $0.score > $1.score
        }
    }

    /// Above this a node that has the stream already is not preferred to one that would have to pull it.
    private static let warmLoadMax = 0.7

    /// The score says what `choose` does: however loaded, a nearer node is before one that is further, and of those that are as
    /// near, one that has the stream is before one that has not.
    private func candidate(
        _ nodeID: String,
        _ wish: Wish,
        nearest chain: [String],
        at now: WallTime
    ) -> Assignment.Candidate? {
        guard let node = nodes[nodeID]?.body else { return nil }
        let load = load(of: nodeID)
        // The asked group is as near as can be, each step up to a parent group is one further, all others are far.
        let nearness = chain.firstIndex(of: node.group).map { chain.count - $0 } ?? 0
        let isWarm = load < Self.warmLoadMax && wish.stream.map { carriers[$0]?.contains(nodeID) == true } ?? false
        let rank = nearness * 2 + (wish.purpose == .play && isWarm ? 1 : 0)
        let score = (Double(rank) + 1 - min(1, load)) / Double(chain.count * 2 + 2)
        return Assignment.Candidate(
            nodeId: nodeID,
            score: placeOfBackup(wish)?.nodeId == nodeID ? 1 : (score * 1000).rounded() / 1000,
            refused: refusal(of: node, wish, at: now)
        )
    }

    private func load(of nodeID: String) -> Double { utilisation(of: nodeID) + loadOfAssigned(to: nodeID) }

    func refusal(of node: NodeRecord, _ wish: Wish, at now: WallTime) -> String? {
        let state = state(of: node.nodeId, at: now)
        guard state == .alive else { return state.rawValue }
        // Taken in service again while its process ends, or not heard from since.
        guard leases[node.nodeId]?.report?.isDraining != true else { return "says that it drains" }
        switch wish.purpose {
        case .publish where !node.role.takesPublishers: return "role edge takes no publishers"
        case .play where !node.role.takesPlayers: return "role origin is not given players"
        case .publish, .play: break
        }
        if let kind = wish.protocol, !kind.isServed(at: node.addresses) {
            return "has no listener for \(kind.rawValue)"
        }
        let full = leases[node.nodeId]?.report?.full ?? []
        if !full.isEmpty { return "full: \(full.joined(separator: ", "))" }
        guard shareOfCapacity(of: node.nodeId) < 1 else { return "over its limits" }
        if wish.purpose == .publish, let max = node.registration.capacity?.publishers,
            leases[node.nodeId]?.report?.load.publishers ?? 0 >= max
        {
            return "at its limit of \(max) publishers"
        }
        return nil
    }

    /// The fullest of a node's resources, 0 to 1 and above.
    func utilisation(of nodeID: String) -> Double {
        guard let load = leases[nodeID]?.report?.load else { return 0 }
        return max(load.cpu, load.memory, shareOfCapacity(of: nodeID))
    }

    /// What the players will add that were sent to the node and that it has not counted yet.
    private func loadOfAssigned(to nodeID: String) -> Double {
        guard let count = assigned[nodeID] else { return 0 }
        let viewersMax = nodes[nodeID]?.body.registration.capacity?.viewers ?? limits.viewersDefault
        return Double(count) / Double(max(1, viewersMax))
    }

    /// Of what the node registered. How busy its machine may be, it judges itself, and says when it is full.
    func shareOfCapacity(of nodeID: String) -> Double {
        guard let load = leases[nodeID]?.report?.load else { return 0 }
        let capacity = nodes[nodeID]?.body.registration.capacity
        let egress = capacity?.egressBitsPerSecond.map { Double(load.egressBitsPerSecond) / Double(max(1, $0)) }
        let viewers = capacity?.viewers.map { Double(load.viewers.total) / Double(max(1, $0)) }
        return max(egress ?? 0, viewers ?? 0)
    }

    /// The parent group, its parent, and so on.
    func ancestors(of group: String) -> [String] {
        var found: [String] = []
        var name = groups[group]?.body.settings.parent
        while let current = name, current != group, !found.contains(current) {
            found.append(current)
            name = groups[current]?.body.settings.parent
        }
        return found
    }
}
