import ClusterModel
import Foundation
import HTTPClient
import Observability

/// The operator's view of the control plane's REST.
struct ControlPlaneClient: Sendable {
    /// A list longer than this many pages is the server's mistake.
    static let pagesMax = 1_000

    let base: URL
    let token: String?
    let http: HTTPClient

    func raw(
        _ path: String,
        query: [String: String?] = [:],
        method: HTTPMethod = .get,
        body: Data = Data()
    ) async throws -> HTTPAnswer {
        var parts = URLComponents(url: base.appending(path: path), resolvingAgainstBaseURL: false)
        let items = query.compactMap { name, value in value.map { URLQueryItem(name: name, value: $0) } }
        if !items.isEmpty { parts?.queryItems = items.sorted { $0.name < $1.name } }
        guard let url = parts?.url else {
            throw ClientError.unreachable(base.absoluteString.withoutCredentials, "not an address")
        }
        do throws(HTTPClientError) {
            return try await http.send(method, url, bearer: token, body: body, timeout: .seconds(10))
        } catch {
            throw ClientError.unreachable(base.absoluteString.withoutCredentials, error.description)
        }
    }

    func get<Body: Decodable>(_ path: String, query: [String: String?] = [:]) async throws -> Body {
        let answer = try await raw(path, query: query)
        guard answer.status == 200 else { throw ClientError.refused(answer) }
        return try decode(answer, path)
    }

    /// Nil when the store is away.
    func post<Body: Decodable>(_ path: String, expecting status: Int) async throws -> Body? {
        let answer = try await raw(path, method: .post)
        if answer.status == 503 { return nil }
        guard answer.status == status else { throw ClientError.refused(answer) }
        return try decode(answer, path)
    }

    func change<Answer: Decodable>(
        _ path: String,
        method: HTTPMethod,
        body: Data = Data()
    ) async throws -> Answer {
        let answer = try await raw(path, method: method, body: body)
        guard answer.status == 200 else { throw ClientError.refused(answer) }
        return try decode(answer, path)
    }

    private func decode<Body: Decodable>(_ answer: HTTPAnswer, _ path: String) throws -> Body {
        do {
            return try JSONDecoder().decode(Body.self, from: answer.body)
        } catch {
            throw ClientError.notUnderstood(path)
        }
    }

    func all<Item: Codable & Sendable>(_ path: String, query: [String: String?] = [:]) async throws -> [Item] {
        var items: [Item] = []
        var query = query
        for _ in 0..<Self.pagesMax {
            let page: Page<Item> = try await get(path, query: query)
            items += page.items
            guard let next = page.nextCursor else { return items }
            query["cursor"] = next
        }
        throw ClientError.notUnderstood(path)
    }
}

enum ClientError: Error, CustomStringConvertible {
    case unreachable(String, String)
    case refused(status: Int, detail: String)
    /// Answered without a problem of ours.
    case stranger(status: Int)
    case notUnderstood(String)

    static func refused(_ answer: HTTPAnswer) -> Self {
        guard let problem = try? JSONDecoder().decode(Problem.self, from: answer.body) else {
            return .stranger(status: answer.status)
        }
        return .refused(status: answer.status, detail: problem.detail)
    }

    var description: String {
        switch self {
        case .unreachable(let base, let reason):
            "no answer from the control plane at \(base): \(reason); is it running, and is --control right?"
        case .refused(401, _), .refused(403, _):
            "the control plane refused the token; set MILLRACE_ADMIN_TOKEN or --admin-token-file to its admin token"
        case .refused(let status, let detail): "the control plane answered \(status): \(detail)"
        case .stranger(let status):
            "that is no Millrace control plane: it answered \(status) without a reason of ours; is --control right?"
        case .notUnderstood(let path):
            "the answer to \(path) is not what this version expects; are both the same version?"
        }
    }
}
