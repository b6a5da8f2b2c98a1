import ClusterHarness
import Testing

/// Runs the simulator as a program of its own: it takes over the process's executor.
@Suite(.serialized, .timeLimit(.minutes(5))) struct SimulationTests {
    private func simulate(_ arguments: String...) throws -> CommandResult {
        try run([SourceTree.program("millrace-simulate")] + arguments, seconds: 240)
    }

    @Test func `A sweep of seeds finds nothing wrong`() throws {
        let result = try simulate("--seeds", "1..50")
        #expect(result.status == 0, "\(result.output)")
    }

    @Test func `One seed gives one run`() throws {
        let (first, second) = (try simulate("7"), try simulate("7"))
        #expect(first.status == 0)
        #expect(first.output.count > 1000)
        #expect(first.output == second.output)
    }

    /// What each of them found is mended; a change of the code may well have moved it to other runs.
    @Test(arguments: [
        21, 69, 101, 107, 111, 118, 140, 144, 171, 175, 180, 239, 244, 276, 280, 287, 298, 316, 343, 359, 508,
        756, 793, 845, 887, 1047, 1282, 1350, 1376, 1471, 1753, 1880, 1904, 2323, 2325, 2644, 3006, 3050, 3164,
        3203, 3541, 4093, 4143, 4792, 4804, 4875, 5724, 6239, 7171, 8241, 8557, 9070,
    ])
    func `A seed that failed once is clean`(seed: Int) throws {
        let result = try simulate("--seeds", "\(seed)..\(seed)")
        #expect(result.status == 0, "\(result.output)")
    }

    /// All of them, the rarer ones too, are sought by `ops/simulate --bugs`.
    @Test(arguments: [
        "acceptLateRenewal", "countForEver", "forgetFailedParents", "hideLoss", "pullTwice", "reuseEpoch",
        "routeToDeadParent",
    ])
    func `A planted mistake is found`(bug: String) throws {
        let result = try simulate("--seeds", "1..500", "--bug", bug, "--until-failure")
        #expect(result.status != 0, "nothing was found")
        #expect(result.output.hasPrefix("seed "), "\(result.output)")
    }
}
