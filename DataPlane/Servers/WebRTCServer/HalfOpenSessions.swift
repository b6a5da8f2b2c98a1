import ICE

/// The sessions that were asked for and have not proved their certificate, by who asked.
package struct HalfOpenSessions: Sendable {
    /// Whoever can ask from one of its addresses can ask from all.
    package enum Client: Hashable, Sendable {
        case v4(UInt32)
        /// The part that a network gives to one household.
        case v6(prefix: UInt64)
        case unknown

        package init(_ remoteAddress: String?) {
            switch remoteAddress.flatMap({ IPAddress($0) })?.unmapped {
            case .v4(let address): self = .v4(address)
            case .v6(let high, _): self = .v6(prefix: high)
            case nil: self = .unknown
            }
        }
    }

    private var count = 0
    private var byClient: [Client: Int] = [:]

    package init() {}

    /// Why there is no place for another one; nil when it has taken one.
    package mutating func take(for client: Client, limits: WebRTCLimits) -> String? {
        guard count < limits.halfOpenSessionsMax else {
            return "\(limits.halfOpenSessionsMax) WebRTC sessions wait for their clients"
        }
        let own = byClient[client, default: 0]
        guard own < limits.halfOpenSessionsOfClientMax else {
            return "\(limits.halfOpenSessionsOfClientMax) WebRTC sessions of one address wait for their clients"
        }
        count += 1
        byClient[client] = own + 1
        return nil
    }

    package func isFull(_ limits: WebRTCLimits) -> Bool { count >= limits.halfOpenSessionsMax }
    package func count(of client: Client) -> Int { byClient[client, default: 0] }

    package mutating func giveBack(of client: Client) {
        count -= 1
        let own = byClient[client, default: 1] - 1
        byClient[client] = own > 0 ? own : nil
    }
}
