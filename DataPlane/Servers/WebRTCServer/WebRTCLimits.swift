import ICE
package import WebRTC

/// Every bound the WebRTC port of a worker keeps.
package struct WebRTCLimits: Sendable {
    package var peer = PeerLimits()
    package var renditions = RenditionChoiceLimits()
    /// Sessions that were asked for and have not proved their certificate. Each costs a DTLS state of some 20 KiB.
    package var halfOpenSessionsMax = 1_000
    /// Of these, those of one address: a quarter, so that one flood leaves the others their places, and a crowd behind one
    /// address still comes in.
    package var halfOpenSessionsOfClientMax = 250
    /// What a player that was answered holds of `--max-viewers` until it is there, so that a burst is held to the limit: those
    /// who come need less. Who never comes holds no more than this.
    package var placeHeld = Duration.seconds(2)
    /// A publisher that is not heard for so long is away, and may come again under its name. Its packets come all the time, and
    /// its checks every five seconds.
    package var publisherSilenceMax = Duration.seconds(10)
    /// Between a TCP connection and its first signed check; browsers send that with their first bytes.
    package var firstCheckTimeout = Duration.seconds(10)
    /// TCP connections without one. More wait for nothing but a place, and each takes a file descriptor.
    package var unprovenConnectionsMax = 1_000
    /// The packets since the last keyframe, kept once for all players of a stream.
    package var cachedBytesMax = 10 << 20

    package init() {}

    func ice(of role: PeerSession.Role) -> ICELimits {
        var limits = peer.ice
        if role == .publisher { limits.consentTimeout = min(limits.consentTimeout, publisherSilenceMax) }
        return limits
    }
}
