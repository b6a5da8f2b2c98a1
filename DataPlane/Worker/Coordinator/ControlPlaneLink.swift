package import ClusterModel
package import MediaModel
import Streams
import Timebase

/// What the worker asks of the control plane about streams. `ControlPlaneClient` asks over REST; tests answer themselves.
package protocol ControlPlaneLink: Sendable {
    func claim(_ stream: StreamID, _ request: ClaimRequest) async throws(ControlPlaneError) -> ClaimGrant
    func release(_ stream: StreamID, _ request: ReleaseRequest) async throws(ControlPlaneError)
    func route(_ stream: StreamID, _ request: RouteRequest) async throws(ControlPlaneError) -> RouteAnswer
    /// The best node to publish the stream to over WebRTC.
    func assignPublish(_ stream: StreamID) async throws(ControlPlaneError) -> Assignment
}

extension ControlPlaneError {
    /// What a client is told when the control plane answered so.
    func refusal(of stream: StreamID) -> Refusal {
        switch self {
        case .refused(let problem):
            switch problem.kind {
            case .streamInUse: .inUse(stream, owner: problem.owner)
            case .unknownStream, .notFound: .unknownStream(stream)
            case .unauthorized: .unauthorized(problem.detail)
            case .forbidden: .forbidden(problem.detail)
            case .draining: .draining
            case .overloaded: .overloaded(problem.detail)
            default: .unavailable(problem.detail)
            }
        case .superseded: .draining
        case .unavailable(let reason): .unavailable(reason)
        }
    }
}

extension ResumePoint {
    package init(_ position: StreamPosition) {
        self.init(
            sequence: position.sequence,
            discontinuity: position.discontinuity,
            mediaTime: MediaTime(seconds: position.mediaTime)
        )
    }
}

extension StreamPosition {
    package init(_ point: ResumePoint) {
        self.init(sequence: point.sequence, discontinuity: point.discontinuity, mediaTime: point.mediaTime.seconds)
    }
}
