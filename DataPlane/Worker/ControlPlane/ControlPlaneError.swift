package import ClusterModel
import Foundation
import HTTPClient

/// What the control plane answered instead of what was asked for.
package enum ControlPlaneError: Error, Hashable, Sendable, CustomStringConvertible {
    /// It understood and said no; asking again at once will not help.
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
        guard let problem = Problem(response) else {
            self = .unavailable(
                "that is no Millrace control plane: it answered \(response.status) without a reason of ours; "
                    + "is --control right, or does a proxy stand between?"
            )
            return
        }
        self =
            switch response.status {
            case 409 where problem.kind == .superseded: .superseded
            case 503 where problem.kind == .outOfReach: .refused(problem)
            case 400..<500: .refused(problem)
            default: .unavailable("it answered \(response.status): \(problem.detail)")
            }
    }
}

extension Problem {
    /// The problem a response carries; nil when it is not one of ours, as from a proxy or another web server.
    fileprivate init?(_ response: HTTPResponse) {
        guard let problem = try? JSONDecoder().decode(Problem.self, from: Data(response.body)), problem.kind != nil
        else { return nil }
        self = problem
        status = response.status
    }
}
