import Codecs
import Logging
import MediaModel
import NIOCore
import Observability
import Transcoding

/// The source's sound for its rungs: as it is, or at a bit rate, encoded once for all rungs of that rate.
///
/// `@unchecked Sendable`: touched on the source's loop only.
final class LadderSound: @unchecked Sendable {
    private struct Encoding {
        let pipeline: AudioPipeline
        /// Nil until the encoder is open.
        var tracks: [Track]?
        var feeds: [RungFeed] = []
    }

    private let codecs: any AudioCodecs
    private let loop: any EventLoop
    private let limits: TranscodingLimits
    private let logger: Logger
    private var tracks: [Track] = []
    private var unchanged: [RungFeed] = []
    /// By bits a second.
    private var encodings: [Int: Encoding] = [:]

    init(codecs: any AudioCodecs, loop: any EventLoop, limits: TranscodingLimits, logger: Logger) {
        self.codecs = codecs
        self.loop = loop
        self.limits = limits
        self.logger = logger
    }

    // MARK: Rungs

    /// - Parameter bitsPerSecond: 0 leaves the sound as it is.
    func add(_ feed: RungFeed, bitsPerSecond: Int) {
        guard bitsPerSecond > 0, let track = tracks.first else {
            unchanged.append(feed)
            return feed.soundTracks(tracks)
        }
        var encoding = encodings[bitsPerSecond] ?? Encoding(pipeline: makePipeline(for: track, bitsPerSecond))
        encoding.feeds.append(feed)
        encodings[bitsPerSecond] = encoding
        if let tracks = encoding.tracks { feed.soundTracks(tracks) }
    }

    func remove(_ feed: RungFeed) {
        unchanged.removeAll { $0 === feed }
        for rate in Array(encodings.keys) {
            encodings[rate]?.feeds.removeAll { $0 === feed }
            if encodings[rate]?.feeds.isEmpty == true { encodings.removeValue(forKey: rate)?.pipeline.close() }
        }
    }

    // MARK: The source

    func tracksChanged(to tracks: [Track]) {
        guard tracks != self.tracks else { return }
        self.tracks = tracks
        for feed in unchanged { feed.soundTracks(tracks) }
        for (rate, encoding) in encodings {
            if let track = tracks.first {
                encoding.pipeline.sourceChanged(to: track.codec)
            } else {
                give([], rate)
            }
        }
    }

    func take(_ unit: AccessUnit) {
        for feed in unchanged { feed.take(sound: unit) }
        guard unit.track == tracks.first?.id else { return }
        for encoding in encodings.values { encoding.pipeline.send(unit) }
    }

    // MARK: The encoders

    private func makePipeline(for track: Track, _ bitsPerSecond: Int) -> AudioPipeline {
        AudioPipeline(
            codecs: codecs,
            source: track.codec,
            track: track.id,
            format: .aac(
                channels: track.codec.channels,
                rate: track.codec.sampleRate ?? 48_000,
                bitsPerSecond: bitsPerSecond
            ),
            limits: limits
        ) { [weak self, loop] output in
            loop.execute { [weak self] in self?.take(output, track.id, bitsPerSecond) }
        }
    }

    private func take(_ output: SoundOutput, _ track: TrackID, _ rate: Int) {
        switch output {
        case .codec(let codec): give([Track(id: track, codec: codec)], rate)
        case .unit(let unit): for feed in encodings[rate]?.feeds ?? [] { feed.take(sound: unit) }
        case .failed(let error):
            logger.error("rungs go without sound", metadata: [LogKeys.error: "\(error)"])
            give([], rate)
        }
    }

    private func give(_ tracks: [Track], _ rate: Int) {
        encodings[rate]?.tracks = tracks
        for feed in encodings[rate]?.feeds ?? [] { feed.soundTracks(tracks) }
    }
}
