import ClusterModel
import Streams

/// Counts each segment's fetches, once per connection, for the newest few segments (contract §4.8).
struct FetchCounter {
    private static let segmentsMax = 4
    private struct Segment {
        var sequence: UInt64
        var hls: Set<ObjectIdentifier> = []
        var dash: Set<ObjectIdentifier> = []
    }

    private var segments: [Segment] = []

    /// - Parameter isDASH: players of DASH take pictures and sound apart, under names of their own.
    mutating func count(_ sequence: UInt64, by connection: ObjectIdentifier, isDASH: Bool) {
        if !segments.contains(where: { $0.sequence == sequence }) {
            guard segments.isEmpty || sequence > segments.last?.sequence ?? 0 else { return }
            segments.append(Segment(sequence: sequence))
            if segments.count > Self.segmentsMax { segments.removeFirst() }
        }
        guard let index = segments.firstIndex(where: { $0.sequence == sequence }) else { return }
        if isDASH { segments[index].dash.insert(connection) } else { segments[index].hls.insert(connection) }
    }

    var report: [SegmentFetches] {
        segments.map { SegmentFetches(sequence: $0.sequence, hls: $0.hls.count, dash: $0.dash.count) }
    }
}
