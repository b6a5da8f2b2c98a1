import Foundation
import FoundationNetworking

/// One answered request.
struct HTTPAnswer: Sendable {
    var status: Int
    /// The answer's `Date`, in seconds since 1970.
    var date: Date?
    var body: Data
}

protocol HTTPTransport: Sendable {
    func get(_ url: URL, bearer: String?, timeoutSeconds: Double) async throws -> HTTPAnswer
}

struct URLSessionTransport: HTTPTransport {
    func get(_ url: URL, bearer: String?, timeoutSeconds: Double) async throws -> HTTPAnswer {
        var request = URLRequest(url: url, timeoutInterval: timeoutSeconds)
        if let bearer { request.setValue("Bearer \(bearer)", forHTTPHeaderField: "Authorization") }
        let (body, response) = try await URLSession.shared.data(for: request)
        guard let response = response as? HTTPURLResponse else { throw URLError(.badServerResponse) }
        let date = response.value(forHTTPHeaderField: "Date").flatMap(httpDate)
        return HTTPAnswer(status: response.statusCode, date: date, body: body)
    }
}

/// IMF-fixdate (RFC 9110 §5.6.7).
private func httpDate(_ text: String) -> Date? {
    let format = DateFormatter()
    format.locale = Locale(identifier: "en_US_POSIX")
    format.timeZone = TimeZone(secondsFromGMT: 0)
    format.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
    return format.date(from: text)
}
