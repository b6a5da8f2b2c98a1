import MediaModel
import Streams
import Timebase

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
