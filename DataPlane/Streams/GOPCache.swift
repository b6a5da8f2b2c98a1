package import DequeModule
package import MediaModel
import NIOCore
package import Timebase

/// The stream since its current segment began, so that a new viewer, packager or child node can start at once.
///
/// It begins at a keyframe, so that decoding can: a segment that was cut without one is kept with those before it. What would exceed the limits is not cached: the
/// cache then stays empty until the next segment, and late comers wait for it.
package struct GOPCache: Sendable {
    package private(set) var items: Deque<StreamItem> = []
    /// The tracks in force where `items` begin.
    package private(set) var tracksBefore: [Track] = []
    private var tracks: [Track] = []
    private var byteCount = 0
    private var firstTime: MediaTime?
    private var hasOverflowed = false
    private var beganAtKeyframe = false
    /// The cut mark that begins a segment whose first unit has not come.
    private var candidate: Candidate?
    private let limits: GOPCacheLimits

    private struct Candidate {
        var position: Int
        var continuesOverflow: Bool
    }

    package init(limits: GOPCacheLimits = GOPCacheLimits()) { self.limits = limits }

    package mutating func append(_ item: StreamItem) {
        // Of use when it is told, not when somebody comes.
        if case .unit(let unit) = item, unit.track == .data { return }
        if case .cut(let mark) = item, mark.part == 0 {
            candidate = Candidate(position: items.count, continuesOverflow: hasOverflowed)
            hasOverflowed = false
        }
        if case .unit(let unit) = item, let candidate { begin(candidate, with: unit) }
        if case .tracks(let changed) = item { learn(changed) }
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

    /// The first unit tells whether decoding can begin with the segment.
    private mutating func begin(_ candidate: Candidate, with unit: AccessUnit) {
        self.candidate = nil
        let hasVideo = tracks.contains { $0.kind == .video }
        let canBegin = !hasVideo || unit.isKeyframe && tracks.contains { $0.id == unit.track && $0.kind == .video }
        if canBegin || !beganAtKeyframe {
            items.removeFirst(candidate.position)
            (tracksBefore, byteCount, firstTime) = (tracks, 0, nil)
            beganAtKeyframe = canBegin
        } else if candidate.continuesOverflow {
            overflow()
        }
    }

    private mutating func learn(_ changed: [Track]) {
        tracks = changed
        if items.isEmpty { tracksBefore = changed }
    }

    private mutating func overflow() {
        let begins = beganAtKeyframe
        removeAll()
        (hasOverflowed, beganAtKeyframe) = (true, begins)
    }

    /// Of a track, over what is cached; nil of too little.
    package func bitsPerSecond(of track: TrackID) -> Int? {
        var units: [AccessUnit] = []
        for case .unit(let unit) in items where unit.track == track { units.append(unit) }
        guard let first = units.first, let last = units.last, last.decodeTime > first.decodeTime else { return nil }
        // How long the last unit lasts is not known yet.
        let bytes = units.dropLast().reduce(0) { $0 + $1.payload.readableBytes }
        return Int(Double(bytes) * 8 / (last.decodeTime - first.decodeTime).seconds)
    }

    package mutating func removeAll() {
        items.removeAll()
        tracksBefore = tracks
        byteCount = 0
        firstTime = nil
        hasOverflowed = false
        beganAtKeyframe = false
        candidate = nil
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
