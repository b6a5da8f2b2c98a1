import ClusterModel
import Streams
import Timebase

/// Children that ask for a stream whose media has not come to this node yet.
extension StreamCoordinator {
    /// Nodes without media that wait for each other may stand in a circle, or in a long line behind one that is cut off: none
    /// of them can see that, and a control plane that has not heard of all their pulls cannot either. So nobody waits long
    /// behind one who waits: a child is sent on, to ask for another parent, before it would give this one up itself.
    func letChildWait(_ child: CheckedContinuation<Result<LiveStream, Refusal>, Never>, for id: StreamID) {
        childrenThatWaited += 1
        let number = childrenThatWaited
        pulls[id]?.waitingChildren[number] = child
        Task { await self.limitWait(of: number, for: id) }
    }

    private func limitWait(of child: Int, for id: StreamID) async {
        while let state = pulls[id], state.waitingChildren[child] != nil {
            let left = patience(with: state).map { state.startedAt + $0 - clock.now() } ?? Self.patienceBelowPeer
            if left <= .zero {
                let refusal = Refusal.unavailable("this node waits for the stream itself, and not for its owner")
                pulls[id]?.waitingChildren.removeValue(forKey: child)?.resume(returning: .failure(refusal))
            } else if await !clock.sleep(min(left, Self.patienceBelowPeer)) {
                return
            }
        }
    }

    /// A peer is one that has the stream already.
    private static let patienceBelowPeer = Duration.seconds(1)
    /// A secondary may have to find its own parent first, and the control plane takes time to answer.
    private static let patienceBelowOthers = Duration.seconds(3)

    /// For how long after the search began a child may wait for it; nil when for as long as it likes. Who asks the owner
    /// waits for nobody else; anything else may be a circle.
    private func patience(with state: PullState) -> Duration? {
        // Its owner, who makes the renditions too: a rung begins with a segment, and with what its encoder holds back.
        if holds[state.stream.id.source] != nil { return nil }
        switch state.attempt == nil ? nil : state.route?.tier {
        case .origin: return nil
        case .secondary, nil: return Self.patienceBelowOthers
        case .peer: return Self.patienceBelowPeer
        }
    }
}
