import ClusterModel
import Domain
import HTTPTypes
import Hummingbird

import class Foundation.JSONEncoder

/// What an operation answers.
struct Reply: Sendable {
    enum Content: Sendable {
        case whole(ByteBuffer)
        case stream(ResponseBody)
    }

    var status: HTTPResponse.Status
    var headers: HTTPFields = [:]
    var content = Content.whole(ByteBuffer())

    static let noContent = Reply(status: .noContent)

    static func json(
        _ value: some Encodable,
        status: HTTPResponse.Status = .ok,
        revision: Revision? = nil
    ) throws -> Reply {
        var headers: HTTPFields = [.contentType: "application/json; charset=utf-8"]
        if let revision { headers[.eTag] = "\"\(revision.value)\"" }
        return Reply(status: status, headers: headers, content: .whole(try JSONText.encode(value)))
    }

    static func problem(_ problem: Problem) -> Reply {
        var headers: HTTPFields = [.contentType: "application/problem+json"]
        if problem.status == 503 || problem.status == 429 { headers[.retryAfter] = "1" }
        if problem.status == 401 { headers[.wwwAuthenticate] = "Bearer" }
        let body = (try? JSONText.encode(problem)) ?? ByteBuffer()
        return Reply(status: .init(code: problem.status), headers: headers, content: .whole(body))
    }

    var response: Response {
        switch content {
        case .whole(let buffer): Response(status: status, headers: headers, body: ResponseBody(byteBuffer: buffer))
        case .stream(let body): Response(status: status, headers: headers, body: body)
        }
    }
}

/// What is kept of it for whoever repeats the request.
extension Reply {
    /// Nil for a server's error, after which the request can be tried again, and for what is no text.
    var answer: AnswerRecord.Answer? {
        guard status.code < 500, case .whole(let body) = content,
            let text = String(validating: body.readableBytesView, as: UTF8.self)
        else { return nil }
        let pairs = headers.map { ($0.name.rawName, $0.value) }
        return .init(status: status.code, headers: Dictionary(pairs) { $1 }, body: text)
    }

    init(_ answer: AnswerRecord.Answer) {
        status = .init(code: answer.status)
        for (name, value) in answer.headers {
            if let name = HTTPField.Name(name) { headers[name] = value }
        }
        content = .whole(ByteBuffer(string: answer.body))
    }
}

enum JSONText {
    static func encode(_ value: some Encodable) throws -> ByteBuffer {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return ByteBuffer(bytes: try encoder.encode(value))
    }
}
