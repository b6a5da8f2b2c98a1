package import Timebase

package struct TranscodingLimits: Sendable {
    /// Coded units that wait for the decoder: 2 s at 60 Hz. Beyond, all is dropped up to the next keyframe.
    package var unitsMax = 120
    /// Decoded pictures that wait for one encoder, of whatever size they are. All rungs wait on the same pictures.
    package var picturesMax = 12
    /// From this many on, pictures are dropped; below `picturesCalm`, fewer again.
    package var picturesHigh = 8
    package var picturesCalm = 2
    /// More of small pictures may wait, up to so many bytes: a busy moment of the machine lasts longer than 12 pictures do.
    package var pictureBytesMax = 36 << 20
    /// Over a second; a rung that is later than that is of no use to low-latency players.
    package var smallPicturesMax = 36
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

    /// How many pictures of a size may wait for one encoder.
    package func room(forPicturesOf size: PictureSize) -> PictureRoom {
        // 4:2:0, as encoders take it.
        let fitting = min(pictureBytesMax / max(size.pixels * 3 / 2, 1), smallPicturesMax)
        return PictureRoom(max: max(picturesMax, fitting), high: max(picturesHigh, fitting / 3 * 2))
    }
}

/// How long the queue of one encoder may be.
package struct PictureRoom: Hashable, Sendable {
    package var max: Int
    /// From here on pictures are dropped.
    package var high: Int

    package init(max: Int, high: Int) {
        self.max = max
        self.high = high
    }
}
