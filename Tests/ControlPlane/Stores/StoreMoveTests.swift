import ClusterModel
import Domain
import Foundation
import MemoryStore
import MongoStore
import SQLiteStore
import StoreMove
import Testing
import Timebase

/// Moves between stores, on a source that somebody used.
private func fill(_ store: any ClusterStore) async throws {
    for number in 0..<1203 {
        let body = #"{"epoch":17636890001\#(number),"app":"live","id":"s\#(number)"}"#
        _ = try await store.write(.stream, "live/s\(number)", body: Array(body.utf8), expecting: nil)
    }
    _ = try await store.write(.app, "live", body: Array(#"{"a":1}"#.utf8), expecting: nil)
    _ = try await store.write(.app, "live", body: Array(#"{"a":2}"#.utf8), expecting: Revision(1))
    let renewal = LeaseRenewal(nodeID: "n1", bootID: "b2", bootNumber: 1_763_689_000_002, report: Array("{}".utf8))
    _ = try await store.renew([renewal], for: .milliseconds(-1))
}

private func records(of store: any ClusterStore) async throws -> [String: [UInt8]] {
    var all: [String: [UInt8]] = [:]
    for kind in RecordKind.allCases {
        var cursor: String?
        while case let page = try await store.list(kind, after: cursor, limit: 1000), let last = page.last {
            for record in page { all["\(kind) \(record.key)"] = record.body }
            cursor = last.key
        }
    }
    return all
}

@Suite struct StoreMoveTests {
    private static let now = WallTime(milliseconds: 1_763_689_000_000)

    private func memory(_ offset: Duration = .zero) -> MemoryStore { MemoryStore { Self.now + offset } }

    @Test func `everything is copied, epochs, settings and boot numbers`() async throws {
        let (source, target) = (memory(), memory())
        try await fill(source)
        let summary = try await StoreMove(from: source, to: target, isSourceExclusive: false).run()
        #expect(summary.records[.stream] == 1203 && summary.records[.app] == 1 && summary.leases == 1)
        #expect(try await records(of: target) == records(of: source))
        // The older boot stays superseded.
        let older = LeaseRenewal(nodeID: "n1", bootID: "b1", bootNumber: 1, report: Array("{}".utf8))
        #expect(try await target.renew([older], for: .seconds(20)).outcomes == [.superseded(byBootID: "b2")])
    }

    @Test func `a target that holds anything is refused, unless told to replace it`() async throws {
        let (source, target) = (memory(), memory())
        try await fill(source)
        _ = try await target.write(.stream, "live/old", body: Array("{}".utf8), expecting: nil)
        let move = StoreMove(from: source, to: target, isSourceExclusive: false)
        await #expect(throws: StoreMove.Fault.targetNotEmpty(store: "memory", records: 1)) { try await move.run() }
        #expect(try await records(of: target).count == 1)
        _ = try await move.run(replace: true)
        #expect(try await records(of: target) == records(of: source))
    }

    @Test func `a store whose nodes live is in use`() async throws {
        let (used, idle) = (memory(), memory())
        let renewal = LeaseRenewal(nodeID: "n", bootID: "b", bootNumber: 1, report: Array("{}".utf8))
        _ = try await used.renew([renewal], for: .seconds(20))
        await #expect(throws: StoreMove.Fault.sourceInUse(store: "memory", nodes: 1)) {
            try await StoreMove(from: used, to: idle, isSourceExclusive: false).run()
        }
        await #expect(throws: StoreMove.Fault.targetInUse(store: "memory", nodes: 1)) {
            try await StoreMove(from: idle, to: used, isSourceExclusive: false).run(replace: true)
        }
        // An embedded file that could be opened is nobody else's, however young its leases.
        #expect(try await StoreMove(from: used, to: idle, isSourceExclusive: true).run().leases == 1)
    }

    @Test func `a target whose clock is behind is refused, since epochs would go back`() async throws {
        let move = StoreMove(from: memory(), to: memory(.milliseconds(-1001)), isSourceExclusive: false)
        await #expect(throws: StoreMove.Fault.clockBehind(store: "memory", milliseconds: 1001)) { try await move.run() }
    }
}

@Suite(.serialized, .mongoServer) struct StoreMoveBetweenDatabasesTests {
    @Test func `the embedded store goes to MongoDB and comes back the same`() async throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        let uri = try #require(MongoServerTrait.external ?? MongoServer.current?.uri)
        var limits = MongoLimits()
        limits.answerMillisecondsMax = 15_000
        let (first, second) = (directory.file("first.db"), directory.file("second.db"))
        let source = try SQLiteStore(path: first)
        try await fill(source)
        let database = try MongoStore(uri: uri, databaseDefault: "millrace_move", limits: limits)
        let there = StoreMove(from: source, to: database, isSourceExclusive: true)
        #expect(try await there.run(replace: true).records[.stream] == 1203)
        #expect(throws: StoreError.self) { _ = try SQLiteStore(path: first) }
        for lease in try await database.leases().leases { try await database.removeLease(of: lease.nodeID) }
        let back = try SQLiteStore(path: second)
        _ = try await StoreMove(from: database, to: back, isSourceExclusive: false).run()
        let wanted = try await records(of: source).mapValues { try JSONValue($0) }
        #expect(try await records(of: back).mapValues { try JSONValue($0) } == wanted)
        for store in [source, database, back] as [any ClusterStore] { await store.close() }
    }
}
