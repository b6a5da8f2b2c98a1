import ClaimHistory
import ClusterHarness
import ClusterModel
import Foundation
import HTTPClient
import Synchronization
import Testing

/// Three control planes on one store, asked at random by nodes that race, while they are killed one after the other.
@Suite(.serialized) struct ClaimRaceTests {
    @Test func `claims through control planes that are killed are those of one lock a stream`() async throws {
        let cluster = try await Cluster.start(on: .mongodb)
        for number in 1...2 { try await cluster.startControl(number) }
        // Its relay port is what proves the racing nodes alive.
        let alive = try await cluster.startWorker("alive", .edge)
        let claimants = Claimants(streams: ["live/s1", "live/s2", "live/s3"], nodes: 5, turns: 40, seed: 11)
        let (turns, turnEnded) = AsyncStream<Void>.makeStream()
        let killing = Task { try await killInTurn(cluster, every: 50, of: turns) }
        let service = RunningControlPlanes(cluster, relayPort: alive.ports.relay)
        let histories = await claimants.run(over: service) { turnEnded.yield() }
        turnEnded.finish()
        #expect(try await killing.value >= 3)
        for (stream, history) in histories {
            if let violation = history.violation() {
                Issue.record("\(stream): \(violation.suffix(12))\n\(cluster.logs)")
            }
            #expect(history.owners.count > 4, "\(stream) changed hands")
        }
    }

    /// How many were killed.
    private func killInTurn(_ cluster: Cluster, every count: Int, of turns: AsyncStream<Void>) async throws -> Int {
        var (seen, killed) = (0, 0)
        for await _ in turns {
            seen += 1
            guard seen.isMultiple(of: count) else { continue }
            let victim = killed % 3
            cluster.killControl(victim)
            killed += 1
            try await cluster.startControl(victim)
        }
        return killed
    }
}

private struct RunningControlPlanes: Ownership {
    private let cluster: Cluster
    private let relayPort: Int
    private let client = HTTPClient()

    init(_ cluster: Cluster, relayPort: Int) {
        self.cluster = cluster
        self.relayPort = relayPort
    }

    let planes = 3

    func register(_ boot: Boot, at plane: Int) async -> StreamOperation.Answer {
        var addresses = NodeAddresses(host: "127.0.0.1")
        addresses.relay = relayPort
        let body = NodeRegistration(
            bootId: boot.boot,
            role: .origin,
            group: "default",
            version: "1",
            addresses: addresses
        )
        let answer = await call(.put, "/v1/nodes/\(boot.node)", body, plane)
        return answer?.status == 200 ? .done : .unknown
    }

    func renew(_ boot: Boot, at plane: Int) async {
        let body = Heartbeat(bootId: boot.boot, load: NodeLoad(), holds: [], pulls: [])
        _ = await call(.post, "/v1/nodes/\(boot.node)/heartbeat", body, plane)
    }

    func claim(_ stream: String, _ boot: Boot, claimID: String, at plane: Int) async -> StreamOperation.Answer {
        let body = ClaimRequest(nodeId: boot.node, bootId: boot.boot, claimId: claimID, protocol: "rtmp")
        guard let answer = await call(.post, "/v1/streams/\(stream)/claim", body, plane) else { return .unknown }
        let json = Data(answer.body)
        if answer.status == 201, let grant = try? JSONDecoder().decode(ClaimGrant.self, from: json) {
            return .granted(epoch: grant.epoch)
        }
        return refusal(answer, json)
    }

    func release(_ stream: String, _ boot: Boot, epoch: Int64, at plane: Int) async -> StreamOperation.Answer {
        let body = ReleaseRequest(nodeId: boot.node, bootId: boot.boot, epoch: epoch, reason: .unpublished)
        guard let answer = await call(.post, "/v1/streams/\(stream)/release", body, plane) else { return .unknown }
        return answer.status == 204 ? .done : refusal(answer, Data(answer.body))
    }

    private func refusal(_ answer: HTTPResponse, _ json: Data) -> StreamOperation.Answer {
        guard let problem = try? JSONDecoder().decode(Problem.self, from: json) else { return .unknown }
        return switch problem.kind {
        case .streamInUse: .inUse(owner: problem.owner ?? "")
        case .superseded: .superseded
        default: .unknown
        }
    }

    private func call(
        _ method: HTTPMethod,
        _ path: String,
        _ body: some Encodable,
        _ plane: Int
    ) async -> HTTPResponse? {
        guard let json = try? JSONEncoder().encode(body) else { return nil }
        let request = HTTPRequest(
            method,
            cluster.controlURL(plane) + path,
            headers: [
                HTTPHeader("Authorization", "Bearer \(Cluster.nodeToken)"),
                HTTPHeader("Content-Type", "application/json"),
            ],
            body: [UInt8](json),
            timeout: .seconds(10)
        )
        return try? await client.send(request)
    }
}
