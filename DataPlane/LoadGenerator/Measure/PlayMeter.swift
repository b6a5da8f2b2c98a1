import Timebase

/// What all viewers of a run counted together. Kept by the run's one thread.
package final class PlayMeter {
    /// From connecting to the first whole keyframe, over the whole run.
    var firstFrame = Spread()
    /// From here on of the measured window only.
    package var isMeasuring = false
    var videoDelay = Spread()
    /// WHEP: as `videoDelay`, but to a picture's last packet at the viewer's socket.
    var arrivalDelay = Spread()
    var audioDelay = Spread()
    var partDelay = Spread()
    /// WHEP: of each viewer's pictures at the end of the window.
    var jitter = Spread()
    package var wireBytes: Int64 = 0
    package var bodyBytes: Int64 = 0
    package var videoFrames = 0
    package var audioFrames = 0
    package var keyframes = 0
    package var lostFrames: Int64 = 0
    package var stalls = 0
    package var backwardsTimestamps = 0
    package var playlistReloads = 0
    package var sequenceGaps = 0
    package var packets: Int64 = 0
    package var lostPackets: Int64 = 0

    package init() {}

    package var delays:
        (firstFrame: SpreadSummary?, video: SpreadSummary?, audio: SpreadSummary?, jitter: SpreadSummary?)
    {
        (firstFrame.summary, videoDelay.summary, audioDelay.summary, jitter.summary)
    }

    func count(wire bytes: Int) { if isMeasuring { wireBytes += Int64(bytes) } }
}
