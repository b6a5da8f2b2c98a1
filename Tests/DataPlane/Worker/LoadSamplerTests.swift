import Synchronization
import Testing
import Timebase
import Worker

@Suite struct LoadSamplerTests {
    private static let start = MonotonicInstant(nanoseconds: 0)
    private static let status = """
        Name:\tmillrace-worker
        Umask:\t0022
        VmPeak:\t 1026268 kB
        VmHWM:\t   63104 kB
        VmRSS:\t   63072 kB
        RssAnon:\t   21348 kB
        Threads:\t7
        """
    private static let machine = """
        MemTotal:       24690884 kB
        MemFree:         2110244 kB
        HugePages_Total:       0
        """

    @Test(
        arguments: [
            ("VmRSS:", status, 63072), ("VmPeak:", status, 1_026_268), ("MemTotal:", machine, 24_690_884),
            ("VmSwap:", status, nil), ("MemTotal:", "MemTotal:", nil), ("VmRSS:", "", nil),
        ] as [(String, String, Int?)]
    )
    func `a size is read from between tabs and blanks`(field: String, table: String, size: Int?) {
        #expect(MachineLimits.kibibytes(of: field, in: table) == size)
    }

    @Test func `the running process holds a share of its budget`() {
        let budget = 64 << 30
        let share = LoadSampler(memoryBudgetBytes: budget, sentBytes: { 0 }).sample(at: Self.start).memory
        // No Swift program is smaller than a MiB, and no test that large.
        #expect(share > Double(1 << 20) / Double(budget) && share < 1)
        let half = LoadSampler(memoryBudgetBytes: budget / 2, sentBytes: { 0 }).sample(at: Self.start).memory
        #expect(half > share)
        #expect(LoadSampler(memoryBudgetBytes: nil, sentBytes: { 0 }).sample(at: Self.start).memory == 0)
    }

    @Test func `egress is what was sent in the last seconds`() {
        let sent = Mutex(5_000_000)
        let sampler = LoadSampler(memoryBudgetBytes: nil) { sent.withLock { $0 } }
        let rates = (0...12).map { second in
            if second == 1 { sent.withLock { $0 += 1_000_000 } }
            return sampler.sample(at: Self.start + .seconds(second)).egressBitsPerSecond
        }
        #expect(rates[0...5] == [0, 8_000_000, 4_000_000, 2_666_666, 2_000_000, 1_600_000])
        #expect(rates[6...12].allSatisfy { $0 == 0 }, "\(rates)")
    }
}
