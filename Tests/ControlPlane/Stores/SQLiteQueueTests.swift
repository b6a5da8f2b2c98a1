import Domain
import SQLiteStore
import StoreConformance
import Testing

@Suite struct SQLiteQueueTests {
    @Test func `a heartbeat overtakes the writes that wait`() async throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        var limits = SQLiteLimits()
        limits.writesPerCommitMax = 1
        let store = try SQLiteStore(path: directory.file("cluster.db"), limits: limits)
        let count = 2000
        let done = Shared(0)
        let body = Array(#"{"fill":"\#(String(repeating: "x", count: 50_000))"}"#.utf8)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<count {
                group.addTask {
                    _ = try await store.write(.stream, "live/s\(number)", body: body, expecting: nil)
                    done.change { $0 += 1 }
                }
            }
            try await eventually("some writes are done, and so all stand in line") { done.value >= 20 }
            let renewal = LeaseRenewal(nodeID: "n1", bootID: "b1", bootNumber: 1, report: Array("{}".utf8))
            _ = try await store.renew([renewal], for: .seconds(20))
            #expect(done.value < count / 2, "the heartbeat waited for the writes")
            try await group.waitForAll()
        }
        await store.close()
    }

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
