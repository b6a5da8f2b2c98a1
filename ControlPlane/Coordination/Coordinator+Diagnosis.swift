package import ClusterModel
import Domain
import Timebase

/// Questions of `millrace doctor`.
extension Coordinator {
    package func startSurvey() async throws(Problem) {
        try requireAnswering()
        _ = try await commit { shared, now throws(Problem) in try shared.state.decideSurvey(at: now) }
    }

    /// Asks the store for its time and measures how long that takes.
    package func examineStore() async -> StoreResource {
        let sentAt = clock.now()
        do throws(StoreError) {
            let said = try await store.now()
            let took = clock.now() - sentAt
            // Said half-way between question and answer, as far as anybody can tell.
            let offset = clock.wall() - (said + took / 2)
            return StoreResource(
                description: store.description,
                isReachable: true,
                latencyMilliseconds: took.secondsAsDouble * 1000,
                clockOffsetMilliseconds: offset.milliseconds
            )
        } catch {
            return StoreResource(
                description: store.description,
                isReachable: false,
                latencyMilliseconds: (clock.now() - sentAt).secondsAsDouble * 1000,
                fault: error.description
            )
        }
    }
}
