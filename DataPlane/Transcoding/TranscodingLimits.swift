package import Timebase

package struct TranscodingLimits: Sendable {
    /// Coded units that wait for the decoder: 2 s at 60 Hz. Beyond, all is dropped up to the next keyframe.
    package var unitsMax = 120
    /// Decoded pictures that wait for one encoder. All rungs wait on the same pictures, and one of 720p takes 1.4 MB.
    package var picturesMax = 12
    /// From this many on, pictures are dropped; below `picturesCalm`, fewer again.
    package var picturesHigh = 8
    package var picturesCalm = 2
    /// At worst one picture of so many is kept: less is a slide show.
    package var keepOneInMax = 4
    /// Media between two steps down, so that a step shows what it does before the next.
    package var stepDownAfter = MediaTime(milliseconds: 500)
    package var stepUpAfter = MediaTime(seconds: 2)
    /// Media for which dropping at the worst does not help until the top rung is given up.
    package var giveUpAfter = MediaTime(seconds: 5)
    /// Sound units that wait for the audio encoder: over 1 s. Beyond, the newest is dropped.
    package var soundUnitsMax = 64

    package init() {}
}
