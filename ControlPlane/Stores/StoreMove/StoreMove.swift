package import Domain
import Timebase

/// Copies everything one store holds into another: from the embedded file to MongoDB or back. Nobody else may use either.
///
/// Bodies are copied byte for byte, and with them every stream's epoch: no claim made afterwards can be given one that was
/// used before. Leases go too, so that a node's older boot stays superseded and resume positions are kept.
package struct StoreMove: Sendable {
    package enum Fault: Error, Hashable, Sendable, CustomStringConvertible {
        case store(side: String, StoreError)
        case sourceInUse(store: String, nodes: Int)
        case targetInUse(store: String, nodes: Int)
        case targetNotEmpty(store: String, records: Int)
        case clockBehind(store: String, milliseconds: Int64)
        case changedMeanwhile(store: String, key: String)

        package var description: String {
            switch self {
            case .store(let side, let error): "the \(side): \(error)"
            case .sourceInUse(let store, let nodes), .targetInUse(let store, let nodes):
                "\(store) is in use: \(nodes) nodes have living leases. Stop its control planes and wait 20 s"
            case .targetNotEmpty(let store, let records):
                "\(store) is not empty: it holds \(records) records. Name an empty one, or say --replace to lose them"
            case .clockBehind(let store, let milliseconds):
                "the clock of \(store) is \(milliseconds) ms behind: epochs would go back. Set it first (chrony, NTP)"
            case .changedMeanwhile(let store, let key):
                "somebody else wrote '\(key)' to \(store) meanwhile. Stop its control planes and begin again"
            }
        }
    }

    package struct Summary: Hashable, Sendable {
        package var records: [RecordKind: Int] = [:]
        package var leases = 0
    }

    /// Clocks that differ by less are equal enough: an epoch is also larger than every one the stream's record knows.
    private static let clockSlack = Duration.seconds(1)
    private static let pageSize = 500
    /// What a node may take to renew what was copied.
    private static let leaseDuration = Duration.seconds(20)

    private let source: any ClusterStore
    private let target: any ClusterStore
    /// Only one process can open an embedded file: opened, it is not in use, however young its leases.
    private let isSourceExclusive: Bool

    package init(from source: any ClusterStore, to target: any ClusterStore, isSourceExclusive: Bool) {
        self.source = source
        self.target = target
        self.isSourceExclusive = isSourceExclusive
    }

    /// With `replace` what the target holds is deleted first. The source is left as it is.
    package func run(replace: Bool = false) async throws(Fault) -> Summary {
        let (sourceLeases, sourceNow) = try await from { store throws(StoreError) in try await store.leases() }
        let living = sourceLeases.count { $0.validUntil > sourceNow }
        if !isSourceExclusive, living > 0 { throw .sourceInUse(store: source.description, nodes: living) }
        try await checkTarget(against: sourceNow, replace: replace)
        var summary = Summary()
        for kind in RecordKind.allCases { summary.records[kind] = try await copy(kind) }
        summary.leases = try await copy(sourceLeases.filter { $0.validUntil + Self.outageMax > sourceNow })
        return summary
    }

    private func checkTarget(against sourceNow: WallTime, replace: Bool) async throws(Fault) {
        let (leases, now) = try await to { store throws(StoreError) in try await store.leases() }
        let living = leases.count { $0.validUntil > now }
        guard living == 0 else { throw .targetInUse(store: target.description, nodes: living) }
        let behind = sourceNow - now
        guard behind <= Self.clockSlack else {
            throw .clockBehind(store: target.description, milliseconds: behind.milliseconds)
        }
        var count = leases.count
        for kind in RecordKind.allCases {
            try await eachPage(of: kind, in: target, side: "target") { page throws(Fault) in
                count += page.count
                if replace { try await remove(page) }
            }
        }
        guard replace || count == 0 else { throw .targetNotEmpty(store: target.description, records: count) }
        for lease in leases {
            try await to { store throws(StoreError) in try await store.removeLease(of: lease.nodeID) }
        }
    }

    private func remove(_ page: [Record]) async throws(Fault) {
        for record in page {
            let outcome = try await to { store throws(StoreError) in
                try await store.delete(record.kind, record.key, expecting: record.revision)
            }
            guard case .done = outcome else {
                throw .changedMeanwhile(store: target.description, key: record.key)
            }
        }
    }

    private func copy(_ kind: RecordKind) async throws(Fault) -> Int {
        var count = 0
        try await eachPage(of: kind, in: source, side: "source") { page throws(Fault) in
            for record in page {
                let outcome = try await to { store throws(StoreError) in
                    try await store.write(kind, record.key, body: record.body, expecting: nil)
                }
                guard case .done = outcome else {
                    throw .changedMeanwhile(store: target.description, key: record.key)
                }
            }
            count += page.count
        }
        return count
    }

    /// Nodes live on while their control plane is stopped for the move; those silent for longer are not brought back to life.
    private static let outageMax = Duration.seconds(120)

    private func copy(_ leases: [Lease]) async throws(Fault) -> Int {
        for start in stride(from: 0, to: leases.count, by: Self.pageSize) {
            let renewals = leases[start..<min(start + Self.pageSize, leases.count)].map { lease in
                LeaseRenewal(
                    nodeID: lease.nodeID,
                    bootID: lease.bootID,
                    bootNumber: lease.bootNumber,
                    report: lease.report
                )
            }
            _ = try await to { store throws(StoreError) in try await store.renew(renewals, for: Self.leaseDuration) }
        }
        return leases.count
    }

    private func eachPage(
        of kind: RecordKind,
        in store: any ClusterStore,
        side: String,
        _ body: ([Record]) async throws(Fault) -> Void
    ) async throws(Fault) {
        var cursor: String?
        while true {
            let page: [Record]
            do throws(StoreError) {
                page = try await store.list(kind, after: cursor, limit: Self.pageSize)
            } catch { throw .store(side: side, error) }
            guard let last = page.last else { return }
            try await body(page)
            cursor = last.key
        }
    }

    private func from<Answer>(
        _ ask: (any ClusterStore) async throws(StoreError) -> Answer
    ) async throws(Fault) -> Answer {
        do throws(StoreError) { return try await ask(source) } catch { throw .store(side: "source", error) }
    }

    private func to<Answer>(
        _ ask: (any ClusterStore) async throws(StoreError) -> Answer
    ) async throws(Fault) -> Answer {
        do throws(StoreError) { return try await ask(target) } catch { throw .store(side: "target", error) }
    }
}
