import ClusterModel
import Coordination
import Domain
import HTTPTypes
import MemoryStore
import Testing
import Timebase

/// `Idempotency-Key`: what a client does that never saw the answer.
@Suite struct RepeatedRequestTests {
    private func under(_ key: String) throws -> HTTPFields {
        [try #require(HTTPField.Name("Idempotency-Key")): key]
    }

    @Test func `a write repeated under its key is answered as before, and not done again`() async throws {
        let headers = try under("k1")
        try await TestCluster().test { api in
            let first = try await api.call(.put, "/v1/apps/live", "{}", headers: headers)
            let second = try await api.call(.put, "/v1/apps/live", "{}", headers: headers)
            #expect(first.status == 201 && second.status == 201 && first.text == second.text)
            #expect(second.headers[.eTag] == first.headers[.eTag])
            #expect(second.headers[.contentType] == first.headers[.contentType])
            #expect(try await api.call(.put, "/v1/apps/live", "{}").status == 200)
            let other = try await api.call(.put, "/v1/apps/live", #"{"pullLinger":1}"#, headers: headers)
            #expect(other.status == 422 && other.problem?.kind == .unprocessable)
            let elsewhere = try await api.call(.put, "/v1/apps/show", "{}", headers: headers)
            #expect(elsewhere.status == 201, "a key belongs to its path")
        }
    }

    @Test func `another control plane knows the key as well`() async throws {
        let headers = try under("k1")
        let first = try await TestCluster()
        let second = try await TestCluster(over: first.store, time: first.time)
        let body = #"{"url":"https://example.org/hook"}"#
        try await first.test { api in
            let answer = try await api.call(.post, "/v1/webhooks", body, headers: headers)
            #expect(answer.status == 201)
        }
        try await second.test { api in
            let answer = try await api.call(.post, "/v1/webhooks", body, headers: headers)
            #expect(answer.status == 201)
        }
        #expect(try await first.store.list(.webhook, after: nil, limit: 10).count == 1)
    }

    @Test func `a key serves ten minutes, then it is new`() async throws {
        let headers = try under("k1")
        let cluster = try await TestCluster()
        try await cluster.test { api in
            for (pause, status) in [(0, 201), (599, 201), (2, 200)] {
                cluster.time.advance(by: .seconds(pause))
                await cluster.coordinator.ping(refreshLeases: false)
                let answer = try await api.call(.put, "/v1/apps/live", "{}", headers: headers)
                #expect(answer.status == status, "after \(pause) s")
            }
        }
    }

    @Test func `a refusal is repeated too, but after a server's error the request is tried again`() async throws {
        let headers = try under("k1")
        let cluster = try await TestCluster()
        try await cluster.test { api in
            let refused = try await api.call(.put, "/v1/apps/live", #"{"pullLinger":-1}"#, headers: headers)
            let again = try await api.call(.put, "/v1/apps/live", #"{"pullLinger":-1}"#, headers: headers)
            #expect(refused.status == again.status && (400..<500).contains(again.status))
            #expect(again.problem?.detail == refused.problem?.detail)
        }
        let turn = try await cluster.coordinator.begin("k2")
        await cluster.coordinator.endAnswer(turn, with: nil)
        await cluster.coordinator.endAnswer(try await cluster.coordinator.begin("k2"), with: nil)
    }

    @Test func `a request that is still being answered is not done twice, and one whose answerer died is done later`()
        async throws
    {
        let cluster = try await TestCluster()
        _ = try await cluster.coordinator.begin("k1")
        await #expect { try await cluster.coordinator.begin("k1") } throws: { ($0 as? Problem)?.status == 409 }
        cluster.time.advance(by: .seconds(61))
        await cluster.coordinator.ping(refreshLeases: false)
        _ = try await cluster.coordinator.begin("k1")
    }

    @Test func `no more answers are kept than the limit, and none that ended`() async throws {
        let cluster = try await TestCluster(answerLimits: .init(answersMax: 20))
        for number in 0..<100 {
            let turn = try await cluster.coordinator.begin("k\(number)")
            await cluster.coordinator.endAnswer(turn, with: .init(status: 204, headers: [:], body: ""))
            cluster.time.advance(by: .seconds(1))
            #expect(try await cluster.store.list(.answer, after: nil, limit: 1000).count <= 41)
        }
        try await cluster.coordinator.sweepAnswers()
        let kept = try await cluster.store.list(.answer, after: nil, limit: 1000)
        #expect(Set(kept.map(\.key)) == Set((80..<100).map { "k\($0)" }), "the youngest stay")
        cluster.time.advance(by: .seconds(601))
        await cluster.coordinator.ping(refreshLeases: false)
        try await cluster.coordinator.sweepAnswers()
        #expect(try await cluster.store.list(.answer, after: nil, limit: 1000).isEmpty)
    }
}

extension Coordinator {
    /// The turn to answer the first request of a key.
    fileprivate func begin(_ key: String) async throws -> AnswerTurn {
        guard case .first(let turn) = try await beginAnswer(key: key, requestDigest: "d") else {
            throw Problem.conflict("it was answered")
        }
        return turn
    }
}
