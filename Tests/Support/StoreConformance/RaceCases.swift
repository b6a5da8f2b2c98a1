import Domain

extension StoreConformance {
    private static let racers = 32

    static let races: [ConformanceCase] = [
        ConformanceCase(
            "of many writers from one revision exactly one wins",
            on: { store in
                try await make(store, .stream, "live/s1", #"{"by":-1}"#)
                for round in 1...8 as ClosedRange<Int64> {
                    let outcomes = try await race { racer in
                        let body = json(#"{"by":\#(racer),"round":\#(round)}"#)
                        return try await store.write(.stream, "live/s1", body: body, expecting: Revision(round))
                    }
                    let winner = try onlyWinner(of: outcomes, revision: round + 1)
                    let body = #"{"by":\#(winner),"round":\#(round)}"#
                    try await checkRecord(store, .stream, "live/s1", revision: round + 1, body: body)
                    for (racer, outcome) in outcomes.enumerated() where racer != winner {
                        try checkConflict(outcome, revision: round + 1, body: body)
                    }
                }
            }
        ),
        ConformanceCase(
            "of many who make a record exactly one does",
            on: { store in
                for round in 1...8 {
                    let key = "live/s\(round)"
                    let outcomes = try await race { racer in
                        try await store.write(.stream, key, body: json(#"{"by":\#(racer)}"#), expecting: nil)
                    }
                    let winner = try onlyWinner(of: outcomes, revision: 1)
                    try await checkRecord(store, .stream, key, revision: 1, body: #"{"by":\#(winner)}"#)
                }
            }
        ),
        ConformanceCase(
            "of writers and deleters from one revision exactly one wins",
            on: { store in
                for round in 1...8 {
                    let key = "live/s\(round)"
                    try await make(store, .stream, key, "{}")
                    let outcomes = try await race { racer in
                        if racer.isMultiple(of: 2) {
                            try await store.delete(.stream, key, expecting: Revision(1))
                        } else {
                            try await store.write(.stream, key, body: json("{}"), expecting: Revision(1))
                        }
                    }
                    let winner = try onlyWinner(of: outcomes, revision: nil)
                    let left = try await store.read(.stream, key)
                    try check(left?.revision, winner.isMultiple(of: 2) ? nil : Revision(2), "what the race left")
                }
            }
        ),
        ConformanceCase(
            "counting by compare-and-set loses no count",
            on: { store in
                try await make(store, .cluster, "counter", #"{"count":0}"#)
                _ = try await race(16) { _ in
                    for _ in 0..<5 { try await increment(store, "counter") }
                    return .conflict(nil)
                }
                try await checkRecord(store, .cluster, "counter", revision: 81, body: #"{"count":80}"#)
            }
        ),
    ]

    private static func race(
        _ count: Int = racers,
        _ attempt: @escaping @Sendable (Int) async throws -> WriteOutcome
    ) async throws -> [WriteOutcome] {
        try await withThrowingTaskGroup(of: (Int, WriteOutcome).self) { group in
            for racer in 0..<count { group.addTask { (racer, try await attempt(racer)) } }
            var outcomes = [WriteOutcome](repeating: .conflict(nil), count: count)
            for try await (racer, outcome) in group { outcomes[racer] = outcome }
            return outcomes
        }
    }

    private static func onlyWinner(of outcomes: [WriteOutcome], revision: Int64?) throws -> Int {
        let winners = outcomes.indices.filter { index in
            guard case .done(let done) = outcomes[index] else { return false }
            return revision.map { done == Revision($0) } ?? true
        }
        try check(winners.count, 1, "the number of winners")
        return winners[0]
    }

    /// Reads, adds one and writes, until its write is the one that wins. The count is the revision before the write.
    private static func increment(_ store: any ClusterStore, _ key: String) async throws {
        while let record = try await store.read(.cluster, key) {
            let body = json(#"{"count":\#(record.revision.value)}"#)
            if case .done = try await store.write(.cluster, key, body: body, expecting: record.revision) { return }
        }
        throw ConformanceFailure(description: "\(key) is gone")
    }
}
