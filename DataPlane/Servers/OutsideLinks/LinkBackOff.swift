package import ClusterModel
package import Timebase

/// How often a server outside of the cluster is tried. Pure.
///
///     connecting ──media──► active
///         ▲    └─failed─┐     │ lost
///         │             ▼     ▼
///         └──pause──── waiting
package struct LinkBackOff: Sendable {
    /// Before the second try, the third, and so on.
    private static let pauses: [Duration] = [
        .seconds(1), .seconds(2), .seconds(4), .seconds(8), .seconds(16), .seconds(30),
    ]
    /// A link that lasted so long was good: what ends it is no reason to wait for long.
    private static let provenAfter = Duration.seconds(10)

    package private(set) var status: LinkStatus
    private var activeSince: MonotonicInstant?

    package init(id: String) { status = LinkStatus(id: id, state: .connecting) }

    package mutating func begin() { status.state = .connecting }

    package mutating func mediaFlows(at now: MonotonicInstant) {
        guard status.state != .active else { return }
        status.state = .active
        status.error = nil
        activeSince = now
    }

    /// How long to wait before the next try: up to a fifth shorter, so that links that fail together do not come together.
    package mutating func failed(
        _ reason: String,
        at now: MonotonicInstant,
        using random: inout some RandomNumberGenerator
    ) -> Duration {
        if let activeSince, now - activeSince >= Self.provenAfter { status.failures = 0 }
        activeSince = nil
        let pause = Self.pauses[min(status.failures, Self.pauses.count - 1)]
        status.failures += 1
        status.state = .waiting
        status.error = reason
        return .nanoseconds(Int64(Double(pause.nanoseconds) * Double.random(in: 0.8...1, using: &random)))
    }
}
