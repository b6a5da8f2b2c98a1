import HTTPTypes
import Hummingbird

/// One row of the API's table: what OpenAPI says of it and what the router does with it, so that they cannot disagree.
struct Operation: Sendable {
    struct QueryParameter: Sendable {
        enum Kind: Sendable {
            case string
            case integer
            case boolean
            case choice([String])
        }

        var name: String
        var kind: Kind = .string
        var isRequired = false
        var summary: String
    }

    struct Answer: Sendable {
        var status: Int
        /// A component schema; nil for no body or one that is not JSON.
        var schema: String?
        var summary: String
        var mediaType = "application/json"
    }

    var id: String
    var method: HTTPRequest.Method
    /// As in OpenAPI: `/v1/nodes/{nodeId}`.
    var path: String
    var summary: String
    /// Empty: open to everybody.
    var roles: Set<AccessRole> = [.admin, .node]
    var query: [QueryParameter] = []
    /// A component schema.
    var requestSchema: String?
    var answers: [Answer]
    /// Whether it can be answered while the store is away.
    var needsStore = true
    var handler: @Sendable (Call) async throws -> Reply

    var isWrite: Bool { method != .get }

    var pathParameters: [String] {
        path.split(separator: "/").filter { $0.hasPrefix("{") }.map { String($0.dropFirst().dropLast()) }
    }

    func matches(_ path: String) -> Bool { PathPattern(self.path).matches(path.split(separator: "/")) }
}

extension Operation.Answer {
    static func ok(_ schema: String, _ summary: String, status: Int = 200) -> Self {
        Self(status: status, schema: schema, summary: summary)
    }

    static func empty(_ summary: String) -> Self { Self(status: 204, schema: nil, summary: summary) }

    static func problem(_ status: Int, _ summary: String) -> Self {
        Self(status: status, schema: "Problem", summary: summary, mediaType: "application/problem+json")
    }
}
