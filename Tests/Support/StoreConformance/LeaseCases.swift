import ClusterModel
import Domain
import Timebase

extension StoreConformance {
    static let leases: [ConformanceCase] = [
        ConformanceCase(
            "a lease is made, renewed and ends by the store's clock",
            on: { store in
                let first = try await store.renew([renewal("n1", boot: 1)], for: .seconds(20))
                try checkRenewed(first, for: .seconds(20))
                let second = try await store.renew([renewal("n1", boot: 1, report: #"{"cpu":0.5}"#)], for: .seconds(30))
                let until = try checkRenewed(second, for: .seconds(30))
                let answer = try await store.leases()
                try check(answer.leases.count, 1, "the number of leases")
                try checkLease(
                    answer.leases[0],
                    "n1",
                    boot: 1,
                    until: until,
                    report: #"{"cpu":0.5}"#
                )
                try check(answer.now >= first.now, "the store's clock went back")
                try check(answer.now - second.now < .seconds(20), "the store's clock leapt")
            }
        ),
        ConformanceCase(
            "an older boot is superseded and a newer one takes the lease over",
            on: { store in
                _ = try await store.renew([renewal("n1", boot: 5)], for: .seconds(20))
                let newer = try await store.renew([renewal("n1", boot: 6)], for: .seconds(20))
                let until = try checkRenewed(newer, for: .seconds(20))
                let older = try await store.renew([renewal("n1", boot: 5, report: #"{"old":1}"#)], for: .seconds(99))
                try check(older.outcomes, [.superseded(byBootID: "n1-boot6")], "the older boot")
                let answer = try await store.leases()
                try checkLease(answer.leases[0], "n1", boot: 6, until: until, report: "{}")
            }
        ),
        ConformanceCase(
            "an ended lease is still listed and still supersedes",
            on: { store in
                _ = try await store.renew([renewal("n1", boot: 2)], for: .zero)
                let answer = try await store.leases()
                try check(answer.leases.map(\.nodeID), ["n1"], "the leases")
                try check(answer.leases[0].validUntil <= answer.now, "the lease has ended")
                let older = try await store.renew([renewal("n1", boot: 1)], for: .seconds(20))
                try check(older.outcomes, [.superseded(byBootID: "n1-boot2")], "an older boot after the end")
            }
        ),
        ConformanceCase(
            "outcomes stand in the order of the renewals",
            on: { store in
                let held = stride(from: 0, to: 40, by: 3).map { renewal("n\($0)", boot: 9) }
                _ = try await store.renew(held, for: .seconds(20))
                let order = (0..<40).shuffled()
                let report = try await store.renew(order.map { renewal("n\($0)", boot: 4) }, for: .seconds(20))
                try check(report.outcomes.count, order.count, "the number of outcomes")
                for (number, outcome) in zip(order, report.outcomes) {
                    if number % 3 == 0 {
                        try check(outcome, .superseded(byBootID: "n\(number)-boot9"), "the outcome of n\(number)")
                    } else {
                        try checkRenewed(outcome, report, for: .seconds(20))
                    }
                }
            }
        ),
        ConformanceCase(
            "two boots of one node in one call: the newer has the lease after it",
            on: { store in
                for boots in [[1, 2], [4, 3]] as [[Int64]] {
                    let newest = boots.max() ?? 0
                    let report = try await store.renew(boots.map { renewal("n1", boot: $0) }, for: .seconds(20))
                    let newestIndex = boots.firstIndex(of: newest) ?? 0
                    try checkRenewed(report.outcomes[newestIndex], report, for: .seconds(20))
                    try check(try await store.leases().leases.map(\.bootNumber), [newest], "the lease's boot")
                }
            }
        ),
        ConformanceCase(
            "no renewals have no outcomes",
            on: { store in
                try check(try await store.renew([], for: .seconds(20)).outcomes, [], "the outcomes")
                try check(try await store.leases().leases, [], "the leases")
            }
        ),
        ConformanceCase(
            "a removed lease is gone and can be made anew, by any boot",
            on: { store in
                _ = try await store.renew([renewal("n1", boot: 7), renewal("n2", boot: 1)], for: .seconds(20))
                try await store.removeLease(of: "n1")
                try await store.removeLease(of: "unknown")
                try check(try await store.leases().leases.map(\.nodeID), ["n2"], "the leases")
                let report = try await store.renew([renewal("n1", boot: 1)], for: .seconds(20))
                try checkRenewed(report, for: .seconds(20))
            }
        ),
        ConformanceCase(
            "many leases are renewed in one call and listed by node id",
            on: { store in
                let numbers = Array(0..<1000)
                let report = try await store.renew(
                    numbers.shuffled().map { renewal("n\($0)", boot: 1) },
                    for: .seconds(20)
                )
                try check(report.outcomes.count, numbers.count, "the number of outcomes")
                for outcome in report.outcomes { try checkRenewed(outcome, report, for: .seconds(20)) }
                let listed = try await store.leases().leases.map(\.nodeID)
                try check(listed, numbers.map { "n\($0)" }.sorted(), "the listed leases")
            }
        ),
        ConformanceCase(
            "boots that race for a lease end with the newest",
            on: { store in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for boot in (1...24 as ClosedRange<Int64>).shuffled() {
                        group.addTask { _ = try await store.renew([renewal("n1", boot: boot)], for: .seconds(20)) }
                    }
                    try await group.waitForAll()
                }
                try check(try await store.leases().leases.map(\.bootNumber), [24], "the lease's boot")
            }
        ),
        ConformanceCase(
            "the store's clock does not run back",
            on: { store in
                var last = try await store.now()
                for _ in 0..<20 {
                    let now = try await store.now()
                    try check(now >= last, "the clock went from \(last) to \(now)")
                    last = now
                }
                let renewed = try await store.renew([renewal("n1", boot: 1)], for: .seconds(1)).now
                try check(renewed >= last && renewed - last < .seconds(20), "leases and now() have one clock")
            }
        ),
    ]

    private static func renewal(_ node: String, boot: Int64, report: String = "{}") -> LeaseRenewal {
        LeaseRenewal(nodeID: node, bootID: "\(node)-boot\(boot)", bootNumber: boot, report: json(report))
    }

    /// The one lease of the report is renewed; its end.
    @discardableResult
    private static func checkRenewed(_ report: LeaseReport, for duration: Duration) throws -> WallTime {
        try check(report.outcomes.count, 1, "the number of outcomes")
        return try checkRenewed(report.outcomes[0], report, for: duration)
    }

    /// A report's time is that of its last renewal: others of one call may be some of the store's milliseconds older.
    @discardableResult
    private static func checkRenewed(
        _ outcome: LeaseOutcome,
        _ report: LeaseReport,
        for duration: Duration
    ) throws -> WallTime {
        guard case .renewed(let end) = outcome else {
            throw ConformanceFailure(description: "expected a renewal, got \(outcome)")
        }
        let age = (report.now + duration) - end
        try check(
            age >= .zero && age < .seconds(10),
            "a lease for \(duration) ends at \(end), renewed at \(report.now)"
        )
        return end
    }

    private static func checkLease(
        _ lease: Lease,
        _ node: String,
        boot: Int64,
        until end: WallTime,
        report: String
    ) throws {
        try check(lease.nodeID, node, "the lease's node")
        try check(lease.bootID, "\(node)-boot\(boot)", "the lease's boot id")
        try check(lease.bootNumber, boot, "the lease's boot number")
        try check(lease.validUntil, end, "the lease's end")
        try check(try JSONValue(lease.report), try JSONValue(json(report)), "the lease's report")
    }
}
