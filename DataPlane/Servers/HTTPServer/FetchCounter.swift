import ClusterModel
import Streams

/// Counts each segment's fetches, once per connection, for the newest few segments (contract §4.8).
struct FetchCounter {
    private static let segmentsMax = 4
    /// Above what one loop serves; those forgotten count for HLS until they ask for the description again.
    private static let presentationsMax = 20_000
    private var connections: [(sequence: UInt64, seen: Set<ObjectIdentifier>)] = []
    /// Connections that asked for DASH's description: the segments alone do not tell.
    private var presentations: Set<ObjectIdentifier> = []

    mutating func asksForDASH(_ connection: ObjectIdentifier) {
        if presentations.count >= Self.presentationsMax { presentations.removeAll() }
        presentations.insert(connection)
    }

    mutating func count(_ sequence: UInt64, by connection: ObjectIdentifier) {
        if let index = connections.firstIndex(where: { $0.sequence == sequence }) {
            connections[index].seen.insert(connection)
        } else if sequence > connections.last?.sequence ?? 0 || connections.isEmpty {
            connections.append((sequence, [connection]))
            if connections.count > Self.segmentsMax { connections.removeFirst() }
        }
    }

    var report: [SegmentFetches] {
        connections.map { segment in
            let dash = segment.seen.intersection(presentations).count
            return SegmentFetches(sequence: segment.sequence, hls: segment.seen.count - dash, dash: dash)
        }
    }
}
