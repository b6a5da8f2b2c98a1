package import MediaModel
import Streams
package import Timebase

/// Cuts a segment before each keyframe, discontinuous where tracks have changed, and keeps none but that.
package struct KeyframeCutter: StreamCutter {
    private var sequence: UInt64 = 0
    private var discontinuity: UInt64 = 0
    private var tracks: [Track] = []
    private var haveTracksChanged = false

    package init() {}

    package mutating func mark(before item: StreamItem, at wall: WallTime) -> CutMark? {
        if case .tracks(let tracks) = item {
            haveTracksChanged = !self.tracks.isEmpty && tracks != self.tracks
            self.tracks = tracks
        }
        guard case .unit(let unit) = item, unit.track == .video, unit.isKeyframe else { return nil }
        if haveTracksChanged { discontinuity += 1 }
        defer { (sequence, haveTracksChanged) = (sequence + 1, false) }
        return CutMark(
            sequence: sequence,
            part: 0,
            discontinuity: discontinuity,
            isDiscontinuous: haveTracksChanged,
            mediaTime: unit.decodeTime,
            wallTime: wall,
            oldestSequence: sequence
        )
    }

    package mutating func retainSegments(_ isOn: Bool) {}
    package var next: ResumePoint { .start }
}
