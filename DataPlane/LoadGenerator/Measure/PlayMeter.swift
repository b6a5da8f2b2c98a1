import Timebase

/// What all viewers of a run counted together. Kept by the run's one thread.
final class PlayMeter {
    /// From connecting to the first whole keyframe, over the whole run.
    var firstFrame = Spread()
    /// From here on of the measured window only.
    var isMeasuring = false
    var videoDelay = Spread()
    var audioDelay = Spread()
    var partDelay = Spread()
    var wireBytes: Int64 = 0
    var bodyBytes: Int64 = 0
    var videoFrames = 0
    var audioFrames = 0
    var keyframes = 0
    var lostFrames: Int64 = 0
    var stalls = 0
    var backwardsTimestamps = 0
    var playlistReloads = 0
    var sequenceGaps = 0

    func count(wire bytes: Int) { if isMeasuring { wireBytes += Int64(bytes) } }
}
