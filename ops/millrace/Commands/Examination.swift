import ClusterModel
import Foundation
import HTTPClient
import NIOCore
import NIOPosix

/// Asks the control plane and every node, and judges the answers.
struct Examination: Sendable {
    /// Ahead or behind by more, and leases and tickets of that node become doubtful.
    static let clockSkewSecondsMax = 2.0

    let client: ControlPlaneClient

    func run() async -> [Finding] {
        var findings: [Finding] = []
        do {
            let live = try await client.raw("livez")
            findings.append(.well("control plane", "answers at \(client.base.absoluteString)"))
            findings += clock("control plane", live.date)
        } catch {
            return [.wrong("control plane", "\(error)", advice: "start millrace-control or correct --control")]
        }
        findings.append(await store())
        do {
            let nodes: [NodeResource] = try await client.all("v1/nodes")
            findings += roles(nodes)
            for node in nodes { findings += await examine(node) }
        } catch {
            findings.append(.wrong("nodes", "\(error)", advice: "without the list no node could be examined"))
        }
        return findings
    }

    private func store() async -> Finding {
        guard let answer = try? await client.raw("readyz") else {
            return .wrong("store", "/readyz does not answer", advice: "look at the control plane's log")
        }
        if answer.status == 200 { return .well("store", "answers") }
        let reason = (try? JSONDecoder().decode(Problem.self, from: answer.body))?.detail ?? "status \(answer.status)"
        return .wrong(
            "store",
            "the control plane is not ready: \(reason)",
            advice: "is the database of --store up and reachable? running streams go on meanwhile"
        )
    }

    private func roles(_ nodes: [NodeResource]) -> [Finding] {
        let alive = nodes.filter { $0.state == .alive }
        var findings: [Finding] = []
        if !alive.contains(where: { $0.role.takesPublishers }) {
            findings.append(
                .wrong("nodes", "none alive takes publishers", advice: "start a worker with --role origin or hybrid")
            )
        }
        if !alive.contains(where: { $0.role.takesPlayers }) {
            findings.append(
                .wrong("nodes", "none alive takes viewers", advice: "start a worker with --role edge or hybrid")
            )
        }
        return findings
    }

    private func examine(_ node: NodeResource) async -> [Finding] {
        let subject = "node \(node.nodeId)"
        guard node.state != .dead else {
            return [
                .wrong(
                    subject,
                    "no heartbeat for more than 20 s",
                    advice: "restart it, or forget it: DELETE /v1/nodes/\(node.nodeId)"
                )
            ]
        }
        var findings: [Finding] = []
        if node.state != .alive {
            findings.append(.odd(subject, "is \(node.state.rawValue)", advice: "it takes no new sessions"))
        }
        let host = node.addresses.host
        if node.addresses.relay == nil {
            findings.append(
                .wrong(subject, "has no relay port", advice: "without it no other node can pull its streams")
            )
        }
        for (name, port) in [
            ("http", node.addresses.http), ("rtmp", node.addresses.rtmp), ("relay", node.addresses.relay),
        ] {
            if let port { findings.append(await connect(subject, name, host, port)) }
        }
        if let port = node.addresses.http { findings += await readiness(subject, host, port) }
        return findings
    }

    private func connect(_ subject: String, _ listener: String, _ host: String, _ port: Int) async -> Finding {
        do {
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connectTimeout(.seconds(2)).connect(host: host, port: port).get()
            try await channel.close().get()
            return .well(subject, "\(listener) port \(host):\(port) is open")
        } catch {
            return .wrong(
                subject,
                "\(listener) port \(host):\(port) cannot be reached",
                advice: "does a firewall stand between, or is the node's --advertise address wrong?"
            )
        }
    }

    private func readiness(_ subject: String, _ host: String, _ port: Int) async -> [Finding] {
        let authority = host.contains(":") ? "[\(host)]" : host
        guard let url = URL(string: "http://\(authority):\(port)/readyz"),
            let answer = try? await client.http.get(url, timeout: .seconds(3))
        else { return [] }
        let ready: Finding =
            answer.status == 200
            ? .well(subject, "is ready")
            : .odd(subject, "says it is not ready", advice: "it has not registered yet, is draining, or is full")
        return [ready] + clock(subject, answer.date)
    }

    private func clock(_ subject: String, _ date: Date?) -> [Finding] {
        guard let date else { return [] }
        // `Date` has whole seconds.
        let skew = abs(date.timeIntervalSinceNow) - 1
        guard skew > Self.clockSkewSecondsMax else { return [] }
        return [
            .wrong(
                subject,
                "its clock differs from this machine's by \(Int(skew.rounded())) s",
                advice: "run a time service (chrony, systemd-timesyncd) on both"
            )
        ]
    }
}
