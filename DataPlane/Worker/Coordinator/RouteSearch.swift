import ClusterModel
import MediaModel
import RelayService
import Streams
import Timebase

/// One stream's search for a parent: which ones failed, how long to wait, when to give up. Pure.
struct RouteSearch {
    /// Back-off after failures in a row: quick at first, because viewers wait.
    private static let delays: [Duration] = [
        .milliseconds(50), .milliseconds(150), .milliseconds(400), .milliseconds(800),
    ]
    /// How long a stream that never came may be sought before its players are told.
    private static let openTimeout = Duration.seconds(8)
    /// Names kept of parents that failed.
    private static let failedMax = 16

    private(set) var failed: [String] = []
    private var attempts = 0
    /// When the search began: at the start, or when the stream was last lost.
    private var searchingSince: MonotonicInstant?
    private let startedAt: MonotonicInstant
    private let grace: Duration

    init(startedAt: MonotonicInstant, grace: Duration) {
        self.startedAt = startedAt
        self.grace = grace
    }

    mutating func noRoute(_ refusal: Refusal, isLive: Bool, at now: MonotonicInstant) -> StreamCoordinator.PullOutcome {
        failed = []
        guard isLive else {
            if case .unavailable = refusal, now - startedAt < Self.openTimeout { return .retry(nextDelay()) }
            return .over(refusal, .removed)
        }
        let since = searchingSince ?? now
        searchingSince = since
        // A second over the grace: the owner's own end of it reaches us as an end, not as a lost route.
        if now - since > grace + .seconds(1) { return .over(refusal, .publisherLost) }
        return .retry(nextDelay())
    }

    mutating func pullEnded(
        _ end: PullEnd,
        parent: String,
        stream: StreamID,
        isLive: Bool,
        at now: MonotonicInstant
    ) -> StreamCoordinator.PullOutcome {
        switch end {
        case .stopped: return .over(.unavailable("the pull was stopped"), .removed)
        case .ended(.unpublished): return .over(.unknownStream(stream), .unpublished)
        case .ended(.publisherLost): return .over(.unknownStream(stream), .publisherLost)
        case .ended(.removed): return .over(.unknownStream(stream), .removed)
        case .ended(.fenced):
            beginSearch(at: now)
            return .retry(.zero)
        case .ended(.draining):
            beginSearch(at: now)
            remember(parent)
            return .retry(.zero)
        case .lost, .refused:
            if isLive {
                beginSearch(at: now)
            } else if now - startedAt > Self.openTimeout {
                return .over(.unavailable("no parent gave the stream in time"), .removed)
            }
            remember(parent)
            return .retry(nextDelay())
        }
    }

    private mutating func beginSearch(at now: MonotonicInstant) {
        searchingSince = now
        attempts = 0
    }

    private mutating func remember(_ parent: String) {
        failed.removeAll { $0 == parent }
        failed.append(parent)
        if failed.count > Self.failedMax { failed.removeFirst() }
    }

    private mutating func nextDelay() -> Duration {
        defer { attempts += 1 }
        return Self.delays[min(attempts, Self.delays.count - 1)]
    }
}

/// Streams the control plane said it does not know, for a short while: a flood of requests for them costs no questions.
struct UnknownStreams {
    private static let lifetime = Duration.seconds(2)
    private static let countMax = 10_000

    private var until: [StreamID: MonotonicInstant] = [:]

    mutating func add(_ id: StreamID, at now: MonotonicInstant) {
        if until.count >= Self.countMax { until = until.filter { $0.value > now } }
        if until.count < Self.countMax { until[id] = now + Self.lifetime }
    }

    mutating func contains(_ id: StreamID, at now: MonotonicInstant) -> Bool {
        guard let end = until[id] else { return false }
        if end > now { return true }
        until[id] = nil
        return false
    }

    mutating func forget(_ id: StreamID) { until[id] = nil }
}

/// This node's own view of its lease. Past it, holds are unconfirmed: they go on, and nothing new is taken.
struct LeaseClock {
    private var validUntil: MonotonicInstant?

    mutating func renewed(sentAt: MonotonicInstant, for duration: Duration) { validUntil = sentAt + duration }

    func isHeld(at now: MonotonicInstant) -> Bool { validUntil.map { now < $0 } ?? false }
}
