import ClusterModel
import HTTPTypes
import Testing

@Suite struct AccessTests {
    @Test func `every v1 and rest path needs a token, also those that do not exist`() async throws {
        try await TestCluster().test { api in
            for path in ["/v1/nodes", "/v1/nope", "/rest/v2/cluster/nodes/0/1"] {
                for token in [nil, "wrong", ""] {
                    let answer = try await api.call(.get, path, token: token)
                    #expect(answer.status == 401 && answer.problem?.kind == .unauthorized)
                    #expect(answer.headers[.wwwAuthenticate] == "Bearer")
                }
            }
            for path in ["/livez", "/readyz", "/metrics", "/openapi.json"] {
                #expect(try await api.call(.get, path, token: nil).status == 200)
            }
        }
    }

    @Test func `the node token cannot write settings, the admin token can`() async throws {
        try await TestCluster().test { api in
            for path in ["/v1/apps/live", "/v1/groups/region1"] {
                let refused = try await api.call(.put, path, "{}", token: TestCluster.nodeToken)
                #expect(refused.status == 403 && refused.problem?.kind == .forbidden)
                #expect(try await api.call(.put, path, "{}").status == 201)
                #expect(try await api.call(.get, path, token: TestCluster.nodeToken).status == 200)
            }
        }
    }

    @Test func `what no release serves yet is not found, as a problem`() async throws {
        try await TestCluster().test { api in
            for path in ["/v1/users", "/v1/tokens", "/", "/rest/v2"] {
                let answer = try await api.call(.get, path)
                #expect(answer.status == 404 && answer.problem?.kind == .notFound, "\(path)")
            }
            let method = try await api.call(.patch, "/v1/nodes")
            #expect(method.status == 405 && method.headers[.allow] == "GET")
        }
    }
}
