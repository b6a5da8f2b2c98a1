import Timebase

/// Notices that this process stood still: SIGSTOP, a machine that was moved or slept, processors busy with others.
struct Stillness: Sendable {
    static let lookInterval = Duration.seconds(1)
    /// Far less than a lease, far more than a busy machine is late.
    private static let stillMax = Duration.seconds(5)
    /// What others did meanwhile, as closing a connection, is heard of so long after it.
    private static let echoMax = Duration.seconds(5)

    /// Nil while nobody looks.
    private var ranAt: MonotonicInstant?
    private var echoEndsAt: MonotonicInstant?
    /// How long it last stood still, for who tells of it.
    private var length: Duration?

    /// To be called each `lookInterval`. Answers with how long the process stood still since the last call, nil if it did not.
    mutating func look(at now: MonotonicInstant) -> Duration? {
        _ = end(at: now)
        ranAt = now
        defer { length = nil }
        return length
    }

    /// When the process last ran, if it stood still until now.
    mutating func end(at now: MonotonicInstant) -> MonotonicInstant? {
        guard let last = ranAt, now - last > Self.stillMax else { return nil }
        ranAt = now
        echoEndsAt = now + Self.echoMax
        length = now - last
        return last
    }

    /// Whether what is noticed now may have happened long ago.
    func isEcho(at now: MonotonicInstant) -> Bool { echoEndsAt.map { now < $0 } ?? false }
}
