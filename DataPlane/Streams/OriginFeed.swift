import MediaModel
import Metrics
import Observability
import Timebase

/// What only the owner of a stream needs: a repaired timeline and the cuts.
struct OriginFeed {
    private static let jumps = MetricNames.timelineRepairs.counter("jump")

    var repair: TimelineRepair
    var cutter: any StreamCutter

    /// The stream's items, and the pictures of its layers.
    mutating func place(_ items: [IngestItem], at wall: WallTime) -> (items: [StreamItem], layers: [AccessUnit]) {
        var placed: [StreamItem] = []
        var layers: [AccessUnit] = []
        placed.reserveCapacity(items.count + 1)
        for item in items {
            let next: StreamItem
            switch item {
            case .tracks(let tracks): next = .tracks(tracks)
            case .unit(var unit, _) where unit.track == .data:
                unit.decodeTime = repair.place(beside: unit.decodeTime)
                next = .unit(unit)
            case .unit(let unit, let frame):
                let jumps = repair.jumpCount
                next = .unit(repair.place(unit, frame: frame))
                if repair.jumpCount > jumps { Self.jumps.increment() }
            case .layer(var unit):
                unit.decodeTime = repair.place(beside: unit.decodeTime)
                layers.append(unit)
                continue
            }
            if let mark = cutter.mark(before: next, at: wall) { placed.append(.cut(mark)) }
            placed.append(next)
        }
        return (placed, layers)
    }
}
