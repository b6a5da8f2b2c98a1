import MediaModel
import Streams
import Timebase

/// Sound in a playlist of its own (EXT-X-MEDIA), as it goes with segments of pictures.
struct SoundBeside {
    private struct Waiting {
        var item: IngestItem
        var time: MediaTime
    }

    /// Looks for sound that is to come, a quarter of a segment apart, before the pictures go without.
    private static let looksMax = 6
    /// Segments of both end near each other; what is missing by then goes with the next one.
    private static let tolerance = MediaTime(milliseconds: 500)

    private var reader: PlaylistReader
    /// Read, and later than the pictures so far.
    private var waiting: [Waiting] = []
    private var tracks: [Track] = []
    private var pictureTracks: [Track] = []
    private var hasBegun = false

    init(_ reader: PlaylistReader) {
        self.reader = reader
        // Its segments are not those of the pictures: it is looked for from before them on.
        self.reader.segmentsBehind += 1
    }

    /// `items` are those of a segment of pictures, whose own sound is none.
    mutating func joined(to items: [IngestItem]) async throws -> [IngestItem] {
        let times = items.compactMap { if case .unit(let unit, _) = $0 { unit.decodeTime } else { nil } }
        guard let first = times.min(), let last = times.max() else { return items }
        let before = tracks
        try await read(upTo: last - Self.tolerance)
        if !hasBegun { waiting.removeAll { $0.time < first } }
        hasBegun = true
        let due = waiting.prefix { $0.time <= last }
        waiting.removeFirst(due.count)
        let pictures = items.compactMap { withSound($0) }
        let isTold = if case .tracks? = pictures.first { true } else { false }
        let news: [IngestItem] = before == tracks || isTold ? [] : [.tracks(pictureTracks + tracks)]
        return news + pictures + due.map(\.item)
    }

    private mutating func withSound(_ item: IngestItem) -> IngestItem? {
        switch item {
        case .tracks(let tracks):
            pictureTracks = tracks.filter { $0.kind != .audio }
            return .tracks(pictureTracks + self.tracks)
        case .unit(let unit, _): return pictureTracks.contains { $0.id == unit.track } ? item : nil
        case .layer: return item
        }
    }

    private mutating func read(upTo end: MediaTime) async throws {
        for look in 0..<Self.looksMax where lacks(end) {
            if look > 0 { try await Task.sleep(for: .seconds(reader.targetDuration / 4)) }
            try await reader.reload()
            while lacks(end), let items = try await reader.next() { take(items) }
            if reader.isEnded { return }
        }
    }

    private func lacks(_ end: MediaTime) -> Bool { waiting.last.map { $0.time < end } ?? true }

    private mutating func take(_ items: [IngestItem]) {
        for item in items {
            switch item {
            case .tracks(let tracks): self.tracks = tracks.filter { $0.kind == .audio }
            case .unit(let unit, _) where tracks.contains { $0.id == unit.track }:
                waiting.append(Waiting(item: item, time: unit.decodeTime))
            case .unit, .layer: break
            }
        }
    }
}
