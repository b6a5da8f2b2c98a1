package import WebRTC

/// Every bound the WebRTC port of a worker keeps.
package struct WebRTCLimits: Sendable {
    package var peer = PeerLimits()
    /// Sessions that were asked for and have not proved their certificate. Each costs a DTLS state of some 20 KiB.
    package var halfOpenSessionsMax = 1_000
    /// The packets since the last keyframe, kept once for all players of a stream.
    package var cachedBytesMax = 10 << 20
    /// Asks of the players of one stream that go up to its publisher.
    package var keyframeRequestsPerSecondMax = 1

    package init() {}
}
