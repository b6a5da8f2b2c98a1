import Domain
import MongoStore
import StoreConformance
import Testing

/// Every case of the conformance suite on MongoDB. One after the other: they share a database, emptied before each.
@Suite(.serialized, .mongoServer) struct MongoConformanceTests {
    @Test(arguments: StoreConformance.cases)
    func `MongoDB keeps the promises of a store`(_ conformance: ConformanceCase) async throws {
        let uri = try #require(MongoServerTrait.external ?? MongoServer.current?.uri)
        // On a busy machine the test server takes long for what a test asks at once.
        var limits = MongoLimits()
        limits.answerMillisecondsMax = 15_000
        let generous = limits
        let cleaner = try MongoStore(uri: uri, databaseDefault: "millrace_test", limits: generous)
        try await empty(cleaner)
        await cleaner.close()
        let host = StoreHost(keepsRecords: true, isShared: true) {
            try MongoStore(uri: uri, databaseDefault: "millrace_test", limits: generous)
        }
        try await conformance.body(host)
    }

    private func empty(_ store: MongoStore) async throws {
        for kind in RecordKind.allCases {
            while case let page = try await store.list(kind, after: nil, limit: 1000), !page.isEmpty {
                for record in page { _ = try await store.delete(kind, record.key, expecting: record.revision) }
            }
        }
        for lease in try await store.leases().leases { try await store.removeLease(of: lease.nodeID) }
    }
}
