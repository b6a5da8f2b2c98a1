import Foundation
import HTTPClient

/// One answered request.
struct HTTPAnswer: Sendable {
    var status: Int
    var body: Data

    init(_ response: HTTPResponse) {
        status = response.status
        body = Data(response.body)
    }
}

extension HTTPClient {
    func get(_ url: URL, bearer: String? = nil, timeout: Duration) async throws(HTTPClientError) -> HTTPAnswer {
        try await send(.get, url, bearer: bearer, timeout: timeout)
    }

    func send(
        _ method: HTTPMethod,
        _ url: URL,
        bearer: String?,
        body: Data = Data(),
        timeout: Duration
    ) async throws(HTTPClientError) -> HTTPAnswer {
        var headers = bearer.map { [HTTPHeader("Authorization", "Bearer \($0)")] } ?? []
        if !body.isEmpty { headers.append(HTTPHeader("Content-Type", "application/json")) }
        let request = HTTPRequest(method, url.absoluteString, headers: headers, body: Array(body), timeout: timeout)
        return HTTPAnswer(try await send(request))
    }
}
