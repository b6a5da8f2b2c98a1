import Foundation
import FuzzTargets
import Testing

/// What `ops/fuzz` runs; it says how in its own file.
@Suite(.enabled(if: LongFuzzSettings.fromEnvironment != nil))
struct LongFuzzTests {
    @Test func `damaged inputs hold the invariant for as many rounds as asked`() throws {
        let settings = try #require(LongFuzzSettings.fromEnvironment)
        var pool = try Corpus.inputs(for: settings.target.name).map(\.bytes)
        let poolCountMax = 500
        var mutator = Mutator(seed: settings.seed)
        _ = FileManager.default.createFile(atPath: settings.lastInput, contents: nil)
        let lastInput = try FileHandle(forWritingTo: URL(filePath: settings.lastInput))
        for round in 0..<settings.rounds {
            let child = mutator.mutate(pool[round % pool.count], splicingFrom: pool[(round / 7) % pool.count])
            // Written in place: it has to outlive this process, not the machine, and a new file each round waits for the disk.
            try lastInput.truncate(atOffset: 0)
            try lastInput.write(contentsOf: Data(child))
            try settings.target.run(child)
            // Children of children go further from the corpus than their parents could.
            if round % 50 == 0, pool.count < poolCountMax, child.count < 16_384 { pool.append(child) }
        }
    }
}

struct LongFuzzSettings {
    var target: FuzzTarget
    var seed: UInt64
    var rounds: Int
    /// Holds the input being tried, so that a crash leaves it behind.
    var lastInput: String

    static var fromEnvironment: Self? {
        let environment = ProcessInfo.processInfo.environment
        guard let name = environment["MILLRACE_FUZZ_TARGET"], let file = environment["MILLRACE_FUZZ_LAST_INPUT"],
            let target = FuzzTarget.all.first(where: { $0.name == name }),
            let seed = environment["MILLRACE_FUZZ_SEED"].flatMap(UInt64.init),
            let rounds = environment["MILLRACE_FUZZ_ROUNDS"].flatMap(Int.init)
        else { return nil }
        return Self(target: target, seed: seed, rounds: rounds, lastInput: file)
    }
}
