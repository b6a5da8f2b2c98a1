import ClusterModel
import RelayService
import Streams
import Timebase

extension StreamCoordinator {
    /// One stream's pull, and who waits for it.
    struct PullState {
        let stream: LiveStream
        var task: Task<Void, Never>?
        let startedAt: MonotonicInstant
        /// Players that wait for the first media.
        var waiting: [CheckedContinuation<Result<LiveStream, Refusal>, Never>] = []
        /// Children that do.
        var waitingChildren: [Int: CheckedContinuation<Result<LiveStream, Refusal>, Never>] = [:]
        var linger: Task<Void, Never>?
        var route: RouteAnswer?
        /// Of the stream, as the control plane told it. What is older is refused: its owner gave way, and may not know it yet.
        var newestEpoch: Int64 = 0
        /// The last one that brought media.
        var provenRoute: RouteAnswer?
        /// The last one to the owner itself.
        var ownerRoute: RouteAnswer?
        /// Whether the owner is next where nothing else is left.
        var isOwnersTurn = true
        /// The pull that runs now, between two questions for a route.
        var attempt: Task<PullEnd, Never>?
        /// The route to take when this pull ends.
        var next: RouteAnswer?
        /// Ends a back-off early: the control plane said that something changed.
        var wake: (@Sendable () -> Void)?

        /// Where to try again when all others hang below this node or wait: the owner and the last good parent, in turn.
        mutating func routeFromDeadEnd() -> RouteAnswer? {
            guard let owner = ownerRoute, owner.epoch == route?.epoch else { return provenRoute }
            guard let provenRoute, provenRoute.parent.nodeId != owner.parent.nodeId else { return owner }
            defer { isOwnersTurn.toggle() }
            return isOwnersTurn ? owner : provenRoute
        }

        var everybodyWaiting: [CheckedContinuation<Result<LiveStream, Refusal>, Never>] {
            waiting + waitingChildren.sorted { $0.key < $1.key }.map(\.value)
        }

        /// Where to ask when no route is to be had: the last parent and the last good one, in turn.
        func nextKnownRoute(_ haveEpoch: Int64?) -> RouteAnswer? {
            guard let proven = provenRoute, proven != route, proven.epoch >= haveEpoch ?? 0 else { return route }
            return proven
        }
    }
}
