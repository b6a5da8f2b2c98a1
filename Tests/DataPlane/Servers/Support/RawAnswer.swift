import Foundation
import Testing

/// One HTTP answer, read to the close of its connection.
struct RawAnswer {
    var status: Int
    var headers: [String: String] = [:]
    var body: String

    init(_ text: String) throws {
        let end = try #require(text.range(of: "\r\n\r\n"), "no head in \(text.prefix(200))")
        let lines = text[..<end.lowerBound].split(separator: "\r\n")
        status = try #require(lines.first?.split(separator: " ").dropFirst().first.flatMap { Int($0) })
        for line in lines.dropFirst() {
            let pair = line.split(separator: ":", maxSplits: 1)
            headers[pair[0].lowercased()] = pair[1].trimmingPrefix(" ").description
        }
        body = String(text[end.upperBound...])
    }
}

extension TestWorker {
    /// On a connection of its own.
    func ask(
        _ method: String,
        _ target: String,
        _ body: String = "",
        type: String? = nil,
        from address: String = "127.0.0.1"
    ) async throws -> RawAnswer {
        let client = try await RawClient(port: httpPort, on: group, from: address)
        let length = body.isEmpty ? "" : "Content-Length: \(body.utf8.count)\r\n"
        let kind = type.map { "Content-Type: \($0)\r\n" } ?? ""
        client.send("\(method) \(target) HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\(length)\(kind)\r\n\(body)")
        return try RawAnswer(try await client.textUntilClosed())
    }
}
