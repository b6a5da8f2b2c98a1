import FuzzTargets
import Testing

@Suite struct CorpusTests {
    @Test(arguments: FuzzTarget.all)
    func `every kept input holds its target's invariant`(target: FuzzTarget) throws {
        let inputs = try Corpus.inputs(for: target.name)
        #expect(!inputs.isEmpty, "a target without inputs tests nothing")
        for input in inputs {
            #expect(throws: Never.self, "\(input.name): \(target.invariant)") { try target.run(input.bytes) }
        }
    }

    /// A few hundred children of every kept input, the same in each run; `ops/fuzz` goes on from there.
    @Test(arguments: FuzzTarget.all)
    func `small damage to the kept inputs holds the invariant too`(target: FuzzTarget) throws {
        let inputs = try Corpus.inputs(for: target.name).map(\.bytes)
        var mutator = Mutator(seed: 1)
        for input in inputs {
            for round in 0..<200 {
                let child = mutator.mutate(input, splicingFrom: inputs[round % inputs.count])
                #expect(throws: Never.self, "\(child)") { try target.run(child) }
            }
        }
    }

    @Test func `every folder of the corpus belongs to a target`() throws {
        #expect(try Corpus.targets == FuzzTarget.all.map(\.name).sorted())
    }
}
