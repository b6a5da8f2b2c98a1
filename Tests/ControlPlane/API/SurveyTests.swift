import ClusterModel
import Foundation
import HTTPTypes
import Testing
import Timebase

/// A relay survey as the doctor, the nodes and another control plane see it.
@Suite struct SurveyTests {
    private func beat(_ api: TestAPI, _ id: String, _ probes: RelayProbeReport? = nil) async throws -> HeartbeatAnswer {
        let heartbeat = Heartbeat(
            bootId: "boot1",
            load: NodeLoad(),
            sentAt: api.cluster.time.wall + .milliseconds(1500),
            relayProbes: probes
        )
        return try await api.call(.post, "/v1/nodes/\(id)/heartbeat", json: heartbeat).decode()
    }

    @Test func `nodes are asked until they have told, and the survey then names every link`() async throws {
        try await TestCluster().test { api in
            for id in ["edge1", "edge2", "origin1"] { try await api.register(id) }
            #expect(try await api.call(.get, "/v1/relay-survey").status == 404)
            let begun = try await api.call(.post, "/v1/relay-survey")
            let survey: RelaySurvey = try begun.decode()
            #expect(begun.status == 202 && survey.pending == ["edge1", "edge2", "origin1"])
            let directive = try #require(try await beat(api, "edge2").directives.first)
            #expect(directive.type == .probeRelays && directive.surveyId == survey.id)
            // Those that follow by name come first, so that in a large cluster everybody is tried by somebody.
            #expect(directive.targets?.map(\.nodeId) == ["origin1", "edge1"])
            let target = try #require(directive.targets?.first)
            let link = ProbedLink(target: target, outcome: .refused, milliseconds: 2)
            #expect(
                try await beat(api, "edge2", RelayProbeReport(surveyId: survey.id, links: [link])).directives.isEmpty
            )
            let told: RelaySurvey = try await api.call(.get, "/v1/relay-survey").decode()
            #expect(told.pending == ["edge1", "origin1"] && told.links == [.init(from: "edge2", probe: link)])
        }
    }

    @Test func `an answer to an earlier survey does not count, and an old survey asks nobody`() async throws {
        let cluster = try await TestCluster()
        try await cluster.test { api in
            try await api.register("edge1")
            let first: RelaySurvey = try await api.call(.post, "/v1/relay-survey").decode()
            let same: RelaySurvey = try await api.call(.post, "/v1/relay-survey").decode()
            #expect(same.id == first.id)
            cluster.time.advance(by: .seconds(3))
            let second: RelaySurvey = try await api.call(.post, "/v1/relay-survey").decode()
            #expect(second.id > first.id)
            let late = RelayProbeReport(surveyId: first.id, links: [])
            #expect(try await beat(api, "edge1", late).directives.map(\.surveyId) == [second.id])
            cluster.time.advance(by: .seconds(31))
            #expect(try await beat(api, "edge1").directives.isEmpty)
        }
    }

    @Test func `only an operator may begin a survey or examine the store`() async throws {
        try await TestCluster().test { api in
            for (method, path) in [("POST", "/v1/relay-survey"), ("GET", "/v1/relay-survey"), ("GET", "/v1/store")] {
                let answer = try await api.call(.init(method) ?? .get, path, token: TestCluster.nodeToken)
                #expect(answer.status == 403, "\(method) \(path)")
            }
        }
    }

    @Test func `a node's clock is measured against the store's, the control plane's own too`() async throws {
        try await TestCluster().test { api in
            try await api.register("edge1")
            _ = try await beat(api, "edge1")
            let node: NodeResource = try await api.call(.get, "/v1/nodes/edge1").decode()
            #expect(node.clockOffsetMilliseconds == 1500)
            // The store of the tests lives in 2023.
            let store: StoreResource = try await api.call(.get, "/v1/store").decode()
            #expect(store.isReachable && (store.clockOffsetMilliseconds ?? 0) > 1000)
        }
    }
}
