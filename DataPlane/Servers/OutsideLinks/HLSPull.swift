import HTTPClient

/// Follows an HLS playlist outside of the cluster and publishes what its segments hold.
struct HLSPull: Sendable {
    /// Media fetched ahead of its time: two segments, or so much of a recording.
    private static let backlogMin = 10.0

    private let intake: SourceIntake
    private let url: String
    private let http: HTTPClient

    init(_ intake: SourceIntake, _ url: String, http: HTTPClient) {
        self.intake = intake
        self.url = url
        self.http = http
    }

    func run() async -> LinkEnd {
        do {
            var pictures = PlaylistReader(url, http: http)
            guard case .variants(let best) = try await pictures.read() else { return try await follow(&pictures, nil) }
            pictures = PlaylistReader(HLSSource.resolve(best.uri, against: url), http: http)
            let sound = best.soundURI.map { PlaylistReader(HLSSource.resolve($0, against: url), http: http) }
            return try await follow(&pictures, sound.map { SoundBeside($0) })
        } catch let end as LinkEnd {
            return end
        } catch is CancellationError {
            return .finished
        } catch { return Task.isCancelled ? .finished : .failed("\(error)") }
    }

    private func follow(_ pictures: inout PlaylistReader, _ sound: SoundBeside?) async throws -> LinkEnd {
        let feed = PacedFeed(intake)
        do {
            try await follow(&pictures, sound, feed)
            try await feed.wait(untilBacklogIs: .zero)
            return .sourceEnded
        } catch {
            await feed.finish(discarding: error is CancellationError || Task.isCancelled)
            throw error
        }
    }

    private func follow(_ pictures: inout PlaylistReader, _ sound: SoundBeside?, _ feed: PacedFeed) async throws {
        var sound = sound
        while true {
            try await pictures.reload()
            while var items = try await pictures.next() {
                if sound != nil { items = try await sound?.joined(to: items) ?? items }
                if !items.isEmpty { await feed.put(items) }
                try await feed.wait(untilBacklogIs: .seconds(max(pictures.targetDuration * 2, Self.backlogMin)))
            }
            if pictures.isEnded { return }
            try await Task.sleep(for: .seconds(pictures.targetDuration / 2))
        }
    }
}
