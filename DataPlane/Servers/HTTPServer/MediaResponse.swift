package import ClusterModel
import Foundation
package import NIOCore
package import NIOHTTP1
package import Streams

/// An answer that is complete in itself: everything but HTTP-FLV.
package struct MediaResponse: Sendable {
    package var status: HTTPResponseStatus
    package var headers: HTTPHeaders
    /// Pieces share storage with whoever made them.
    package var body: [ByteBuffer]
    /// What follows `body`.
    package var rest: (any BodySource)?
    /// Set when this refuses what was asked, for log and metric.
    package var refusal: Refusal?

    package init(status: HTTPResponseStatus, headers: HTTPHeaders = [:], body: [ByteBuffer] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// Of the whole body; nil when only its end tells.
    var byteCount: Int? {
        let atHand = body.reduce(0) { $0 + $1.readableBytes }
        guard let rest else { return atHand }
        return rest.byteCount.map { $0 + atHand }
    }

    package static func text(_ text: String, status: HTTPResponseStatus = .ok) -> MediaResponse {
        MediaResponse(
            status: status,
            headers: ["content-type": "text/plain; charset=utf-8", "cache-control": "no-store"],
            body: [ByteBuffer(string: text)]
        )
    }

    package static func json(_ text: ByteBuffer) -> MediaResponse {
        MediaResponse(
            status: .ok,
            headers: ["content-type": "application/json; charset=utf-8", "cache-control": "no-store"],
            body: [text]
        )
    }

    package static func redirect(to location: String) -> MediaResponse {
        MediaResponse(status: .temporaryRedirect, headers: ["location": location, "cache-control": "no-store"])
    }

    package static func problem(_ problem: Problem, retryAfterSeconds: Int? = nil) -> MediaResponse {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let body = (try? encoder.encode(problem)).map { ByteBuffer(bytes: $0) } ?? ByteBuffer()
        var headers: HTTPHeaders = ["content-type": "application/problem+json"]
        // A name that is wrong now may be published in a moment (contract: 404 is cached for at most a second).
        headers.add(name: "cache-control", value: problem.status == 404 ? "max-age=1" : "no-store")
        if let retryAfterSeconds { headers.add(name: "retry-after", value: String(retryAfterSeconds)) }
        if problem.status == 401 { headers.add(name: "www-authenticate", value: "Bearer") }
        return MediaResponse(status: HTTPResponseStatus(statusCode: problem.status), headers: headers, body: [body])
    }

    package static func refusal(_ refusal: Refusal) -> MediaResponse {
        var response = answer(to: refusal)
        response.refusal = refusal
        return response
    }

    private static func answer(to refusal: Refusal) -> MediaResponse {
        let detail = refusal.description
        return switch refusal {
        case .unknownStream:
            problem(Problem(.unknownStream, status: 404, title: "Unknown stream", detail: detail))
        case .badName:
            problem(Problem(.badName, status: 400, title: "Bad name", detail: detail))
        case .inUse(_, let owner):
            problem(Problem(.streamInUse, status: 409, title: "Stream in use", detail: detail, owner: owner))
        case .notAnOrigin(let origin):
            origin.map(redirect)
                ?? problem(Problem(.unavailable, status: 503, title: "No origin", detail: detail), retryAfterSeconds: 2)
        case .unsupportedCodec:
            problem(Problem(.unprocessable, status: 422, title: "Unsupported codec", detail: detail))
        case .notAnEdge, .forbidden:
            problem(Problem(.forbidden, status: 403, title: "Forbidden", detail: detail))
        case .unauthorized:
            problem(Problem(.unauthorized, status: 401, title: "Unauthorized", detail: detail))
        case .overloaded, .viewersFull:
            problem(Problem(.overloaded, status: 503, title: "Overloaded", detail: detail), retryAfterSeconds: 5)
        case .draining:
            problem(Problem(.draining, status: 503, title: "Draining", detail: detail), retryAfterSeconds: 1)
        case .unavailable:
            problem(Problem(.unavailable, status: 503, title: "Unavailable", detail: detail), retryAfterSeconds: 2)
        case .notMade:
            problem(Problem(.unavailable, status: 503, title: "Not made now", detail: detail), retryAfterSeconds: 30)
        }
    }
}

/// The part of a body that is not at hand. It is asked for piece after piece, each when the one before is in the kernel.
package protocol BodySource: Sendable {
    /// Of all pieces together; nil when only the end tells.
    var byteCount: Int? { get }
    /// Nil at the end. Fails when the body breaks off, which only closing the connection can tell a player.
    func nextPiece(on loop: any EventLoop) -> EventLoopFuture<ByteBuffer?>
}

/// What every media answer allows a page of another origin to do (contract §2).
package enum CrossOrigin {
    package static let headers: HTTPHeaders = [
        "access-control-allow-origin": "*",
        "access-control-expose-headers": "Location, ETag, Link, Retry-After",
    ]

    package static let preflight = MediaResponse(
        status: .noContent,
        headers: [
            "access-control-allow-methods": "GET, HEAD, POST, PATCH, DELETE, OPTIONS",
            "access-control-allow-headers": "Authorization, Content-Type, If-Match",
            "access-control-max-age": "86400",
        ]
    )
}
