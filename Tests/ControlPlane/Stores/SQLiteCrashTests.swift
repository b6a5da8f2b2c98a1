import Domain
import Foundation
import SQLiteStore
import Testing

/// What is left after a crash or a failed write: all that was acknowledged, and no half of anything.
@Suite struct SQLiteCrashTests {
    @Test func `a copy of the files taken at any moment has all that was acknowledged before`() async throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        let store = try SQLiteStore(path: directory.file("cluster.db"))
        let acknowledged = Shared(Int64(0))
        let writer = Task {
            for number in 0..<60 as Range<Int64> {
                try await append(number, to: store)
                acknowledged.change { $0 = number + 1 }
            }
        }
        for image in 0..<10 {
            let before = acknowledged.value
            let copy = directory.file("image\(image).db")
            try copyFiles(of: directory.file("cluster.db"), to: copy)
            #expect(try await chainLength(in: copy) >= before)
        }
        try await writer.value
        let copy = directory.file("last.db")
        try copyFiles(of: directory.file("cluster.db"), to: copy)
        #expect(try await chainLength(in: copy) == 60)
        await store.close()
    }

    /// A log that ends anywhere is what a loss of power leaves of commits that were not acknowledged.
    @Test func `a log cut off anywhere opens to a whole prefix of the writes`() async throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        let source = directory.file("cluster.db")
        let store = try SQLiteStore(path: source)
        for number in 0..<12 as Range<Int64> { try await append(number, to: store) }
        let log = try #require(FileManager.default.contents(atPath: source + "-wal"))
        var last: Int64 = 0
        for length in stride(from: 0, through: log.count, by: 1373) {
            let copy = directory.file("cut\(length).db")
            try copyFiles(of: source, to: copy)
            try log.prefix(length).write(to: URL(fileURLWithPath: copy + "-wal"))
            let chain = try await chainLength(in: copy)
            #expect(chain >= last, "a longer log lost a write")
            last = chain
        }
        #expect(try await chainLength(in: source, copiedTo: directory.file("whole.db")) == 12)
        await store.close()
    }

    /// The n-th page cannot be had, for every n until all fit.
    @Test func `a full disk fails the write that needs it and nothing else`() async throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        var hasFailed = false
        for pages in 1...200 as ClosedRange<Int64> {
            let path = directory.file("full\(pages).db")
            var limits = SQLiteLimits()
            limits.fileBytesMax = pages * 4096
            let store: SQLiteStore
            do {
                store = try SQLiteStore(path: path, limits: limits)
            } catch {
                #expect("\(error)".contains("full"), "\(error)")
                await (try SQLiteStore(path: path)).close()
                continue
            }
            let written = try await appendUntilFull(20, to: store)
            #expect(try await store.read(.cluster, "chain")?.revision.value ?? 0 == written)
            await store.close()
            #expect(try await chainLength(in: path) == written)
            if written == 20 {
                #expect(hasFailed)
                return
            }
            hasFailed = true
        }
        Issue.record("200 pages were not enough")
    }

    private func appendUntilFull(_ count: Int64, to store: SQLiteStore) async throws -> Int64 {
        for number in 0..<count {
            do {
                try await append(number, to: store)
            } catch StoreError.unavailable(let reason) {
                #expect(reason.contains("full"))
                return number
            }
        }
        return count
    }

    /// Makes one record and notes it in the chain's own.
    private func append(_ number: Int64, to store: SQLiteStore) async throws {
        let body = Array(#"{"number":\#(number),"fill":"\#(String(repeating: "x", count: 900))"}"#.utf8)
        let made = try await store.write(.stream, "live/s\(number)", body: body, expecting: nil)
        guard made == .done(Revision(1)) else { throw StoreError.corrupt("live/s\(number): \(made)") }
        let expected = number == 0 ? nil : Revision(number)
        let noted = try await store.write(.cluster, "chain", body: body, expecting: expected)
        guard noted == .done(Revision(number + 1)) else { throw StoreError.corrupt("the chain: \(noted)") }
    }

    /// How many appends the file holds, after a check that each is whole.
    private func chainLength(in path: String) async throws -> Int64 {
        let store = try SQLiteStore(path: path)
        let length = try await store.read(.cluster, "chain")?.revision.value ?? 0
        for number in 0..<length {
            let record = try await store.read(.stream, "live/s\(number)")
            #expect(record?.body.starts(with: Array(#"{"number":\#(number),"#.utf8)) == true)
        }
        await store.close()
        return length
    }

    private func chainLength(in source: String, copiedTo copy: String) async throws -> Int64 {
        try copyFiles(of: source, to: copy)
        return try await chainLength(in: copy)
    }

    /// The file does not change until the log is 1,000 pages long, so these two copies are one moment's state.
    private func copyFiles(of source: String, to copy: String) throws {
        for suffix in ["", "-wal"] {
            try? FileManager.default.removeItem(atPath: copy + suffix)
            let content = try #require(FileManager.default.contents(atPath: source + suffix))
            try content.write(to: URL(fileURLWithPath: copy + suffix))
        }
    }
}
