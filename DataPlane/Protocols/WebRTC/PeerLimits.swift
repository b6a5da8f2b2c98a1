package import ICE
package import RTP
package import Timebase

/// Every bound a WebRTC session keeps beside those of its parts.
package struct PeerLimits: Sendable {
    package var ice = ICELimits()
    package var receiving = ReceiveStreamLimits()
    package var pacer = PacerLimits()
    package var history = PacketHistoryLimits()
    package var bandwidth = BandwidthLimits()
    /// RTCP packets of one datagram: a compound of reports for each source, and feedback. More is somebody's game.
    package var rtcpPacketsMax = 32
    /// Between reports of one session: RFC 3550's five seconds are long for a lip-sync that has just begun.
    package var reportInterval = Duration.seconds(1)
    /// Media that waits until all announced tracks are known; then those that are known begin.
    package var announceAfter = Duration.seconds(2)
    /// A browser sends keyframes only when asked, but segments begin at them, and so do players: one is asked for when none
    /// has come for this long.
    package var keyframeInterval = Duration.seconds(2)
    /// A publisher that is connected and sends nothing has left its stream, as one of RTMP and SRT has.
    package var mediaSilenceMax = Duration.seconds(20)
    /// Units that wait meanwhile: two seconds of sound in 10 ms packets, and a first picture.
    package var pendingUnitsMax = 256
    /// Layers of a simulcast: browsers send three.
    package static let simulcastLayersMax = 4
    /// A layer that has no picture for so long, while others have, is not sent any more. A lost packet is repeated sooner.
    package var layerSilenceMax = Duration.milliseconds(1500)
    /// The pacer's rate against the estimate, so that a keyframe drains before the next frames pile up behind it.
    package var pacingPercent = 250
    /// Below it pacing would delay a keyframe more than any queue could, and cut pictures of 8 Mbit/s into many runs.
    package var pacingBitsPerSecondMin = 20_000_000
    /// Until a player that reports arrivals has reported a burst, all but the first picture goes at this rate: on a path that
    /// carries little the rest would be lost. On others the first report, after a tenth of a second, is enough.
    package var unprovenBitsPerSecond = 2_000_000
    /// What goes out at once all the same: most first pictures, and no more than small queues take.
    package var unprovenBytes = 48 << 10
    /// Of an estimate that has met the path's limit, which stays a sixth below it.
    package var limitedPacingPercent = 110
    /// Between cached pictures sent to a new player: each is due at once, in order, and the newest is on time.
    package var catchUpStep = MediaTime(milliseconds: 1)

    package init() {}
}
