package import HTTPServer

/// What a load balancer is told, in the words of HAProxy's agent check (configuration manual §5.2, agent-check).
///
/// `ready` and `up` are always said together: they take back what `drain` and `down` said before.
package enum AgentWord {
    package static func text(
        _ readiness: MediaHTTPService.Readiness,
        _ weight: AgentWeight,
        takesPlayers: Bool
    ) -> String {
        switch readiness {
        // 0 would mean drain. One agent speaks for publishers and players alike: full for one of them is the least weight,
        // as the fullest resource has it, and who comes all the same is refused.
        case .ready, .readyBut: return "up ready \(weight.percent)%"
        case .notReady("draining"): return "up drain"
        case .notReady("superseded"): return "maint"
        // Full: present sessions stay, the weight of new ones is nothing, and `ready` makes it end by itself. To a load
        // balancer each request of a player is a new one: were all nodes full, it would have none left for them.
        case .notReady(let reason) where reason.hasPrefix("full") || reason.hasPrefix("over"):
            return takesPlayers ? "up ready 1%" : "up ready 0%"
        // The space is needed: HAProxy 2.6 takes `down#reason` for an unknown word and goes on.
        case .notReady(let reason): return "down #\(oneLine(reason))"
        }
    }

    private static func oneLine(_ reason: String) -> String {
        String(String.UnicodeScalarView(reason.unicodeScalars.prefix(80).filter { (0x20..<0x7F).contains($0.value) }))
    }
}
