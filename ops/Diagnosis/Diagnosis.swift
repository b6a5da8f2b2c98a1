import ClusterModel

/// Judges what was found out, in words: what is wrong, between whom, and what to do about it.
package struct Diagnosis {
    /// Ahead or behind by more, and leases, tickets and resume positions of that node become doubtful.
    package static let clockOffsetMillisecondsMax: Int64 = 1000
    /// A store slower than this delays every claim noticeably.
    package static let storeLatencyMillisecondsMax = 250.0

    private let facts: ClusterFacts

    package init(_ facts: ClusterFacts) { self.facts = facts }

    package var findings: [Finding] { store + roles + facts.nodes.flatMap(node) + ports + survey }

    // MARK: Store

    private var store: [Finding] {
        guard let store = facts.store else { return [] }
        guard store.isReachable else {
            return [
                .wrong(
                    "store",
                    "the control plane cannot use \(store.description): \(store.fault ?? "no answer")",
                    advice: "Start the database or correct --store; running streams go on meanwhile."
                )
            ]
        }
        let latency = "\(store.description) answers in \(Self.shown(store.latencyMilliseconds)) ms"
        var findings: [Finding] = [
            store.latencyMilliseconds <= Self.storeLatencyMillisecondsMax
                ? .well("store", latency)
                : .odd("store", latency, advice: "Claims wait for it: look at the database's load and its distance.")
        ]
        if let offset = store.clockOffsetMilliseconds {
            findings.append(clock("control plane", offset))
        }
        return findings
    }

    private static func shown(_ milliseconds: Double) -> String {
        milliseconds < 10 ? "\((milliseconds * 10).rounded() / 10)" : "\(Int(milliseconds.rounded()))"
    }

    private func clock(_ subject: String, _ offset: Int64) -> Finding {
        let off = offset.magnitude
        guard off > Self.clockOffsetMillisecondsMax else {
            return .well(subject, "its clock agrees with the store's to \(off) ms")
        }
        let seconds = Double(off / 100) / 10
        return .wrong(
            subject,
            "its clock is \(seconds) s \(offset > 0 ? "ahead of" : "behind") the store's",
            advice: "Run a time service there (chrony, systemd-timesyncd); relay tickets and leases are dated."
        )
    }

    // MARK: Nodes

    private var roles: [Finding] {
        let alive = facts.nodes.filter { $0.state == .alive }
        var findings: [Finding] = []
        if !alive.contains(where: { $0.role.takesPublishers }) {
            let advice = "Start a worker with --role origin or hybrid."
            findings.append(.wrong("nodes", "none alive takes publishers", advice: advice))
        }
        if !alive.contains(where: { $0.role.takesPlayers }) {
            findings.append(
                .wrong("nodes", "none alive takes viewers", advice: "Start a worker with --role edge or hybrid.")
            )
        }
        return findings
    }

    private func node(_ node: NodeResource) -> [Finding] {
        let subject = "node \(node.nodeId)"
        guard node.state != .dead else {
            let advice = "Restart it, or forget it: DELETE /v1/nodes/\(node.nodeId)."
            return [.wrong(subject, "no heartbeat for more than 20 s", advice: advice)]
        }
        var findings: [Finding] = []
        if node.state != .alive {
            findings.append(.odd(subject, "is \(node.state.rawValue)", advice: "It takes no new sessions."))
        } else if facts.notReady.contains(node.nodeId) {
            let advice = "It has not registered yet, is draining, or is full: ask its /readyz why."
            findings.append(.odd(subject, "says it is not ready", advice: advice))
        }
        if node.addresses.relay == nil {
            let advice = "Without --relay-port no other node can pull its streams."
            findings.append(.wrong(subject, "has no relay port", advice: advice))
        }
        if let offset = node.clockOffsetMilliseconds { findings.append(clock(subject, offset)) }
        return findings
    }

    private var ports: [Finding] {
        facts.ports.map { trial in
            let subject = "node \(trial.nodeID)"
            let place = "\(trial.listener) port \(Self.authority(trial.host, trial.port))"
            guard !trial.isOpen else { return .well(subject, "\(place) is open from here") }
            return .wrong(
                subject,
                "\(place) cannot be reached from here",
                advice: "Open TCP \(trial.port) to it, or check --advertise and --public-host on \(trial.nodeID)."
            )
        }
    }

    // MARK: Between nodes

    private var survey: [Finding] {
        guard let survey = facts.survey else { return [] }
        let mute: [Finding] = survey.pending.map { nodeID in
            let advice = "Look at its log: it did not take the control plane's question, or runs another version."
            return .odd("node \(nodeID)", "did not say in time which relay ports it reaches", advice: advice)
        }
        return survey.links.map(link) + mute
    }

    private func link(_ link: RelaySurvey.Link) -> Finding {
        let (from, target) = (link.from, link.probe.target)
        let place = Self.authority(target.host, target.relay)
        let words = "\(from) cannot reach \(target.nodeId)'s relay port \(place)"
        let path = "Open TCP \(target.relay) between them, or check --advertise on \(target.nodeId)."
        switch link.probe.outcome {
        case .reachable:
            let words = "\(from) reaches \(target.nodeId)'s relay port \(place) in \(link.probe.milliseconds) ms"
            return .well("relay", words)
        case .refused: return .wrong("relay", "\(words): connection refused", advice: path)
        case .timedOut:
            return .wrong("relay", "\(words): no answer within \(link.probe.milliseconds) ms", advice: path)
        case .wrongToken:
            return .wrong(
                "relay",
                "\(target.nodeId) refuses \(from)'s tickets: the two have different node tokens",
                advice: "Give both the node token of this control plane (MILLRACE_NODE_TOKEN or --node-token-file)."
            )
        case .failed:
            return .wrong(
                "relay",
                "\(words): \(link.probe.detail ?? "the connection broke")",
                advice: "Check --advertise, --relay-port, --relay-tls and --relay-ca on \(target.nodeId)."
            )
        }
    }

    private static func authority(_ host: String, _ port: Int) -> String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}
