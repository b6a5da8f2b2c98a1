package import ClusterModel
import DequeModule
import MediaModel
import Relay
package import RelayService
package import Streams
package import Timebase

/// One stream's search for a parent: which ones failed, how long to wait, when to give up. Pure.
package struct RouteSearch: Sendable {
    /// Back-off after failures in a row: quick at first, because viewers wait.
    private static let delays: [Duration] = [
        .milliseconds(50), .milliseconds(150), .milliseconds(400), .milliseconds(800),
    ]
    /// How long a stream that never came may be sought before its players are told.
    private static let openTimeout = Duration.seconds(8)
    /// Names kept of parents that failed.
    private static let failedMax = 16
    /// A parent may be well again after this long: naming it for ever would shut it out for ever.
    private static let failedMemory = Duration.seconds(10)

    private struct Failure {
        var parent: String
        var epoch: Int64
        var at: MonotonicInstant
    }

    private var failures: [Failure] = []
    private var attempts = 0
    /// What parents in a row said that have nothing to give: that the stream comes to them through this node, or that they
    /// wait for it themselves.
    private var vainAnswers = 0
    /// How many of them show a dead end. More after each that was none, so that a parent out of reach is not all that is tried.
    private var vainAnswersToDeadEnd = Self.waitsToDeadEnd
    /// Of those who wait; who says it has the stream from here tells as much alone.
    fileprivate static let waitsToDeadEnd = 3
    /// When the search began: at the start, or when the stream was last lost.
    private var searchingSince: MonotonicInstant?
    private let startedAt: MonotonicInstant
    private let grace: Duration
    /// It ended by its own patience, and not by what anybody said of the stream.
    package private(set) var hasGivenUp = false

    package init(startedAt: MonotonicInstant, grace: Duration) {
        self.startedAt = startedAt
        self.grace = grace
    }

    package mutating func noRoute(
        _ refusal: Refusal,
        isLive: Bool,
        at now: MonotonicInstant
    ) -> StreamCoordinator.PullOutcome {
        failures = []
        guard isLive else {
            if case .unavailable = refusal, now - startedAt < Self.openTimeout { return .retry(nextDelay()) }
            return .over(refusal, .removed)
        }
        guard mayGoOn(at: now) else { return giveUp(refusal) }
        return .retry(nextDelay())
    }

    /// `route` is nil where the stream is made here. `wasFed` tells whether the pull brought media: only then was its parent worth a new start.
    package mutating func pullEnded(
        _ end: PullEnd,
        route: RouteAnswer?,
        stream: StreamID,
        isLive: Bool,
        wasFed: Bool,
        at now: MonotonicInstant
    ) -> StreamCoordinator.PullOutcome {
        if wasFed {
            searchingSince = nil
            attempts = 0
            vainAnswersToDeadEnd = Self.waitsToDeadEnd
        }
        vainAnswers = end.vainness(route).map { vainAnswers + $0 } ?? 0
        switch end {
        case .stopped: return .over(.unavailable("the pull was stopped"), .removed)
        case .ended(.unpublished): return .over(.unknownStream(stream), .unpublished)
        case .ended(.publisherLost): return .over(.unknownStream(stream), .publisherLost)
        // The owner makes it no more: whether there is such a rendition, and why not, it says to who asks next.
        case .ended(.removed) where stream.derivation != nil && route != nil:
            return .over(.unavailable("the rendition is not made any more"), .removed)
        case .ended(.removed): return .over(.unknownStream(stream), .removed)
        case .ended(.fenced): break
        // Also of one that has players: they had better take another than wait for it.
        case .refused(let refusal) where refusal.code == .notMade: return .over(.notMade(refusal.detail), .removed)
        // Its owner knows what can be made of it.
        case .refused(let refusal)
        where !isLive && stream.derivation != nil && route?.tier == .origin && refusal.code == .unknownStream:
            return .over(.unknownStream(stream), .removed)
        // An owner that is none yet, or is between two publishers: nobody else has the stream either.
        case .refused(let refusal)
        where route?.tier ?? .origin == .origin && [.unknownStream, .unavailable].contains(refusal.code):
            break
        case .ended(.draining), .lost, .refused: if let route { remember(route, at: now) }
        }
        let noParent = Refusal.unavailable("no parent gave the stream in time")
        if isLive {
            guard mayGoOn(at: now) else { return giveUp(noParent) }
        } else if now - startedAt > Self.openTimeout {
            return .over(noParent, .removed)
        }
        // A parent that served and moved the stream is followed at once; one that only says so, again and again, is not.
        if case .ended = end, attempts == 0 {
            attempts = 1
            return .retry(.zero)
        }
        return .retry(nextDelay())
    }

    /// True when all there is seems to hang below this node: going around leads nowhere, and the parent that fed it last may
    /// well be in reach again before the control plane offers it again. True once, then not before it is seen anew.
    package mutating func takeDeadEnd() -> Bool {
        guard vainAnswers >= vainAnswersToDeadEnd else { return false }
        vainAnswers = 0
        vainAnswersToDeadEnd *= 2
        return true
    }

    private mutating func giveUp(_ refusal: Refusal) -> StreamCoordinator.PullOutcome {
        hasGivenUp = true
        return .over(refusal, .publisherLost)
    }

    /// Whether the search is still within the grace; begins it if it has not begun.
    private mutating func mayGoOn(at now: MonotonicInstant) -> Bool {
        let since = searchingSince ?? now
        searchingSince = since
        // A second over the grace: the owner's own end of it reaches us as an end, not as a lost route.
        return now - since <= grace + .seconds(1)
    }

    /// Parents that failed lately, the last one last. What failed before `epoch` began may well serve it.
    package func failed(since epoch: Int64 = 0, at now: MonotonicInstant) -> [String] {
        failures.filter { now - $0.at < Self.failedMemory && $0.epoch >= epoch }.map(\.parent)
    }

    private mutating func remember(_ route: RouteAnswer, at now: MonotonicInstant) {
        let parent = route.parent.nodeId
        failures.removeAll { $0.parent == parent }
        failures.append(Failure(parent: parent, epoch: route.epoch, at: now))
        if failures.count > Self.failedMax { failures.removeFirst() }
    }

    private mutating func nextDelay() -> Duration {
        defer { attempts += 1 }
        return Self.delays[min(attempts, Self.delays.count - 1)]
    }
}

