package import ClusterModel
import HLS
import HTTPServer
package import MediaModel
import Streams
package import Timebase

/// The HLS cutter as the hub knows it. While nobody wants older segments none are kept, and the marks say so: playlists of
/// all nodes then start at the current segment.
package struct RetainingCutter: StreamCutter {
    private var cutter: SegmentCutter
    private var openSequence: UInt64?
    /// The segment that was open when older ones began to be kept.
    private var retainedSince: UInt64?
    private var isRetaining = false

    package init(resume: ResumePoint, settings: AppSettings) {
        cutter = SegmentCutter(settings: PackagingSettings(settings), resume: resume)
    }

    package mutating func mark(before item: StreamItem, at wall: WallTime) -> CutMark? {
        guard var mark = cutter.receive(item, at: wall) else { return nil }
        openSequence = mark.sequence
        if isRetaining {
            let since = retainedSince ?? mark.sequence
            retainedSince = since
            mark.oldestSequence = max(mark.oldestSequence, since)
        } else {
            mark.oldestSequence = mark.sequence
        }
        return mark
    }

    package mutating func retainSegments(_ isOn: Bool) {
        isRetaining = isOn
        retainedSince = isOn ? openSequence : nil
    }

    package var next: ResumePoint { cutter.next }
}
