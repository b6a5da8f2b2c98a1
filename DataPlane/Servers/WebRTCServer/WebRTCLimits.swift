package import WebRTC

/// Every bound the WebRTC port of a worker keeps.
package struct WebRTCLimits: Sendable {
    package var peer = PeerLimits()
    package var renditions = RenditionChoiceLimits()
    /// Sessions that were asked for and have not proved their certificate. Each costs a DTLS state of some 20 KiB.
    package var halfOpenSessionsMax = 1_000
    /// The packets since the last keyframe, kept once for all players of a stream.
    package var cachedBytesMax = 10 << 20

    package init() {}
}
