import Dispatch
import Domain
import MongoStore
import StoreConformance
import Testing

/// A server that dies, stalls and comes back.
@Suite(.serialized) struct MongoFaultTests {
    @Test func `a killed server has all that was acknowledged, and the store goes on without a restart`() async throws {
        let server = try MongoServer()
        let store = try await server.openWhenReady()
        for round in 0..<2 {
            let acknowledged = Shared<[String: Revision]>([:])
            try await withThrowingTaskGroup(of: Void.self) { group in
                for writer in 0..<4 {
                    group.addTask { try await write(store, "r\(round)w\(writer)", noting: acknowledged) }
                }
                try await eventually("100 writes are acknowledged") { acknowledged.value.count >= 100 }
                server.kill()
                try await group.waitForAll()
            }
            try server.crashAndRestart()
            try await server.waitUntilReady(store)
            for (key, revision) in acknowledged.value {
                #expect(try await store.read(.stream, key)?.revision == revision, "\(key)")
            }
            let extra = try await store.write(.app, "after\(round)", body: Array("{}".utf8), expecting: nil)
            #expect(extra == .done(Revision(1)))
        }
        await store.close()
    }

    @Test func `a stalled server makes calls unavailable in time, and answers again without a restart`() async throws {
        let server = try MongoServer()
        var limits = MongoLimits()
        limits.answerMillisecondsMax = 500
        let store = try await server.openWhenReady(limits: limits)
        _ = try await store.write(.stream, "live/s1", body: Array("{}".utf8), expecting: nil)
        server.pause()
        // Every call ends while the server stands still: were one to wait for it, the test would not end.
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<20 {
                group.addTask {
                    await expectUnavailable { _ = try await store.read(.stream, "live/s\(number)") }
                    await expectUnavailable {
                        _ = try await store.write(.app, "a\(number)", body: Array("{}".utf8), expecting: nil)
                    }
                }
            }
            group.addTask { await expectUnavailable { _ = try await store.renew([renewal], for: .seconds(20)) } }
            group.addTask { await expectUnavailable { _ = try await store.now() } }
        }
        server.goOn()
        try await server.waitUntilReady(store)
        try await eventually("heartbeats are answered") {
            (try? await store.renew([renewal], for: .seconds(20))) != nil
        }
        #expect(try await store.read(.stream, "live/s1")?.revision == Revision(1))
        await store.close()
    }

    @Test func `heartbeats do not stand in one line with other calls`() async throws {
        let server = try MongoServer()
        var limits = MongoLimits()
        limits.callsMax = 1
        limits.waitingCallsMax = 1
        limits.answerMillisecondsMax = 5000
        let store = try await server.openWhenReady(limits: limits)
        _ = try await store.renew([renewal], for: .seconds(20))
        server.pause()
        let turnedAway = Shared(0)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<10 {
                group.addTask {
                    do { _ = try await store.now() } catch { turnedAway.change { $0 += 1 } }
                }
            }
            try await eventually("the line of calls is full") { turnedAway.value > 0 }
            // Runs here until it stands in line, or is turned away.
            let heartbeat = Task.immediate { try await store.renew([renewal], for: .seconds(20)) }
            server.goOn()
            _ = try await heartbeat.value
            try await group.waitForAll()
        }
        await store.close()
    }

    @Test func `a store may be made before its server is there`() async throws {
        let server = try MongoServer()
        server.kill()
        let store = try MongoStore(uri: server.uri)
        await expectUnavailable { _ = try await store.now() }
        try server.crashAndRestart()
        try await server.waitUntilReady(store)
        #expect(try await store.write(.app, "live", body: Array("{}".utf8), expecting: nil) == .done(Revision(1)))
        await store.close()
    }

    /// The follower is held up while changes are made and the server dies; it finds its connection dead and no server.
    @Test func `a follower misses nothing of what happened around a crash of the server`() async throws {
        let server = try MongoServer()
        var limits = MongoLimits()
        limits.answerMillisecondsMax = 300
        let store = try await server.openWhenReady(limits: limits)
        let seen = Shared<Set<String>>([])
        let gate = DispatchSemaphore(value: 0)
        let following = Task {
            try await store.follow { change in
                guard case .written(let record) = change else { return }
                seen.change { $0.insert(record.key) }
                if record.key == "gate" { gate.wait() }
            }
        }
        var probes = 0
        try await eventually("the follower has begun") {
            _ = try await store.write(.app, "probe\(probes)", body: Array("{}".utf8), expecting: nil)
            probes += 1
            return !seen.value.isEmpty
        }
        _ = try await store.write(.app, "gate", body: Array("{}".utf8), expecting: nil)
        try await eventually("the follower is held up") { seen.value.contains("gate") }
        let wanted = Set((0..<50).map { "live/s\($0)" })
        for key in wanted { _ = try await store.write(.stream, key, body: Array("{}".utf8), expecting: nil) }
        server.kill()
        gate.signal()
        await expectUnavailable { _ = try await store.now() }
        try server.crashAndRestart()
        try await server.waitUntilReady(store)
        try await eventually("the follower saw all 50") { seen.value.isSuperset(of: wanted) }
        following.cancel()
        try await following.value
        await store.close()
    }

    /// Writes until the server is gone, and notes what was acknowledged.
    private func write(_ store: MongoStore, _ prefix: String, noting acknowledged: Shared<[String: Revision]>)
        async throws
    {
        for number in 0..<100_000 {
            let key = "\(prefix)n\(number)"
            do {
                for revision in 1...2 as ClosedRange<Int64> {
                    let expected = revision == 1 ? nil : Revision(revision - 1)
                    let outcome = try await store.write(.stream, key, body: Array("{}".utf8), expecting: expected)
                    guard outcome == .done(Revision(revision)) else { throw StoreError.corrupt("\(key): \(outcome)") }
                }
                acknowledged.change { $0[key] = Revision(2) }
            } catch StoreError.unavailable {
                return
            }
        }
    }
}

private let renewal = LeaseRenewal(nodeID: "n1", bootID: "b1", bootNumber: 1, report: Array("{}".utf8))

private func expectUnavailable(_ body: () async throws -> Void) async {
    do {
        try await body()
        Issue.record("it was answered")
    } catch StoreError.unavailable {
    } catch {
        Issue.record("\(error)")
    }
}
