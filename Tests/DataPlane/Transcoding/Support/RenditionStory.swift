import MediaModel
import Streams
import Timebase

/// Cuts at every keyframe.
struct KeyframeCutter: StreamCutter {
    private var sequence: UInt64 = 0

    mutating func mark(before item: StreamItem, at wall: WallTime) -> CutMark? {
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

    mutating func retainSegments(_ isOn: Bool) {}
    var next: ResumePoint { .start }
}

/// `@unchecked Sendable`: written on the stream's loop, read when the stream has ended.
final class Collector: StreamSubscriber, @unchecked Sendable {
    private(set) var items: [StreamItem] = []
    private(set) var epoch: Epoch?
    /// Whose items they are.
    private(set) weak var stream: LiveStream?
    let arrivals: AsyncStream<[StreamItem]>
    private let feed: AsyncStream<[StreamItem]>.Continuation

    init() { (arrivals, feed) = AsyncStream.makeStream() }

    func stream(_ stream: LiveStream, sent items: [StreamItem]) {
        self.items += items
        feed.yield(items)
        epoch = stream.epoch
        self.stream = stream
    }

    func stream(_ stream: LiveStream, noticed notice: StreamNotice) {}
}
