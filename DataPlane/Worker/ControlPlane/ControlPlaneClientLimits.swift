package struct ControlPlaneClientLimits: Sendable {
    package var registerTimeout = Duration.seconds(4)
    /// Less than the heartbeat interval, so that one that hangs does not delay the next.
    package var heartbeatTimeout = Duration.seconds(4)
    package var leaveTimeout = Duration.seconds(2)
    /// The control plane may hold a claim for 5 s.
    package var claimTimeout = Duration.seconds(8)
    package var releaseTimeout = Duration.seconds(4)
    package var routeTimeout = Duration.seconds(4)

    /// How often the list of URLs is gone through for a request somebody waits for.
    package var roundsMax = 2
    /// Between two rounds at most; half of it at least.
    package var roundBackoffMax = Duration.milliseconds(300)

    /// Silence after which a watch connection counts as dead. The control plane pings well within it.
    package var watchSilenceMax = Duration.seconds(15)
    /// A watch connection that lasted this long was a good one: it is made again without back-off.
    package var watchSteadyAfter = Duration.seconds(1)
    /// Before a watch connects again when all URLs have failed; doubled with each failure.
    package var watchBackoffFirst = Duration.milliseconds(100)
    package var watchBackoffMax = Duration.seconds(5)
    /// Events read but not yet handled. Beyond that the connection is dropped and resumed behind the last one handled.
    package var watchEventsAheadMax = 4096
    package var watchEventBytesMax = 8 * 1024 * 1024

    package init() {}
}
