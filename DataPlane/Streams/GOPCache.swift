package import DequeModule
package import MediaModel
import NIOCore
package import Timebase

/// The stream since its current segment began, so that a new viewer, packager or child node can start at once.
///
/// Segments begin at keyframes, so decoding can start at the first unit. What would exceed the limits is not cached: the
/// cache then stays empty until the next segment, and late comers wait for it.
package struct GOPCache: Sendable {
    package private(set) var items: Deque<StreamItem> = []
    /// The tracks in force where `items` begin.
    package private(set) var tracksBefore: [Track] = []
    private var tracks: [Track] = []
    private var byteCount = 0
    private var firstTime: MediaTime?
    private var hasOverflowed = false
    private let limits: GOPCacheLimits

    package init(limits: GOPCacheLimits = GOPCacheLimits()) { self.limits = limits }

    package mutating func append(_ item: StreamItem) {
        if case .cut(let mark) = item, mark.part == 0 { removeAll() }
        if case .tracks(let changed) = item { learn(changed) }
        // Of use when it is told, not when somebody comes.
        if case .unit(let unit) = item, unit.track == .data { return }
        guard !hasOverflowed else { return }
        guard items.count < limits.itemsMax else { return overflow() }
        if case .unit(let unit) = item {
            byteCount += unit.payload.readableBytes
            let first = firstTime ?? unit.decodeTime
            firstTime = first
            if byteCount > limits.bytesMax || unit.decodeTime - first > limits.durationMax {
                return overflow()
            }
        }
        items.append(item)
    }

    private mutating func learn(_ changed: [Track]) {
        tracks = changed
        if items.isEmpty { tracksBefore = changed }
    }

    private mutating func overflow() {
        removeAll()
        hasOverflowed = true
    }

    package mutating func removeAll() {
        items.removeAll()
        tracksBefore = tracks
        byteCount = 0
        firstTime = nil
        hasOverflowed = false
    }
}

package struct GOPCacheLimits: Sendable {
    /// One GOP of a 20 Mbit/s stream at 4 s; more would only delay late comers.
    package var bytesMax = 10 << 20
    /// Encoders set to "automatic" go to 10 s (x264's 250 frames at 25 fps).
    package var durationMax = MediaTime(seconds: 12)
    /// Track changes and empty units cost no payload: 12 s of 1,000 units a second.
    package var itemsMax = 12_000

    package init() {}
}
