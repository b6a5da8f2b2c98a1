import ClusterModel
import Diagnosis
import Testing
import Timebase

/// What the doctor says of what was found: the words are the product.
@Suite struct DiagnosisTests {
    private static func node(_ id: String, state: NodeState = .alive, offset: Int64? = 3) -> NodeResource {
        var addresses = NodeAddresses(host: "10.0.1.11")
        addresses.relay = 5000
        return NodeResource(
            nodeId: id,
            role: .hybrid,
            group: "g",
            state: state,
            bootId: "b",
            version: "1",
            addresses: addresses,
            capacity: nil,
            load: NodeLoad(),
            lastHeartbeatAt: nil,
            sessionsLeft: 0,
            safeToTerminate: false,
            streams: 0,
            clockOffsetMilliseconds: offset
        )
    }

    private static func survey(_ outcome: ProbedLink.Outcome, _ detail: String? = nil) -> RelaySurvey {
        let target = ProbeTarget(nodeId: "origin1", host: "10.0.1.11", relay: 5000)
        let probe = ProbedLink(target: target, outcome: outcome, milliseconds: 3000, detail: detail)
        return RelaySurvey(
            id: 1,
            startedAt: WallTime(milliseconds: 0),
            pending: [],
            links: [.init(from: "edge21", probe: probe)]
        )
    }

    private func words(_ facts: ClusterFacts, _ severity: Finding.Severity) -> [String] {
        Diagnosis(facts).findings.filter { $0.severity == severity }.map { "\($0.subject): \($0.message)" }
    }

    @Test(
        arguments: [
            (.refused, nil, "relay: edge21 cannot reach origin1's relay port 10.0.1.11:5000: connection refused"),
            (
                .timedOut, nil,
                "relay: edge21 cannot reach origin1's relay port 10.0.1.11:5000: no answer within 3000 ms"
            ),
            (.wrongToken, nil, "relay: origin1 refuses edge21's tickets: the two have different node tokens"),
            (.failed, "it sang", "relay: edge21 cannot reach origin1's relay port 10.0.1.11:5000: it sang"),
        ] as [(ProbedLink.Outcome, String?, String)]
    )
    func `a link that does not work is wrong, and said in words`(
        outcome: ProbedLink.Outcome,
        detail: String?,
        wanted: String
    ) {
        let facts = ClusterFacts(nodes: [Self.node("origin1")], survey: Self.survey(outcome, detail))
        #expect(words(facts, .wrong) == [wanted])
        #expect(Diagnosis(facts).findings.allSatisfy { $0.severity == .well || $0.advice != nil })
    }

    @Test func `a sound cluster has nothing wrong`() {
        let store = StoreResource(
            description: "SQLite",
            isReachable: true,
            latencyMilliseconds: 0.4,
            clockOffsetMilliseconds: -1000
        )
        let trial = ClusterFacts.PortTrial(nodeID: "a", listener: "http", host: "::1", port: 5080, isOpen: true)
        let facts = ClusterFacts(
            store: store,
            nodes: [Self.node("a", offset: 1000)],
            ports: [trial],
            survey: Self.survey(.reachable)
        )
        #expect(words(facts, .wrong).isEmpty && words(facts, .odd).isEmpty)
        #expect(words(facts, .well).contains("relay: edge21 reaches origin1's relay port 10.0.1.11:5000 in 3000 ms"))
        #expect(words(facts, .well).contains("node a: http port [::1]:5080 is open from here"))
    }

    @Test(
        arguments: [
            (1001, "node a: its clock is 1.0 s ahead of the store's"),
            (-90_050, "node a: its clock is 90.0 s behind the store's"),
        ] as [(Int64, String)]
    )
    func `a clock more than a second off is wrong`(offset: Int64, wanted: String) {
        #expect(words(ClusterFacts(nodes: [Self.node("a", offset: offset)]), .wrong) == [wanted])
    }

    @Test func `a store that is away or slow is named with its kind`() {
        var store = StoreResource(description: "MongoDB db1", isReachable: false, latencyMilliseconds: 5, fault: "gone")
        let nodes = [Self.node("a")]
        #expect(
            words(ClusterFacts(store: store, nodes: nodes), .wrong)
                == ["store: the control plane cannot use MongoDB db1: gone"]
        )
        store.isReachable = true
        store.latencyMilliseconds = 251
        #expect(words(ClusterFacts(store: store, nodes: nodes), .odd) == ["store: MongoDB db1 answers in 251 ms"])
    }

    @Test func `dead, mute and unreachable nodes are each told apart`() {
        var survey = Self.survey(.reachable)
        survey.pending = ["b"]
        let facts = ClusterFacts(
            nodes: [Self.node("a", state: .dead), Self.node("b"), Self.node("c")],
            ports: [.init(nodeID: "b", listener: "rtmp", host: "10.0.1.11", port: 1935, isOpen: false)],
            notReady: ["c"],
            survey: survey
        )
        #expect(
            words(facts, .wrong) == [
                "node a: no heartbeat for more than 20 s",
                "node b: rtmp port 10.0.1.11:1935 cannot be reached from here",
            ]
        )
        #expect(
            words(facts, .odd) == [
                "node c: says it is not ready", "node b: did not say in time which relay ports it reaches",
            ]
        )
    }
}
