import Domain
import SQLiteStore
import StoreConformance
import Testing

@Suite struct SQLiteQueueTests {
    /// The file has room for the heartbeat only if that goes before the writes that were there first.
    @Test func `a heartbeat overtakes the writes that wait`() async throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        let path = directory.file("cluster.db")
        var limits = SQLiteLimits()
        limits.waitingWritesMax = 200
        limits.fileBytesMax = 4 << 20
        limits.busyTimeoutSeconds = 60
        let store = try SQLiteStore(path: path, limits: limits)
        let holder = try ChildProcess("/usr/bin/env", ["python3", "-u", "-c", Self.holdScript, path])
        try await holder.waitForOutput("held")
        let large = Array(#"{"fill":"\#(String(repeating: "x", count: 50_000))"}"#.utf8)
        let turnedAway = Shared(0)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<300 {
                group.addTask {
                    do {
                        _ = try await store.write(.stream, "live/s\(number)", body: large, expecting: nil)
                    } catch StoreError.unavailable(let reason) {
                        if reason.contains("wait for the disk") { turnedAway.change { $0 += 1 } }
                    }
                }
            }
            try await eventually("the line is full") { turnedAway.value > 0 }
            let renewal = LeaseRenewal(nodeID: "n1", bootID: "b1", bootNumber: 1, report: large)
            // Runs here until it stands in line.
            let heartbeat = Task.immediate { try await store.renew([renewal], for: .seconds(20)) }
            holder.kill()
            _ = try await heartbeat.value
            try await group.waitForAll()
        }
        await store.close()
    }

    private static let holdScript = """
        import sqlite3, sys
        connection = sqlite3.connect(sys.argv[1], isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        print("held")
        sys.stdin.read()
        """

    @Test func `more waiting writes than the limit are turned away, and the rest is done`() async throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        var limits = SQLiteLimits()
        limits.writesPerCommitMax = 1
        limits.waitingWritesMax = 4
        let store = try SQLiteStore(path: directory.file("cluster.db"), limits: limits)
        let done = Shared<[String]>([])
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<400 {
                group.addTask {
                    let key = "live/s\(number)"
                    do {
                        _ = try await store.write(.stream, key, body: Array("{}".utf8), expecting: nil)
                        done.change { $0.append(key) }
                    } catch {
                        #expect("\(error)".contains("wait for the disk"))
                    }
                }
            }
        }
        let kept = try await store.list(.stream, after: nil, limit: 1000).map(\.key)
        #expect(kept == done.value.sorted())
        await store.close()
    }
}
