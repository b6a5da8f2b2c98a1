import Domain
import Synchronization
import Timebase

/// What time alone asks for.
extension Coordinator {
    private static let sweepInterval = Duration.milliseconds(250)
    private static let sweepsPerPing = 20

    /// Runs until the task is cancelled.
    package func keepHouse() async {
        var sweeps = 0
        while !Task.isCancelled {
            sweeps += 1
            await sweep()
            if sweeps % Self.sweepsPerPing == 0 { hub.ping() }
            await clock.sleep(Self.sweepInterval)
        }
    }

    package func sweep() async {
        guard phase == .answering else { return }
        let (writes, news) = shared.withLock { shared in
            let now = shared.storeTime.now(at: clock.now())
            let news = shared.state.announceTimeouts(at: now)
            let placements = shared.state.placementWrites(at: now, using: &shared.random)
            return (shared.state.sweep(at: now) + placements, news)
        }
        tell(news)
        for write in writes where phase == .answering { _ = try? await perform(write) }
    }
}