extension PullEnd {
    /// How much it tells of a dead end; nil when nothing.
    fileprivate func vainness(_ route: RouteAnswer?) -> Int? {
        guard case .refused(let refusal) = self, let tier = route?.tier else { return nil }
        return switch refusal.code {
        case .loop: RouteSearch.waitsToDeadEnd
        case .unavailable where tier != .origin: 1
        default: nil
        }
    }
}

/// Streams the control plane said it does not know, for a short while: a flood of requests for them costs no questions.
package struct UnknownStreams {
    package static let lifetime = Duration.seconds(2)
    package static let countMax = 10_000

    private var until: [StreamID: MonotonicInstant] = [:]
    /// In the order in which they end, since all live equally long. An entry of a stream that was forgotten or told again
    /// since is another's than the table's.
    private var ends = Deque<(id: StreamID, end: MonotonicInstant)>()
    /// Of those, streams that have just finished: who has their last segments.
    private var lastOwners: [StreamID: (addresses: NodeAddresses, until: MonotonicInstant)] = [:]

    mutating func note(_ error: ControlPlaneError, of id: StreamID, at now: MonotonicInstant) {
        lastOwners[id] = nil
        guard case .refused(let problem) = error, let addresses = problem.lastOwner else { return }
        if lastOwners.count >= Self.countMax { lastOwners.removeAll() }
        lastOwners[id] = (addresses, now + Self.lifetime)
    }

    func lastOwner(of id: StreamID, at now: MonotonicInstant) -> NodeAddresses? {
        lastOwners[id].flatMap { $0.until > now ? $0.addresses : nil }
    }

    package init() {}

    package mutating func add(_ id: StreamID, at now: MonotonicInstant) {
        while let oldest = ends.first, oldest.end <= now || ends.count >= Self.countMax {
            ends.removeFirst()
            if until[oldest.id] == oldest.end { until[oldest.id] = nil }
        }
        until[id] = now + Self.lifetime
        ends.append((id, now + Self.lifetime))
    }

    package func contains(_ id: StreamID, at now: MonotonicInstant) -> Bool {
        until[id].map { $0 > now } ?? false
    }

    package mutating func forget(_ id: StreamID) {
        until[id] = nil
        lastOwners[id] = nil
    }
}

/// This node's own view of its lease. Past it, holds are unconfirmed: they go on, and nothing new is taken.
struct LeaseClock {
    private var validUntil: MonotonicInstant?

    mutating func renewed(sentAt: MonotonicInstant, for duration: Duration) { validUntil = sentAt + duration }

    func isHeld(at now: MonotonicInstant) -> Bool { validUntil.map { now < $0 } ?? false }
}
