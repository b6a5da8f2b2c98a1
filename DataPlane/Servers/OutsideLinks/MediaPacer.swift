import MediaModel
package import Streams
package import Timebase

/// Lets out what came in whole segments at the pace at which it was made: players of other protocols have no segment of
/// buffer, and the times of day in playlists are those at which the stream was fed.
///
/// The first unit goes at once. One that comes too late for its time moves all that follow, so that nobody waits for a segment as
/// late as that again.
package struct MediaPacer {
    private struct Waiting {
        var item: IngestItem
        var due: MonotonicInstant
    }

    /// A step in the source's clock that is larger is none in time.
    private static let stepMax = MediaTime(seconds: 3)

    private var waiting: [Waiting] = []
    private var newest: (time: MediaTime, due: MonotonicInstant)?

    package init() {}

    package var nextDue: MonotonicInstant? { waiting.first?.due }

    /// How long what waits will last.
    package var backlog: Duration {
        guard let first = waiting.first, let last = waiting.last, last.due > first.due else { return .zero }
        return last.due - first.due
    }

    package mutating func put(_ items: [IngestItem], at now: MonotonicInstant) {
        var start = items.startIndex
        for index in items.indices where items[index].isTracks {
            put(units: items[start..<index], at: now)
            append(items[index], due: newest?.due ?? now)
            start = index + 1
        }
        put(units: items[start...], at: now)
    }

    /// Segments may hold one track behind the other.
    private mutating func put(units: ArraySlice<IngestItem>, at now: MonotonicInstant) {
        let ordered = units.enumerated().sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }
        for (_, unit) in ordered { append(unit, due: due(of: unit.time, at: now)) }
    }

    private mutating func append(_ item: IngestItem, due: MonotonicInstant) {
        waiting.append(Waiting(item: item, due: due))
    }

    private mutating func due(of time: MediaTime, at now: MonotonicInstant) -> MonotonicInstant {
        guard let newest else {
            self.newest = (time, now)
            return now
        }
        var step = time - newest.time
        let isJump = step > Self.stepMax || MediaTime.zero - step > Self.stepMax
        if isJump { step = .zero }
        let due = max(newest.due + .nanoseconds(step.ticks * 100_000 / 9), now)
        if step > .zero || isJump { self.newest = (time, due) }
        return due
    }

    /// What is due.
    package mutating func take(at now: MonotonicInstant) -> [IngestItem] {
        let count = waiting.firstIndex { $0.due > now } ?? waiting.count
        defer { waiting.removeFirst(count) }
        return waiting[..<count].map(\.item)
    }

    /// All that waits, as there will be no more.
    package mutating func takeAll() -> [IngestItem] {
        defer { waiting = [] }
        return waiting.map(\.item)
    }
}

extension IngestItem {
    fileprivate var isTracks: Bool { if case .tracks = self { true } else { false } }

    fileprivate var time: MediaTime {
        switch self {
        case .unit(let unit, _), .layer(let unit): unit.decodeTime
        case .tracks: .zero
        }
    }
}
