import ClusterModel
import HTTPServer
import NIOHTTP1
import SDP
import Streams
import WebRTC

/// Why a request of WHIP or WHEP was not done, and the answer that says so.
enum SignallingFault: Error, CustomStringConvertible {
    case method(HTTPMethod, allowed: String)
    case mediaType(String?, expected: String)
    case offer(SDPError)
    case negotiation(NegotiationError)
    case unplayable(UnplayableStream)
    case refused(Refusal)
    case unknownSession
    /// RFC 9725 §4.3: a change without `If-Match`.
    case withoutPrecondition
    case stale
    case restartWithoutCredentials

    /// A stable word for logs and metrics.
    var reason: String {
        switch self {
        case .method: "method"
        case .mediaType: "media_type"
        case .offer(let error): error.label
        case .negotiation(let error): error.label
        case .unplayable(let error): error.label
        case .refused(let refusal): refusal.reason
        case .unknownSession: "unknown_session"
        case .withoutPrecondition: "no_if_match"
        case .stale: "stale_etag"
        case .restartWithoutCredentials: "no_ice_credentials"
        }
    }

    var description: String {
        switch self {
        case .method(let method, let allowed): "\(method) is not allowed here: use \(allowed)"
        case .mediaType(let type, let expected):
            "the body is \(type.map { "'\($0.prefix(80))'" } ?? "of no type"): send it as \(expected)"
        case .offer(let error): error.description
        case .negotiation(let error): error.description
        case .unplayable(let error): error.description
        case .refused(let refusal): refusal.description
        case .unknownSession: "there is no such session: it has ended, or its address is wrong; begin a new one"
        case .withoutPrecondition:
            "the change has no If-Match: send the session's ETag to add candidates, or * to restart ICE"
        case .stale: "ICE was restarted since: send the ETag of the last answer, or begin a new session"
        case .restartWithoutCredentials: "If-Match is *, which restarts ICE: send a=ice-ufrag and a=ice-pwd with it"
        }
    }

    var response: MediaResponse {
        switch self {
        case .method(_, let allowed):
            var response = problem(.methodNotAllowed, 405, "Method not allowed")
            response.headers.add(name: "allow", value: allowed)
            return response
        case .mediaType: return problem(.badRequest, 415, "Unsupported media type")
        case .offer(.tooLong): return problem(.tooLarge, 413, "Too large")
        case .offer, .restartWithoutCredentials: return problem(.badRequest, 400, "Bad request")
        case .negotiation, .unplayable: return problem(.unprocessable, 422, "Cannot be negotiated")
        case .refused(let refusal): return .refusal(refusal)
        case .unknownSession: return problem(.notFound, 404, "No such session")
        case .withoutPrecondition: return problem(.preconditionFailed, 428, "Precondition required")
        case .stale: return problem(.preconditionFailed, 412, "Precondition failed")
        }
    }

    private func problem(_ kind: Problem.Kind, _ status: Int, _ title: String) -> MediaResponse {
        .problem(Problem(kind, status: status, title: title, detail: description))
    }
}
