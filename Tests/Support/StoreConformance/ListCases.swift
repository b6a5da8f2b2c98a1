import Domain

extension StoreConformance {
    static let lists: [ConformanceCase] = [
        ConformanceCase(
            "a list is in key order and starts after the cursor",
            on: { store in
                // In order of their bytes: punctuation, digits, capitals, underscore, small letters.
                let keys = ["a-b", "a.b", "a/b", "a/b-c", "a/bc", "a0", "aB", "aZ", "a_", "aa", "ab"]
                for key in keys.shuffled() { try await make(store, .stream, key, #"{"key":"\#(key)"}"#) }
                try check(try await store.list(.stream, after: nil, limit: 100).map(\.key), keys, "all keys")
                for (index, key) in keys.enumerated() {
                    let rest = try await store.list(.stream, after: key, limit: 100)
                    try check(rest.map(\.key), Array(keys[(index + 1)...]), "the keys after \(key)")
                }
            }
        ),
        ConformanceCase(
            "a list holds whole records and at most as many as asked for",
            on: { store in
                for number in 1...5 { try await make(store, .node, "n\(number)", #"{"n":\#(number)}"#) }
                let page = try await store.list(.node, after: "n1", limit: 2)
                try check(page.map(\.key), ["n2", "n3"], "the page")
                for record in page {
                    try check(record.kind, .node, "the kind of a listed record")
                    try check(try await store.read(.node, record.key), record, "the same record, read alone")
                }
            }
        ),
        ConformanceCase(
            "a cursor need not name a record",
            on: { store in
                for key in ["b", "d"] { try await make(store, .group, key, "{}") }
                try check(try await store.list(.group, after: "a", limit: 10).map(\.key), ["b", "d"], "after a")
                try check(try await store.list(.group, after: "c", limit: 10).map(\.key), ["d"], "after c")
                try check(try await store.list(.group, after: "d", limit: 10), [], "after the last")
                try check(try await store.list(.app, after: nil, limit: 10), [], "a kind without records")
            }
        ),
        ConformanceCase(
            "pages of many records together show each once",
            on: { store in
                let keys = (0..<1200).map { "live/s\($0)" }.sorted()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for part in 0..<8 {
                        group.addTask {
                            for index in stride(from: part, to: keys.count, by: 8) {
                                try await make(store, .stream, keys[index], #"{"i":\#(index)}"#)
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                var seen: [String] = []
                while true {
                    let page = try await store.list(.stream, after: seen.last, limit: 500)
                    if page.isEmpty { break }
                    try check(page.count <= 500, "a page of \(page.count) records")
                    seen += page.map(\.key)
                }
                try check(seen, keys, "the pages' keys")
                try check(try await store.list(.stream, after: nil, limit: 1000).count, 1000, "the largest page's size")
            }
        ),
    ]
}
