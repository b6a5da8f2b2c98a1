import ClusterModel
import Domain

extension StoreConformance {
    static let records: [ConformanceCase] = [
        ConformanceCase(
            "a record that nobody wrote is not there",
            on: { store in
                try check(try await store.read(.stream, "live/none"), nil, "an unknown record")
                let outcome = try await store.delete(.stream, "live/none", expecting: Revision(1))
                try check(outcome, .conflict(nil), "deleting an unknown record")
                let write = try await store.write(.stream, "live/none", body: json("{}"), expecting: Revision(1))
                try check(write, .conflict(nil), "writing over an unknown record")
                try check(try await store.read(.stream, "live/none"), nil, "the record after a refused write")
            }
        ),
        ConformanceCase(
            "the first write makes revision 1 and each further one the next",
            on: { store in
                for number in 1...5 as ClosedRange<Int64> {
                    let expected = number == 1 ? nil : Revision(number - 1)
                    let outcome = try await store.write(
                        .app,
                        "live",
                        body: json(#"{"n":\#(number)}"#),
                        expecting: expected
                    )
                    try check(outcome, .done(Revision(number)), "write \(number)")
                    try await checkRecord(store, .app, "live", revision: number, body: #"{"n":\#(number)}"#)
                }
            }
        ),
        ConformanceCase(
            "a write from an old revision changes nothing and shows the record as it is",
            on: { store in
                try await make(store, .node, "n1", #"{"v":1}"#)
                _ = try await store.write(.node, "n1", body: json(#"{"v":2}"#), expecting: Revision(1))
                for stale in [nil, Revision(1), Revision(3)] {
                    let outcome = try await store.write(.node, "n1", body: json(#"{"v":9}"#), expecting: stale)
                    try checkConflict(outcome, revision: 2, body: #"{"v":2}"#)
                }
                try await checkRecord(store, .node, "n1", revision: 2, body: #"{"v":2}"#)
            }
        ),
        ConformanceCase(
            "a delete removes only the revision it names",
            on: { store in
                try await make(store, .group, "west", #"{"v":1}"#)
                _ = try await store.write(.group, "west", body: json(#"{"v":2}"#), expecting: Revision(1))
                let stale = try await store.delete(.group, "west", expecting: Revision(1))
                try checkConflict(stale, revision: 2, body: #"{"v":2}"#)
                let done = try await store.delete(.group, "west", expecting: Revision(2))
                try check(done, .done(Revision(2)), "the delete")
                try check(try await store.read(.group, "west"), nil, "the deleted record")
                try check(
                    try await store.delete(.group, "west", expecting: Revision(2)),
                    .conflict(nil),
                    "a second delete"
                )
            }
        ),
        ConformanceCase(
            "a deleted record can be made anew, from revision 1",
            on: { store in
                try await make(store, .stream, "live/s1", #"{"v":1}"#)
                _ = try await store.delete(.stream, "live/s1", expecting: Revision(1))
                try await make(store, .stream, "live/s1", #"{"v":2}"#)
                try await checkRecord(store, .stream, "live/s1", revision: 1, body: #"{"v":2}"#)
            }
        ),
        ConformanceCase(
            "the kinds do not share keys",
            on: { store in
                for kind in RecordKind.allCases { try await make(store, kind, "same", #"{"kind":"\#(kind)"}"#) }
                _ = try await store.delete(.app, "same", expecting: Revision(1))
                for kind in RecordKind.allCases where kind != .app {
                    try await checkRecord(store, kind, "same", revision: 1, body: #"{"kind":"\#(kind)"}"#)
                    try check(try await store.list(kind, after: nil, limit: 10).map(\.key), ["same"], "keys of \(kind)")
                }
                try check(try await store.list(.app, after: nil, limit: 10), [], "the kind whose record was deleted")
            }
        ),
    ]
}

func json(_ text: String) -> [UInt8] { Array(text.utf8) }

func make(_ store: any ClusterStore, _ kind: RecordKind, _ key: String, _ body: String) async throws {
    let outcome = try await store.write(kind, key, body: json(body), expecting: nil)
    try check(outcome, .done(Revision(1)), "making \(kind) \(key)")
}

func checkRecord(
    _ store: any ClusterStore,
    _ kind: RecordKind,
    _ key: String,
    revision: Int64,
    body: String
) async throws {
    guard let record = try await store.read(kind, key) else {
        throw ConformanceFailure(description: "\(kind) \(key) is gone")
    }
    try check(record.kind, kind, "kind")
    try check(record.key, key, "key")
    try check(record.revision, Revision(revision), "revision of \(key)")
    try check(try JSONValue(record.body), try JSONValue(json(body)), "body of \(key)")
}

func checkConflict(_ outcome: WriteOutcome, revision: Int64, body: String) throws {
    guard case .conflict(let record?) = outcome else {
        throw ConformanceFailure(description: "expected a conflict that shows the record, got \(outcome)")
    }
    try check(record.revision, Revision(revision), "the conflict's revision")
    try check(try JSONValue(record.body), try JSONValue(json(body)), "the conflict's body")
}
