import Domain
import Timebase

extension StoreConformance {
    static let lifecycle: [ConformanceCase] = [
        ConformanceCase(
            "every call after close is refused as unavailable",
            { host in
                let store = try await host.open()
                try await make(store, .app, "live", "{}")
                await store.close()
                await store.close()
                try await checkUnavailable("now") { _ = try await store.now() }
                try await checkUnavailable("list") { _ = try await store.list(.app, after: nil, limit: 1) }
                try await checkUnavailable("read") { _ = try await store.read(.app, "live") }
                try await checkUnavailable("write") {
                    _ = try await store.write(.app, "b", body: json("{}"), expecting: nil)
                }
                try await checkUnavailable("delete") {
                    _ = try await store.delete(.app, "live", expecting: Revision(1))
                }
                try await checkUnavailable("leases") { _ = try await store.leases() }
                try await checkUnavailable("removeLease") { try await store.removeLease(of: "n1") }
                let renewal = LeaseRenewal(nodeID: "n1", bootID: "b", bootNumber: 1, report: json("{}"))
                try await checkUnavailable("renew") { _ = try await store.renew([renewal], for: .seconds(1)) }
            }
        ),
        ConformanceCase(
            "close lets calls under way end, one way or the other",
            { host in
                let store = try await host.open()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<50 {
                        group.addTask {
                            do {
                                _ = try await store.write(.app, "a\(number)", body: json("{}"), expecting: nil)
                                _ = try await store.read(.app, "a\(number)")
                            } catch StoreError.unavailable {}
                        }
                    }
                    group.addTask { await store.close() }
                    try await group.waitForAll()
                }
            }
        ),
        ConformanceCase(
            "a store that is opened again has all that was acknowledged",
            { host in
                guard host.keepsRecords else { return }
                let store = try await host.open()
                try await make(store, .stream, "live/kept", #"{"v":1}"#)
                _ = try await store.write(.stream, "live/kept", body: json(#"{"v":2}"#), expecting: Revision(1))
                try await make(store, .stream, "live/deleted", "{}")
                _ = try await store.delete(.stream, "live/deleted", expecting: Revision(1))
                let renewal = LeaseRenewal(nodeID: "n1", bootID: "b7", bootNumber: 7, report: json(#"{"cpu":0.25}"#))
                _ = try await store.renew([renewal], for: .seconds(20))
                let leases = try await store.leases().leases
                await store.close()

                let again = try await host.open()
                try await checkRecord(again, .stream, "live/kept", revision: 2, body: #"{"v":2}"#)
                try check(try await again.read(.stream, "live/deleted"), nil, "the deleted record")
                try check(try await again.leases().leases, leases, "the leases")
                await again.close()
            }
        ),
        ConformanceCase(
            "a store that takes no writes does not tell its time, and does again afterwards",
            { host in
                guard let blockWrites = host.blockWrites else { return }
                let store = try await host.open()
                let renewal = LeaseRenewal(nodeID: "n1", bootID: "b", bootNumber: 1, report: json("{}"))
                _ = try await store.renew([renewal], for: .seconds(20))
                let unblock = try await blockWrites()
                try await checkUnavailable("renew") { _ = try await store.renew([renewal], for: .seconds(20)) }
                try await checkUnavailable("now") { _ = try await store.now() }
                unblock()
                try await eventually("it tells its time") { (try? await store.now()) != nil }
                _ = try await store.renew([renewal], for: .seconds(20))
                await store.close()
            }
        ),
    ]

    private static func checkUnavailable(_ call: String, _ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch StoreError.unavailable {
            return
        }
        throw ConformanceFailure(description: "\(call) was answered")
    }
}
