import ClusterModel
import Domain
import Synchronization
import Timebase

/// What time alone asks for.
extension Coordinator {
    private static let sweepInterval = Duration.milliseconds(250)
    private static let sweepsPerPing = 20
    /// Five minutes.
    private static let sweepsPerSweepOfAnswers = 1200

    /// Runs until the task is cancelled.
    package func keepHouse() async {
        var sweeps = 0
        while !Task.isCancelled {
            sweeps += 1
            await sweep()
            if sweeps % Self.sweepsPerPing == 0 { hub.ping() }
            if sweeps % Self.sweepsPerSweepOfAnswers == 0, phase == .answering { try? await sweepAnswers() }
            await clock.sleep(Self.sweepInterval)
        }
    }

    package func sweep() async {
        guard phase == .answering else { return }
        let (writes, news) = shared.withLock { shared in
            let now = shared.now(at: clock.now())
            let news = shared.state.announceTimeouts(at: now)
            // A hub that is closed closes the watches itself: that says nothing of the nodes.
            let tellsOthers = shared.isStoreShared && !hub.isClosed
            return (shared.state.sweep(at: now, sharesStore: tellsOthers), news)
        }
        tell(news)
        for write in writes where phase == .answering {
            let isDone = try? await perform(write)
            if isDone != true, write.kind == .node { shared.withLock { $0.state.tellWatchAgain(of: write.key) } }
        }
        await placeSources()
    }

    /// What no origin can take now is tried again with the next sweep.
    private func placeSources() async {
        for stream in read({ state, now in state.misplaced(at: now) }) where phase == .answering {
            _ = try? await commit { shared, now throws(Problem) in
                try shared.state.decidePlacement(stream, at: now, using: &shared.random)
            }
        }
    }
}
