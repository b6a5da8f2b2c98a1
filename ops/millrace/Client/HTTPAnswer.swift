import Foundation
import HTTPClient

/// One answered request.
struct HTTPAnswer: Sendable {
    var status: Int
    /// The answer's `Date`.
    var date: Date?
    var body: Data

    init(_ response: HTTPResponse) {
        status = response.status
        date = response.head["Date"].flatMap(Self.date)
        body = Data(response.body)
    }

    /// IMF-fixdate (RFC 9110 §5.6.7).
    private static func date(_ text: String) -> Date? {
        let format = DateFormatter()
        format.locale = Locale(identifier: "en_US_POSIX")
        format.timeZone = TimeZone(secondsFromGMT: 0)
        format.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
        return format.date(from: text)
    }
}

extension HTTPClient {
    func get(_ url: URL, bearer: String? = nil, timeout: Duration) async throws(HTTPClientError) -> HTTPAnswer {
        let headers = bearer.map { [HTTPHeader("Authorization", "Bearer \($0)")] } ?? []
        return HTTPAnswer(try await send(HTTPRequest(.get, url.absoluteString, headers: headers, timeout: timeout)))
    }
}
