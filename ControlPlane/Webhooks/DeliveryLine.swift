import DequeModule
package import Timebase

package struct DeliveryLimits: Sendable {
    /// Messages that wait for one webhook; the oldest go when more come.
    package var waitingMax = 1_000
    /// Attempts for one message: with the pauses below about a day.
    package var attemptsMax = 10
    /// Pause after the first failure; each further one is four times as long.
    package var pauseMin = Duration.seconds(5)
    package var pauseMax = Duration.seconds(4 * 3600)
    /// A webhook that took nothing for so long is disabled.
    package var failingMax = Duration.seconds(3 * 86_400)
    package var answerTimeout = Duration.seconds(15)

    package init() {}
}

/// What waits for one webhook. In order, one at a time: a receiver that counts may rely on what came before.
package struct DeliveryLine<Message: Sendable>: Sendable {
    package enum Outcome: Hashable, Sendable {
        case status(Int)
        case failed(String)
    }

    package enum Verdict: Hashable, Sendable {
        case delivered
        /// Tried again later.
        case retry(Int)
        /// Tried often enough.
        case gaveUp
        case disable(String)
    }

    private let limits: DeliveryLimits
    private var waiting: Deque<Message> = []
    private var attempts = 0
    private var notBefore: MonotonicInstant?
    private var isUnderWay = false
    private var failingSince: MonotonicInstant?

    package init(limits: DeliveryLimits = DeliveryLimits()) { self.limits = limits }

    package var count: Int { waiting.count }

    /// False when an older message had to go for it.
    package mutating func add(_ message: Message) -> Bool {
        waiting.append(message)
        guard waiting.count > limits.waitingMax else { return true }
        // The first is under way or being tried again: its attempts are not thrown away.
        waiting.remove(at: 1)
        return false
    }

    /// The message to send now; it is under way from then on.
    package mutating func next(at now: MonotonicInstant) -> Message? {
        guard !isUnderWay, notBefore.map({ $0 <= now }) ?? true, let message = waiting.first else { return nil }
        isUnderWay = true
        return message
    }

    package mutating func ended(
        _ outcome: Outcome,
        at now: MonotonicInstant,
        using random: inout some RandomNumberGenerator
    ) -> Verdict {
        isUnderWay = false
        switch outcome {
        case .status(200..<300):
            failingSince = nil
            finishFirst()
            return .delivered
        // Standard Webhooks: the receiver says that it is gone for good.
        case .status(410): return .disable("the receiver answered 410 Gone")
        case .status(let status): return failed("the last answer was \(status)", at: now, using: &random)
        case .failed(let reason): return failed(reason, at: now, using: &random)
        }
    }

    private mutating func failed(
        _ reason: String,
        at now: MonotonicInstant,
        using random: inout some RandomNumberGenerator
    ) -> Verdict {
        let since = failingSince ?? now
        failingSince = since
        attempts += 1
        if now - since >= limits.failingMax {
            return .disable("nothing was taken for \(limits.failingMax.components.seconds / 3600) hours: \(reason)")
        }
        notBefore = now + pause(after: attempts, using: &random)
        guard attempts < limits.attemptsMax else {
            finishFirst()
            return .gaveUp
        }
        return .retry(attempts)
    }

    private mutating func finishFirst() {
        if !waiting.isEmpty { waiting.removeFirst() }
        if failingSince == nil { notBefore = nil }
        attempts = 0
    }

    /// Half of it is chance, so that the messages of an outage do not all come back at one moment.
    private func pause(after attempts: Int, using random: inout some RandomNumberGenerator) -> Duration {
        var pause = limits.pauseMin
        for _ in 1..<max(attempts, 1) { pause = min(pause * 4, limits.pauseMax) }
        return pause / 2 + .nanoseconds(Int64.random(in: 0...(pause / 2).nanoseconds, using: &random))
    }
}
