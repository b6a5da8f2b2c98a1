import Timebase

/// When the next lease can end, so that time alone makes nobody look at every node four times a second.
struct LeaseEnds: Sendable {
    /// No lease that was valid ends before this; nil: look now.
    private var next: WallTime?
    private var lookedAt: WallTime?

    /// A lease was made or renewed: it may end before all others.
    mutating func noteEnd(_ end: WallTime) { next = next.map { min($0, end) } }

    /// A recovery began, a node came or went: what was found does not hold any more.
    mutating func invalidate() { next = nil }

    func isDue(at now: WallTime) -> Bool {
        guard let next, let lookedAt, now >= lookedAt, now <= next else { return true }
        return false
    }

    mutating func looked(at now: WallTime, nextEnd: WallTime?, limit: Duration) {
        lookedAt = now
        next = min(nextEnd ?? now + limit, now + limit)
    }
}

extension ClusterState {
    /// Nil when nothing is valid that could end.
    func nextLeaseEnd(at now: WallTime) -> WallTime? {
        let ends = leases.values.lazy.map(\.validUntil).filter { $0 >= now }
        let recoveryEnd = recovery.flatMap { now < $0.until ? $0.until : nil }
        return [ends.min(), recoveryEnd].compactMap { $0 }.min()
    }
}
