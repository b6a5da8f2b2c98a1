import Domain
import Foundation
import MemoryStore
import SQLiteStore
import StoreConformance
import Testing
import Timebase

/// Every case of the conformance suite on every store.
@Suite struct StoreConformanceTests {
    @Test(arguments: StoreConformance.cases)
    func `memory keeps the promises of a store`(_ conformance: ConformanceCase) async throws {
        let store = MemoryStore { WallTime(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)) }
        let host = StoreHost(
            keepsRecords: false,
            isShared: true,
            blockWrites: {
                store.setAway(true)
                return { store.setAway(false) }
            },
            open: { store }
        )
        try await conformance.body(host)
    }

    @Test(arguments: StoreConformance.cases)
    func `SQLite keeps the promises of a store`(_ conformance: ConformanceCase) async throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        let path = directory.file("cluster.db")
        let host = StoreHost(
            keepsRecords: true,
            isShared: false,
            blockWrites: {
                let lock = try await ForeignLock(on: path)
                return { lock.release() }
            },
            open: { try SQLiteStore(path: path) }
        )
        try await conformance.body(host)
    }
}

extension ConformanceCase: CustomTestStringConvertible {
    public var testDescription: String { name }
}
