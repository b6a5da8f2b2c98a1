import ArgumentParser
import Glibc
import Simulator

/// Runs the cluster in simulation, seed by seed.
@main struct Simulate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "millrace-simulate",
        abstract: "Run the whole cluster on one virtual clock, from one seed."
    )

    @Argument(help: "Print the trace of this seed.")
    var seed: UInt64?

    @Option(help: "Run these seeds, as FIRST..LAST, and print what goes wrong.")
    var seeds: String?

    @Option(help: "Steps of a run, at least.")
    var steps = Simulation.stepsDefault

    @Option(help: "Plant this mistake (\(PlantedBug.allCases.map(\.rawValue).joined(separator: ", "))).")
    var bug: String?

    @Flag(help: "Name the mistakes that can be planted.")
    var listBugs = false

    @Flag(help: "End at the first seed that fails.")
    var untilFailure = false

    mutating func validate() throws {
        if listBugs { return }
        guard (seed == nil) != (seeds == nil) else { throw ValidationError("Give a seed, or --seeds FIRST..LAST.") }
        guard steps > 0 else { throw ValidationError("--steps takes a number above 0.") }
        if let bug, PlantedBug(rawValue: bug) == nil { throw ValidationError("There is no planted bug '\(bug)'.") }
        if let seeds, range(seeds) == nil { throw ValidationError("--seeds takes FIRST..LAST, as 1..100.") }
    }

    private func range(_ text: String) -> ClosedRange<UInt64>? {
        let ends = text.split(separator: ".", omittingEmptySubsequences: true).compactMap { UInt64($0) }
        return ends.count == 2 && ends[0] <= ends[1] ? ends[0]...ends[1] : nil
    }

    mutating func run() throws {
        if listBugs {
            for bug in PlantedBug.allCases { print(bug.rawValue) }
            return
        }
        try fixHashing()
        guard Simulation.takeOverProcess() else {
            throw ValidationError("This Swift runtime does not let a program run its jobs itself.")
        }
        if let seed { try trace(seed) } else if let range = seeds.flatMap(range) { try sweep(range) }
    }

    /// The order of hashed collections must be the same in every run; the runtime asks for that when a process starts.
    private func fixHashing() throws {
        let name = "SWIFT_DETERMINISTIC_HASHING"
        guard getenv(name) == nil else { return }
        setenv(name, "1", 1)
        var arguments = CommandLine.arguments.map { strdup($0) } + [nil]
        execv("/proc/self/exe", &arguments)
        throw ValidationError("The program could not be started again with \(name)=1.")
    }

    private func simulation(_ seed: UInt64) -> Simulation {
        Simulation(seed: seed, steps: steps, bug: bug.flatMap(PlantedBug.init))
    }

    private func trace(_ seed: UInt64) throws {
        let outcome = try simulation(seed).run { print($0) }
        print(line(outcome))
        if outcome.violation != nil { throw ExitCode.failure }
    }

    private func sweep(_ range: ClosedRange<UInt64>) throws {
        var (done, failed, steps, seconds) = (0, 0, 0, 0.0)
        for seed in range {
            let outcome = try simulation(seed).run()
            done += 1
            steps += outcome.steps
            seconds += outcome.seconds
            guard outcome.violation != nil else { continue }
            failed += 1
            print(line(outcome))
            if untilFailure { break }
        }
        print("\(done) seeds, \(steps) steps, \(Int(seconds)) simulated seconds, \(failed) failed")
        if failed > 0 { throw ExitCode.failure }
    }

    private func line(_ outcome: Simulation.Outcome) -> String {
        let hash = String(outcome.traceHash, radix: 16)
        return "seed \(outcome.seed): \(outcome.violation ?? "clean") (\(outcome.steps) steps, trace \(hash))"
    }
}
