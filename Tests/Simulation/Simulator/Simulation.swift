import ClusterModel
import Timebase

/// One run of the whole cluster: three groups, twelve workers, three control planes, one store, from one seed.
package struct Simulation {
    package struct Outcome: Sendable, Hashable {
        package var seed: UInt64
        package var steps: Int
        package var seconds: Double
        /// Equal for equal runs.
        package var traceHash: UInt64
        /// The first thing that was wrong.
        package var violation: String?
    }

    package static let stepsDefault = 4000

    package var seed: UInt64
    package var steps: Int
    package var bug: PlantedBug?

    package init(seed: UInt64, steps: Int = Simulation.stepsDefault, bug: PlantedBug? = nil) {
        (self.seed, self.steps, self.bug) = (seed, steps, bug)
    }

    /// Makes this process one that only simulates. False when the Swift runtime does not let it.
    package static func takeOverProcess() -> Bool { JobQueue.takeOver() }

    /// `show` gets every line of the trace.
    package func run(show: ((String) -> Void)? = nil) throws -> Outcome {
        let cluster = Cluster(seed: seed, bug: bug, show: show)
        let director = Director(cluster: cluster)
        try cluster.start()
        director.begin()
        cluster.settle()
        // A run ends in peace that has lasted.
        play(cluster) { cluster.world.steps < steps || !director.isPeace || director.peaceLeft > .seconds(2) }
        director.close()
        let end = cluster.world.now + Self.closing.nanoseconds
        play(cluster) { cluster.world.now < end }
        if let checker = cluster.checker, checker.violation == nil {
            Task { await checker.lookAtTheEnd() }
            cluster.settle()
        }
        let outcome = Outcome(
            seed: seed,
            steps: cluster.world.steps,
            seconds: Double(cluster.world.now) / 1e9,
            traceHash: cluster.world.traceHash,
            violation: cluster.checker.violation
        )
        cluster.tearDown()
        return outcome
    }

    /// Longer than the grace, the linger, a lease and the time a finished stream can be read, one after the other.
    private static let closing = Duration.seconds(130)

    private func play(_ cluster: Cluster, while goesOn: () -> Bool) {
        while cluster.checker.violation == nil, goesOn(), cluster.world.step() {
            cluster.settle()
            cluster.checker.look()
        }
    }
}
