package import ClusterModel
package import Timebase

/// Which node a client should use.
extension ClusterState {
    package enum Purpose: String, Sendable {
        case publish
        case play
    }

    package func assign(
        _ stream: StreamID,
        for purpose: Purpose,
        group: String?,
        explain: Bool,
        at now: WallTime,
        using random: inout some RandomNumberGenerator
    ) throws(Problem) -> Assignment {
        let candidates = nodes.keys.sorted().compactMap { candidate($0, stream, purpose, group, at: now) }
        let eligible = candidates.filter { $0.shown.refused == nil }
        let best = eligible.map(\.rank).max() ?? 0
        let finalists = eligible.filter { $0.rank == best }
        // Two random choices spread a burst of equal questions better than always naming the least loaded.
        guard let first = finalists.randomElement(using: &random), let second = finalists.randomElement(using: &random)
        else {
            let reasons = candidates.map { "\($0.shown.nodeId): \($0.shown.refused ?? "")" }.prefix(5).joined(
                separator: "; "
            )
            throw .unavailable(
                "No node can take this \(purpose.rawValue) now"
                    + (reasons.isEmpty ? ": none is registered." : " (\(reasons)).")
            )
        }
        let chosen = second.shown.score > first.shown.score ? second : first
        return Assignment(
            nodeId: chosen.node.nodeId,
            group: chosen.node.group,
            urls: StreamURLs.all(of: stream, on: chosen.node.addresses, for: purpose),
            explain: explain ? candidates.map(\.shown).sorted { $0.score > $1.score } : nil
        )
    }

    private struct Candidate {
        var node: NodeRecord
        var shown: Assignment.Candidate
        /// Nodes of the highest rank are chosen among by load.
        var rank: Int
    }

    /// Above this a node that has the stream already is not preferred to one that would have to pull it.
    private static let warmLoadMax = 0.7

    private func candidate(
        _ nodeID: String,
        _ stream: StreamID,
        _ purpose: Purpose,
        _ group: String?,
        at now: WallTime
    ) -> Candidate? {
        guard let node = nodes[nodeID]?.body else { return nil }
        let load = utilisation(of: nodeID)
        let isNear = group == nil || node.group == group
        let isWarm = carriers[stream]?.contains(nodeID) == true
        let score = (1 - min(1, load)) * 0.6 + (isNear ? 0.25 : 0) + (isWarm ? 0.15 : 0)
        let isPreferred = purpose == .play && isWarm && load < Self.warmLoadMax
        return Candidate(
            node: node,
            shown: Assignment.Candidate(
                nodeId: nodeID,
                score: (score * 100).rounded() / 100,
                refused: refusal(of: node, purpose, at: now)
            ),
            rank: (isNear ? 2 : 0) + (isPreferred ? 1 : 0)
        )
    }

    func refusal(of node: NodeRecord, _ purpose: Purpose, at now: WallTime) -> String? {
        let state = state(of: node.nodeId, at: now)
        guard state == .alive else { return state.rawValue }
        switch purpose {
        case .publish where !node.role.takesPublishers: return "role edge takes no publishers"
        case .play where !node.role.takesPlayers: return "role origin is not given players"
        case .publish, .play: break
        }
        let full = leases[node.nodeId]?.report?.full ?? []
        if !full.isEmpty { return "full: \(full.joined(separator: ", "))" }
        guard utilisation(of: node.nodeId) < 1 else { return "over its limits" }
        if purpose == .publish, let max = node.registration.capacity?.publishers,
            leases[node.nodeId]?.report?.load.publishers ?? 0 >= max
        {
            return "at its limit of \(max) publishers"
        }
        return nil
    }

    /// The fullest of a node's resources, 0 to 1 and above.
    func utilisation(of nodeID: String) -> Double {
        guard let load = leases[nodeID]?.report?.load else { return 0 }
        let capacity = nodes[nodeID]?.body.registration.capacity
        let egress = capacity?.egressBitsPerSecond.map { Double(load.egressBitsPerSecond) / Double(max(1, $0)) }
        let viewers = capacity?.viewers.map { Double(load.viewers.total) / Double(max(1, $0)) }
        return max(load.cpu, load.memory, egress ?? 0, viewers ?? 0)
    }
}

/// The client URLs of a stream on a node.
package enum StreamURLs {
    package static func all(
        of stream: StreamID,
        on addresses: NodeAddresses,
        for purpose: ClusterState.Purpose
    ) -> [String: String] {
        let host = addresses.clientHost.contains(":") ? "[\(addresses.clientHost)]" : addresses.clientHost
        let (app, id) = (stream.app, stream.id)
        var urls: [String: String] = [:]
        urls["rtmp"] = addresses.rtmp.map { "rtmp://\(host):\($0)/\(app)/\(id)" }
        urls["rtmps"] = addresses.rtmps.map { "rtmps://\(host):\($0)/\(app)/\(id)" }
        let request = purpose == .publish ? "#!::r=\(app)/\(id),m=publish" : "\(app)/\(id)"
        urls["srt"] = addresses.srt.map { "srt://\(host):\($0)?streamid=\(request)" }
        let web = addresses.https.map { "https://\(host):\($0)" } ?? addresses.http.map { "http://\(host):\($0)" }
        let rendezvous = purpose == .publish ? "whip" : "whep"
        if addresses.webrtc != nil { urls["webrtc"] = web.map { "\($0)/\(app)/\(rendezvous)/\(id)" } }
        guard purpose == .play, let web else { return urls }
        urls["httpFlv"] = "\(web)/\(app)/streams/\(id).flv"
        urls["hls"] = "\(web)/\(app)/streams/\(id).m3u8"
        return urls
    }
}
