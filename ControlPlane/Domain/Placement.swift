package import ClusterModel
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
        let candidates = nodes.keys.sorted().compactMap { candidate($0, wish, nearest: chain, at: now) }
        let chosen = try choose(among: candidates, wish, using: &random)
        var urls = wish.stream.map { StreamURLs.all(of: $0, on: chosen.node.addresses, for: wish.purpose) } ?? [:]
        if let app = wish.stream?.app, settings(of: app).hlsSegmentType == .mpegts { urls["dash"] = nil }
        return Assignment(
            nodeId: chosen.node.nodeId,
            group: chosen.node.group,
            urls: urls,
            explain: explain ? candidates.sorted { $0.isShownBefore($1) }.map(\.shown) : nil
        )
    }

    /// A player was sent to the node: until its next heartbeat this alone says so.
    package mutating func noteAssigned(_ nodeID: String, for purpose: Purpose) {
        guard purpose == .play, leases[nodeID] != nil else { return }
        assigned[nodeID, default: 0] += 1
    }

    private func choose(
        among candidates: [Candidate],
        _ wish: Wish,
        using random: inout some RandomNumberGenerator
    ) throws(Problem) -> Candidate {
        let eligible = candidates.filter { $0.shown.refused == nil }
        let best = eligible.map(\.rank).max() ?? 0
        let finalists = eligible.filter { $0.rank == best }
        // Two random choices spread a burst of equal questions better than always naming the least loaded.
        guard let first = finalists.randomElement(using: &random), let second = finalists.randomElement(using: &random)
        else {
            // Anybody may ask this: which nodes there are is none of their business.
            let counts = Dictionary(grouping: candidates, by: { $0.shown.refused ?? "" }).mapValues(\.count)
            let reasons = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(5)
                .map { "\($0.value) \($0.value == 1 ? "node" : "nodes"): \($0.key)" }.joined(separator: "; ")
            throw .unavailable(
                "No node can take this \(wish.purpose.rawValue) now"
                    + (reasons.isEmpty ? ": none is registered." : " (\(reasons)).")
            )
        }
        return second.shown.score > first.shown.score ? second : first
    }

    private struct Candidate {
        var node: NodeRecord
        var shown: Assignment.Candidate
        /// Nodes of the highest rank are chosen among by load.
        var rank: Int

        func isShownBefore(_ other: Candidate) -> Bool {
            let (mine, others) = (shown.refused == nil, other.shown.refused == nil)
            if mine != others { return mine }
            return rank != other.rank ? rank > other.rank : shown.score > other.shown.score
        }
    }

    /// Above this a node that has the stream already is not preferred to one that would have to pull it.
    private static let warmLoadMax = 0.7

    private func candidate(_ nodeID: String, _ wish: Wish, nearest chain: [String], at now: WallTime) -> Candidate? {
        guard let node = nodes[nodeID]?.body else { return nil }
        let load = utilisation(of: nodeID) + loadOfAssigned(to: nodeID)
        // The asked group is as near as can be, each step up to a parent group is one further, all others are far.
        let nearness = chain.firstIndex(of: node.group).map { chain.count - $0 } ?? 0
        let isWarm = load < Self.warmLoadMax && wish.stream.map { carriers[$0]?.contains(nodeID) == true } ?? false
        let closeness = chain.isEmpty ? 1 : Double(nearness) / Double(chain.count)
        let score = (1 - min(1, load)) * 0.6 + closeness * 0.25 + (isWarm ? 0.15 : 0)
        let isPreferred = wish.purpose == .play && isWarm
        let rank = nearness * 2 + (isPreferred ? 1 : 0)
        return Candidate(
            node: node,
            shown: Assignment.Candidate(
                nodeId: nodeID,
                score: (score * 100).rounded() / 100,
                refused: refusal(of: node, wish, at: now)
            ),
            rank: isPlaceOfBackup(nodeID, wish) ? Int.max : rank
        )
    }

    /// A publisher stands by at the stream's owner: nowhere else does it see the first one fall silent.
    private func isPlaceOfBackup(_ nodeID: String, _ wish: Wish) -> Bool {
        guard wish.purpose == .publish, let stream = wish.stream else { return false }
        return settings(of: stream.app).secondPublisher == .standBy && owned[nodeID]?.contains(stream) == true
    }

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
        let report = leases[node.nodeId]?.report
        let full = (wish.purpose == .publish ? report?.closedToPublishers : report?.closedToPlayers) ?? []
        if !full.isEmpty { return "full: \(full.joined(separator: ", "))" }
        guard shareOfCapacity(of: node.nodeId, for: wish.purpose) < 1 else { return "over its limits" }
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

    /// Of what the node registered. How busy its machine may be, it judges itself, and says when it is full. Viewers are
    /// nothing to a publisher.
    func shareOfCapacity(of nodeID: String, for purpose: Purpose = .play) -> Double {
        guard let load = leases[nodeID]?.report?.load else { return 0 }
        let capacity = nodes[nodeID]?.body.registration.capacity
        let egress = capacity?.egressBitsPerSecond.map { Double(load.egressBitsPerSecond) / Double(max(1, $0)) }
        let viewers = capacity?.viewers.map { Double(load.viewers.total) / Double(max(1, $0)) }
        return max(egress ?? 0, purpose == .play ? viewers ?? 0 : 0)
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
