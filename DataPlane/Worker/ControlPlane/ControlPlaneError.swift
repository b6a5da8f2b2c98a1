package import ClusterModel
import Foundation
import HTTPClient

/// What the control plane answered instead of what was asked for.
package enum ControlPlaneError: Error, Hashable, Sendable, CustomStringConvertible {
    /// It understood and said no; asking again will not help.
    case refused(Problem)
    /// Another boot of this node has registered: this one must fence itself and exit.
    case superseded
    /// No URL gave a usable answer. The control plane may have acted on the request all the same.
    case unavailable(String)

    package var description: String {
        switch self {
        case .refused(let problem): "the control plane refused: \(problem.title) (\(problem.status)): \(problem.detail)"
        case .superseded: "another process registered with this node id: give every worker its own --node-id"
        case .unavailable(let reason): "the control plane is unavailable: \(reason)"
        }
    }
}

extension ControlPlaneError {
    /// The error behind a response that is no success.
    init(_ response: HTTPResponse) {
        let problem = Problem(response)
        self =
            switch response.status {
            case 409 where problem.kind == .superseded: .superseded
            case 400..<500: .refused(problem)
            default: .unavailable("it answered \(response.status): \(problem.detail)")
            }
    }
}

extension Problem {
    /// The problem a response carries, or one made from its status: a proxy between does not know our form.
    init(_ response: HTTPResponse) {
        do {
            self = try JSONDecoder().decode(Problem.self, from: Data(response.body))
            status = response.status
        } catch {
            self.init(
                Kind(status: response.status),
                status: response.status,
                title: "HTTP status \(response.status)",
                detail: "The answer had no explanation. See that the URL given is that of a control plane."
            )
        }
    }
}

extension Problem.Kind {
    fileprivate init(status: Int) {
        self =
            switch status {
            case 401: .unauthorized
            case 403: .forbidden
            case 404: .notFound
            case 405: .methodNotAllowed
            case 409: .conflict
            case 412: .preconditionFailed
            case 413: .tooLarge
            case 422: .unprocessable
            case 429: .tooManyRequests
            case 500: .internalError
            case 502...504: .unavailable
            default: .badRequest
            }
    }
}
