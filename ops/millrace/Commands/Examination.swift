import ClusterModel
import Diagnosis
import Foundation
import HTTPClient
import NIOCore
import NIOPosix
import Observability

/// Asks the control plane, the store behind it and every node. What the answers mean, `Diagnosis` says.
struct Examination: Sendable {
    /// Nodes have a few seconds for ports that do not answer, and tell it at once; with several control planes the news takes
    /// until the next look at the store's leases.
    static let surveyTimeout = Duration.seconds(15)
    private static let surveyPoll = Duration.milliseconds(300)

    let client: ControlPlaneClient

    func run() async -> [Finding] {
        do {
            _ = try await client.raw("livez")
        } catch {
            return [.wrong("control plane", "\(error)", advice: "Start millrace-control, or correct --control.")]
        }
        var facts = ClusterFacts()
        var findings = [Finding.well("control plane", "answers at \(client.base.absoluteString.withoutCredentials)")]
        do {
            let store: StoreResource = try await client.get("v1/store")
            facts.store = store
            facts.nodes = try await client.all("v1/nodes")
            (facts.ports, facts.notReady) = await tryPorts(of: facts.nodes.filter { $0.state != .dead })
            facts.survey = try await survey()
        } catch {
            let advice = "What needs this answer could not be examined."
            findings.append(.wrong("control plane", "\(error)", advice: advice))
            // Without the list of nodes nothing can be said of their roles.
            if facts.nodes.isEmpty { return findings + Diagnosis(facts).findings.filter { $0.subject != "nodes" } }
        }
        return findings + Diagnosis(facts).findings
    }

    /// Nil while the store is away: nobody could be asked.
    private func survey() async throws -> RelaySurvey? {
        guard var survey: RelaySurvey = try await client.post("v1/relay-survey", expecting: 202) else { return nil }
        let deadline = ContinuousClock.now + Self.surveyTimeout
        while !survey.pending.isEmpty, ContinuousClock.now < deadline {
            try await Task.sleep(for: Self.surveyPoll)
            survey = try await client.get("v1/relay-survey")
        }
        return survey
    }

    // MARK: Ports

    private func tryPorts(of nodes: [NodeResource]) async -> ([ClusterFacts.PortTrial], Set<String>) {
        await withTaskGroup(of: ([ClusterFacts.PortTrial], String?).self) { group in
            for node in nodes { group.addTask { await tryPorts(of: node) } }
            var trials: [ClusterFacts.PortTrial] = []
            var notReady: Set<String> = []
            for await (found, unready) in group {
                trials += found
                if let unready { notReady.insert(unready) }
            }
            return (trials.sorted { ($0.nodeID, $0.port) < ($1.nodeID, $1.port) }, notReady)
        }
    }

    private func tryPorts(of node: NodeResource) async -> ([ClusterFacts.PortTrial], String?) {
        let addresses = node.addresses
        var trials: [ClusterFacts.PortTrial] = []
        let listeners = [
            ("http", addresses.clientHost, addresses.http), ("https", addresses.clientHost, addresses.https),
            ("rtmp", addresses.clientHost, addresses.rtmp), ("rtmps", addresses.clientHost, addresses.rtmps),
            ("relay", addresses.host, addresses.relay), ("agent", addresses.host, addresses.agent),
        ]
        for case let (listener, host, port?) in listeners {
            let isOpen = await isOpen(host, port)
            trials.append(
                .init(nodeID: node.nodeId, listener: listener, host: host, port: port, isOpen: isOpen)
            )
        }
        guard let port = addresses.http, await saysNotReady(addresses.clientHost, port) else { return (trials, nil) }
        return (trials, node.nodeId)
    }

    private func isOpen(_ host: String, _ port: Int) async -> Bool {
        do {
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connectTimeout(.seconds(2)).connect(host: host, port: port).get()
            try await channel.close().get()
            return true
        } catch { return false }
    }

    private func saysNotReady(_ host: String, _ port: Int) async -> Bool {
        let authority = host.contains(":") ? "[\(host)]" : host
        guard let url = URL(string: "http://\(authority):\(port)/readyz"),
            let answer = try? await client.http.get(url, timeout: .seconds(3))
        else { return false }
        return answer.status != 200
    }
}
