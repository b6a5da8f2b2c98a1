package import MediaModel
import Streams
package import Timebase

/// Cuts a segment before each keyframe, and keeps none but that.
package struct KeyframeCutter: StreamCutter {
    private var sequence: UInt64 = 0

    package init() {}

    package mutating func mark(before item: StreamItem, at wall: WallTime) -> CutMark? {
        guard case .unit(let unit) = item, unit.track == .video, unit.isKeyframe else { return nil }
        defer { sequence += 1 }
        return CutMark(
            sequence: sequence,
            part: 0,
            discontinuity: 0,
            isDiscontinuous: false,
            mediaTime: unit.decodeTime,
            wallTime: wall,
            oldestSequence: sequence
        )
    }

    package mutating func retainSegments(_ isOn: Bool) {}
    package var next: ResumePoint { .start }
}
