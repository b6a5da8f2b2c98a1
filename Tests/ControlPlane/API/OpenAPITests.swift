import API
import Foundation
import HTTPTypes
import NIOCore
import Testing

@Suite struct OpenAPITests {
    private func document(_ api: TestAPI) async throws -> [String: Any] {
        let answer = try await api.call(.get, "/openapi.json", token: nil)
        let object = try JSONSerialization.jsonObject(with: Data(answer.body.readableBytesView))
        return try #require(object as? [String: Any])
    }

    @Test func `the document names exactly what is served`() async throws {
        let cluster = try await TestCluster()
        try await cluster.test { api in
            let paths = try #require(try await document(api)["paths"] as? [String: [String: Any]])
            let told = Set(paths.flatMap { path, methods in methods.keys.map { "\($0.uppercased()) \(path)" } })
            #expect(told == cluster.api.served)
            #expect(told.count == 72)
        }
    }

    @Test func `every path of the document is routed, every other method of it refused`() async throws {
        try await TestCluster().test { api in
            let paths = try #require(try await document(api)["paths"] as? [String: [String: Any]])
            for (path, methods) in paths where path != "/v1/watch" {
                let filled = path.replacing(#/\{[a-zA-Z]+\}/#, with: "x")
                for method in [HTTPRequest.Method.get, .put, .post, .delete] {
                    let status = try await api.call(method, filled).status
                    let isTold = methods[method.rawValue.lowercased()] != nil
                    #expect((status != 405) == isTold, "\(method) \(path) answered \(status)")
                }
            }
        }
    }

    @Test func `every reference leads to a schema`() async throws {
        try await TestCluster().test { api in
            let document = try await document(api)
            let components = try #require(document["components"] as? [String: Any])
            let schemas = try #require(components["schemas"] as? [String: Any])
            let text = try await api.call(.get, "/openapi.json", token: nil).text
            let references = text.matches(of: #/#\/components\/schemas\/([A-Za-z]+)/#).map { String($0.output.1) }
            #expect(!references.isEmpty && Set(references).isSubset(of: schemas.keys))
        }
    }
}
