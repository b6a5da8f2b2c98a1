import Domain
import Synchronization

extension StoreConformance {
    static let follow: [ConformanceCase] = [
        ConformanceCase(
            "a follower sees what it and others write and delete, in order",
            { host in
                guard host.isShared else { return }
                let reader = try await host.open()
                let writer = try await host.open()
                try await followed(reader, probing: writer) { changes in
                    try await make(writer, .stream, "live/a", "{}")
                    try await make(reader, .stream, "live/b", "{}")
                    _ = try await writer.write(.stream, "live/a", body: json(#"{"v":2}"#), expecting: Revision(1))
                    _ = try await reader.delete(.stream, "live/a", expecting: Revision(2))
                    try await make(writer, .app, "live", "{}")
                    let wanted = ["live/a@1", "live/b@1", "live/a@2", "live/a deleted", "live@1"]
                    try await eventually("the follower saw \(wanted)") { changes.shown == wanted }
                }
                await reader.close()
                await writer.close()
            }
        ),
        ConformanceCase(
            "a follower ends when its task is cancelled",
            { host in
                guard host.isShared else { return }
                let store = try await host.open()
                try await followed(store, probing: store) { _ in }
                await store.close()
            }
        ),
        ConformanceCase(
            "a follower misses none of many changes",
            { host in
                guard host.isShared else { return }
                let store = try await host.open()
                try await followed(store, probing: store) { changes in
                    let keys = (0..<300).map { "live/s\($0)" }
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for part in 0..<6 {
                            group.addTask {
                                for index in stride(from: part, to: keys.count, by: 6) {
                                    try await make(store, .stream, keys[index], #"{"i":\#(index)}"#)
                                }
                            }
                        }
                        try await group.waitForAll()
                    }
                    let wanted = Set(keys.map { "\($0)@1" })
                    try await eventually("the follower saw all \(keys.count)") { Set(changes.shown) == wanted }
                    try check(changes.count, keys.count, "the number of changes shown")
                }
                await store.close()
            }
        ),
    ]

    /// Runs `body` while `store` is followed for sure: a probe record is written until the follower shows it.
    private static func followed(
        _ store: any ClusterStore,
        probing writer: any ClusterStore,
        _ body: (Changes) async throws -> Void
    ) async throws {
        let changes = Changes()
        let following = Task { try await store.follow { changes.append($0) } }
        defer { following.cancel() }
        var probes: Int64 = 0
        try await eventually("the follower saw a probe") {
            _ = try await writer.write(
                .cluster,
                "probe",
                body: json("{}"),
                expecting: probes == 0 ? nil : Revision(probes)
            )
            probes += 1
            return changes.hasProbe
        }
        try await eventually("the follower saw the last probe") { changes.lastProbe == Revision(probes) }
        try await body(changes)
        following.cancel()
        try await following.value
    }
}

/// What a follower was shown, without the probes.
private final class Changes: Sendable {
    private let all = Mutex<[StoreChange]>([])

    func append(_ change: StoreChange) { all.withLock { $0.append(change) } }

    var count: Int { shown.count }
    var hasProbe: Bool { lastProbe != nil }

    var lastProbe: Revision? {
        all.withLock { changes in
            changes.compactMap { change in
                if case .written(let record) = change, record.kind == .cluster { record.revision } else { nil }
            }.max()
        }
    }

    var shown: [String] {
        all.withLock { changes in
            changes.compactMap { change in
                switch change {
                case .written(let record) where record.kind == .cluster: nil
                case .written(let record): "\(record.key)@\(record.revision.value)"
                case .deleted(let kind, let key): kind == .cluster ? nil : "\(key) deleted"
                }
            }
        }
    }
}
