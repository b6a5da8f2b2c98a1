import Timebase

/// So many in any second and no more.
struct ResponseBudget {
    private var left: Int
    private var refill: MonotonicInstant
    private let perSecond: Int

    init(perSecond: Int, at now: MonotonicInstant) {
        self.perSecond = perSecond
        left = perSecond
        refill = now + .seconds(1)
    }

    mutating func spend(at now: MonotonicInstant) -> Bool {
        if now >= refill { (left, refill) = (perSecond, now + .seconds(1)) }
        guard left > 0 else { return false }
        left -= 1
        return true
    }
}
