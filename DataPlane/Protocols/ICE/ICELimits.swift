/// Every bound an ICE agent keeps.
package struct ICELimits: Sendable {
    /// Longer ones are no connectivity checks; real ones stay below 200.
    package var stunMessageBytesMax = 1_280
    /// Browsers send seven.
    package var stunAttributeCountMax = 32
    /// Over TCP a datagram is as long as over UDP: one that fits a path's MTU, with room for jumbo frames.
    package var framedDatagramBytesMax = 9_216
    /// A browser on a laptop with VPN has about ten addresses; each may reach us by a few ways.
    package var validPairCountMax = 16
    /// Pairs that a controlling agent may check (RFC 8445 §6.1.2.5 proposes 100).
    package var checkListPairCountMax = 100
    /// From the start to the first valid pair. Between offer and first check lie one HTTP exchange and the user's
    /// network.
    package var setupTimeout = Duration.seconds(30)
    /// RFC 7675 §5.1: consent to send ends 30 seconds after the last proof of it.
    package var consentTimeout = Duration.seconds(30)
    /// RFC 7675 §5.1: the mean time between a controlling agent's consent checks, ± 20 %.
    package var consentInterval = Duration.seconds(5)
    /// A pair of lower priority takes over only when the selected one was not nominated for this long: an agent that
    /// nominates each pair it checks goes through its list faster, one that moved to another network does not come
    /// back.
    package var renominationHold = Duration.milliseconds(500)
    /// A pair that was not nominated takes over from one that was this silent: some agents nominate once only, so the
    /// address that a NAT gives them later is never nominated. Data arrives every second on a path that is alive.
    package var quietPathMax = Duration.seconds(3)
    /// Answers that refuse, so that a stranger cannot make us send as fast as he does.
    package var errorResponsesPerSecondMax = 10
    /// Time between the first checks of two pairs (RFC 8445 §14.2).
    package var checkPacing = Duration.milliseconds(50)
    /// Doubles with each retransmission (RFC 8489 §6.2.1).
    package var retransmissionTimeout = Duration.milliseconds(500)
    /// Requests per check, Rc of RFC 8489 §6.2.1.
    package var requestCountMax = 7
    /// How long a controlling agent with a valid pair waits for a better one.
    package var nominationPatience = Duration.milliseconds(200)

    package init() {}
}
