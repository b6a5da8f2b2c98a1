import ClusterModel
package import Domain
import Logging
import Synchronization
import Timebase

/// Keeps the state in step with the store, and notices when the store goes away and comes back.
extension Coordinator {
    /// Of the others a record is read when it is asked for.
    private static let kindsInState = RecordKind.allCases.filter { $0 != .answer && $0 != .cluster }
    static let pingInterval = Duration.seconds(1)
    private static let followPause = Duration.seconds(1)
    /// Taken in under one lock, which heartbeats wait for.
    private static let leasesAtOnceMax = 200

    /// Runs until the task is cancelled.
    package func keepInStep() async {
        await withTaskGroup { group in
            group.addTask { await self.followStore() }
            group.addTask { await self.pingStore() }
            group.addTask { await self.lookForStillness() }
        }
    }

    private func lookForStillness() async {
        while !Task.isCancelled {
            let stillFor = shared.withLock { shared -> Duration? in
                let instant = clock.now()
                _ = shared.now(at: instant)
                return shared.stillness.look(at: instant)
            }
            if let stillFor {
                logger.warning(
                    "This process stood still; reading the store anew before any node is judged",
                    metadata: ["for": "\(stillFor)"]
                )
            }
            await clock.sleep(Stillness.lookInterval)
        }
    }

    private func pingStore() async {
        let refreshPings = max(1, Int(timing.leasesReadInterval / Self.pingInterval))
        var pings = 0
        while !Task.isCancelled {
            pings += 1
            await ping(refreshLeases: pings % refreshPings == 0)
            await clock.sleep(Self.pingInterval)
        }
    }

    /// One look at the store. Reads everything when it answers for the first time, or again.
    package func ping(refreshLeases isDue: Bool) async {
        do throws(StoreError) {
            heard(try await store.now())
            if phase != .answering {
                try await load()
            } else if shared.withLock({ $0.isStoreShared && (isDue || $0.lacksLease) }) {
                try await refreshLeases()
            }
        } catch {
            lost(error)
        }
    }

    /// What a caller is told of the store's error. One call that the store did not answer is the begin of an outage: the
    /// next heartbeats may fail the same way, and whoever cannot renew a lease must not lose it.
    func failed(_ error: StoreError) -> Problem {
        if case .unavailable = error, phase == .answering { lost(error) }
        return .storeUnavailable(error)
    }

    private func lost(_ error: StoreError) {
        let wasAnswering = shared.withLock { shared in
            guard shared.phase == .answering else { return false }
            shared.phase = .away
            shared.state.beginOutage(at: shared.storeTime.now(at: clock.now()))
            return true
        }
        if wasAnswering || phase == .starting {
            logger.warning(
                "The store does not answer; trying again every \(Self.pingInterval)",
                metadata: ["store": "\(store.description)", "error": "\(error)"]
            )
        }
    }

    private func heard(_ time: WallTime) {
        shared.withLock { $0.heard(time, at: clock.now()) }
    }

    /// Reads all records and leases, then judges no lease for a while: nodes could not renew them.
    package func load() async throws(StoreError) {
        for kind in Self.kindsInState { try await loadRecords(kind) }
        try await refreshLeases()
        let count = shared.withLock { shared in
            shared.state.beginRecovery(at: shared.storeTime.now(at: clock.now()))
            shared.phase = .answering
            return (nodes: shared.state.nodes.count, streams: shared.state.streams.count)
        }
        signals.fire()
        logger.notice(
            "The store answers",
            metadata: [
                "store": "\(store.description)", "nodes": "\(count.nodes)", "streams": "\(count.streams)",
            ]
        )
    }

    private func loadRecords(_ kind: RecordKind) async throws(StoreError) {
        let pageSize = 1000
        var gone = shared.withLock { $0.state.keys(of: kind) }
        var cursor: String?
        while true {
            let page = try await store.list(kind, after: cursor, limit: pageSize)
            for record in page {
                gone.remove(record.key)
                absorb(.written(record))
            }
            guard page.count == pageSize, let last = page.last else { break }
            cursor = last.key
        }
        for key in gone { absorb(.deleted(kind, key: key)) }
    }

    func refreshLeases() async throws(StoreError) {
        shared.withLock { $0.lacksLease = false }
        let (leases, now) = try await store.leases()
        heard(now)
        var rest = leases[...]
        while !rest.isEmpty {
            let slice = rest.prefix(Self.leasesAtOnceMax)
            rest = rest.dropFirst(slice.count)
            // Reports are read outside the lock, and only those that came through another control plane.
            let news = shared.withLock { shared in slice.filter { shared.state.isNews($0) } }
            let reports = news.map(ClusterState.report(of:))
            shared.withLock { shared in
                for (lease, report) in zip(news, reports) { shared.state.apply(lease, report) }
            }
        }
    }

    private func followStore() async {
        var reader: Task<Void, Never>?
        defer { reader?.cancel() }
        while !Task.isCancelled {
            do throws(StoreError) {
                try await store.follow { [weak self] change in self?.absorb(change) }
                // Only this process can write, so it knows everything.
                if !Task.isCancelled { shared.withLock { $0.isStoreShared = false } }
                return
            } catch {
                logger.debug("Following the store ended", metadata: ["error": "\(error)"])
                reader?.cancel()
                await clock.sleep(Self.followPause)
                // Read once the store is followed again: what changed before that would be missed for good.
                reader = Task {
                    await clock.sleep(Self.followPause)
                    if !Task.isCancelled, phase == .answering { await readAnew() }
                }
            }
        }
    }

    /// Changes may have been missed.
    private func readAnew() async {
        do throws(StoreError) {
            for kind in Self.kindsInState { try await loadRecords(kind) }
        } catch {
            lost(error)
        }
    }
}

extension ClusterState {
    func keys(of kind: RecordKind) -> Set<String> {
        switch kind {
        case .node: Set(nodes.keys)
        case .stream: Set(streams.keys.map(\.recordKey))
        case .group: Set(groups.keys)
        case .app: Set(apps.keys)
        case .scaling: Set(scaling.keys.map(\.recordKey))
        case .webhook: Set(webhooks.keys)
        case .recording: Set(recordings.keys)
        case .answer, .cluster: []
        }
    }
}
