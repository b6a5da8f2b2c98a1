import ClaimHistory
import Testing

/// What the judge of claim histories must accept and refuse: without these a history that proves nothing would pass.
@Suite struct ClaimHistoryTests {
    private static let a = Boot("a", "a-1")
    private static let b = Boot("b", "b-1")
    private static let a2 = Boot("a", "a-2")

    private static func registered(_ more: [StreamOperation]) -> ClaimHistory {
        let boots = [a, b].map { StreamOperation(.restart($0), .done, calledAt: 0, returnedAt: 1) }
        return ClaimHistory(boots + more)
    }

    private static func operation(
        _ call: StreamOperation.Call,
        _ answer: StreamOperation.Answer,
        _ calledAt: Int64,
        _ returnedAt: Int64
    ) -> StreamOperation {
        StreamOperation(call, answer, calledAt: calledAt, returnedAt: returnedAt)
    }

    private static let locks: [(String, [StreamOperation])] = [
        (
            "one after the other",
            [
                operation(.claim(a), .granted(epoch: 5), 2, 3), operation(.claim(b), .inUse(owner: "a"), 4, 5),
                operation(.release(a, epoch: 5), .done, 6, 7), operation(.claim(b), .granted(epoch: 6), 8, 9),
            ]
        ),
        (
            "a claim held until the owner's release, which came after the call",
            [
                operation(.claim(a), .granted(epoch: 5), 2, 3), operation(.claim(b), .granted(epoch: 6), 4, 20),
                operation(.release(a, epoch: 5), .done, 6, 7),
            ]
        ),
        (
            "a repeated claim is granted unchanged",
            [operation(.claim(a), .unknown, 2, 3), operation(.claim(a), .granted(epoch: 5), 4, 5)]
        ),
        (
            "a lost answer was a grant",
            [
                operation(.claim(a), .unknown, 2, 3), operation(.claim(b), .inUse(owner: "a"), 4, 5),
                operation(.restart(a2), .done, 6, 7), operation(.claim(b), .granted(epoch: 5), 8, 9),
            ]
        ),
        (
            "a lost answer was none",
            [operation(.claim(a), .unknown, 2, 3), operation(.claim(b), .granted(epoch: 5), 4, 5)]
        ),
        (
            "a lost release took effect after its caller gave up",
            [
                operation(.claim(a), .granted(epoch: 5), 2, 3), operation(.release(a, epoch: 5), .unknown, 4, 5),
                operation(.claim(b), .inUse(owner: "a"), 6, 7), operation(.claim(b), .granted(epoch: 6), 8, 9),
            ]
        ),
        (
            "the owner's next life ends its hold",
            [
                operation(.claim(a), .granted(epoch: 5), 2, 3), operation(.restart(a2), .done, 4, 5),
                operation(.claim(b), .granted(epoch: 6), 6, 7), operation(.claim(a), .superseded, 8, 9),
            ]
        ),
    ]

    private static let violations: [(String, [StreamOperation])] = [
        (
            "two owners at once",
            [operation(.claim(a), .granted(epoch: 5), 2, 3), operation(.claim(b), .granted(epoch: 6), 4, 5)]
        ),
        (
            "two owners at once, called at the same time",
            [operation(.claim(a), .granted(epoch: 5), 2, 9), operation(.claim(b), .granted(epoch: 6), 2, 9)]
        ),
        (
            "an epoch given twice",
            [
                operation(.claim(a), .granted(epoch: 5), 2, 3), operation(.release(a, epoch: 5), .done, 4, 5),
                operation(.claim(b), .granted(epoch: 5), 6, 7),
            ]
        ),
        (
            "an epoch that went back",
            [
                operation(.claim(a), .granted(epoch: 5), 2, 3), operation(.release(a, epoch: 5), .done, 4, 5),
                operation(.claim(b), .granted(epoch: 4), 6, 7),
            ]
        ),
        (
            "a hold that outlives a restart",
            [
                operation(.claim(a), .granted(epoch: 5), 2, 3), operation(.restart(a2), .done, 4, 5),
                operation(.claim(a), .granted(epoch: 5), 6, 7),
            ]
        ),
        ("in use by one who never had it", [operation(.claim(a), .inUse(owner: "b"), 2, 3)]),
        (
            "granted before the release was called",
            [
                operation(.claim(a), .granted(epoch: 5), 2, 3), operation(.claim(b), .granted(epoch: 6), 4, 5),
                operation(.release(a, epoch: 5), .done, 6, 7),
            ]
        ),
    ]

    @Test(arguments: locks.indices) func `accepts what a lock answers`(index: Int) {
        let (name, operations) = Self.locks[index]
        #expect(Self.registered(operations).violation() == nil, "\(name)")
    }

    @Test(arguments: violations.indices) func `refuses what no lock answers`(index: Int) {
        let (name, operations) = Self.violations[index]
        #expect(Self.registered(operations).violation() != nil, "\(name)")
    }
}
