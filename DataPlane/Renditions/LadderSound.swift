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
        var state = State.silent
        /// Of its pipeline: what an earlier one still says is of no interest.
        var number = 0
        var feeds: [RungFeed] = []

        /// Nil while it is not known.
        var tracks: [Track]? {
            switch state {
            case .silent: []
            case .opening: nil
            case .running(_, let track): [track]
            }
        }
    }

    private enum State {
        /// There is no sound, or none that can be encoded.
        case silent
        case opening(AudioPipeline)
        case running(AudioPipeline, Track)

        var pipeline: AudioPipeline? {
            switch self {
            case .silent: nil
            case .opening(let pipeline), .running(let pipeline, _): pipeline
            }
        }
    }

    private let codecs: any AudioCodecs
    private let loop: any EventLoop
    private let limits: TranscodingLimits
    private let logger: Logger
    private var tracks: [Track] = []
    private var unchanged: [RungFeed] = []
    /// By bits a second.
    private var encodings: [Int: Encoding] = [:]
    private var pipelinesMade = 0

    init(codecs: any AudioCodecs, loop: any EventLoop, limits: TranscodingLimits, logger: Logger) {
        self.codecs = codecs
        self.loop = loop
        self.limits = limits
        self.logger = logger
    }

    // MARK: Rungs

    /// - Parameter bitsPerSecond: 0 leaves the sound as it is.
    func add(_ feed: RungFeed, bitsPerSecond rate: Int) {
        guard rate > 0 else {
            unchanged.append(feed)
            return feed.soundTracks(tracks)
        }
        if encodings[rate] == nil {
            encodings[rate] = Encoding()
            followSource(rate)
        }
        encodings[rate]?.feeds.append(feed)
        feed.soundTracks(encodings[rate]?.tracks)
    }

    func remove(_ feed: RungFeed) {
        unchanged.removeAll { $0 === feed }
        for rate in Array(encodings.keys) {
            encodings[rate]?.feeds.removeAll { $0 === feed }
            guard encodings[rate]?.feeds.isEmpty == true else { continue }
            encodings.removeValue(forKey: rate)?.state.pipeline?.close()
        }
    }

    // MARK: The source

    func tracksChanged(to tracks: [Track]) {
        guard tracks != self.tracks else { return }
        self.tracks = tracks
        for feed in unchanged { feed.soundTracks(tracks) }
        for rate in Array(encodings.keys) { followSource(rate) }
    }

    func take(_ unit: AccessUnit) {
        for feed in unchanged { feed.take(sound: unit) }
        guard unit.track == tracks.first?.id else { return }
        for encoding in encodings.values { encoding.state.pipeline?.send(unit) }
    }

    // MARK: The encoders

    /// Encodes the sound that the source has now.
    private func followSource(_ rate: Int) {
        let pipeline = encodings[rate]?.state.pipeline
        switch (tracks.first, pipeline) {
        case (nil, let pipeline):
            pipeline?.close()
            become(.silent, rate)
        case (let track?, nil): become(.opening(makePipeline(for: track, rate)), rate)
        case (let track?, let pipeline?): pipeline.sourceChanged(to: track.codec)
        }
    }

    private func makePipeline(for track: Track, _ rate: Int) -> AudioPipeline {
        pipelinesMade += 1
        encodings[rate]?.number = pipelinesMade
        return AudioPipeline(
            codecs: codecs,
            source: track.codec,
            track: track.id,
            format: .aac(
                channels: track.codec.channels,
                rate: track.codec.sampleRate ?? 48_000,
                bitsPerSecond: rate
            ),
            limits: limits
        ) { [weak self, loop, number = pipelinesMade] output in
            loop.execute { [weak self] in self?.take(output, of: number, track.id, rate) }
        }
    }

    private func take(_ output: SoundOutput, of number: Int, _ track: TrackID, _ rate: Int) {
        guard let encoding = encodings[rate], encoding.number == number, let pipeline = encoding.state.pipeline else {
            return
        }
        switch output {
        case .codec(let codec): become(.running(pipeline, Track(id: track, codec: codec)), rate)
        case .unit(let unit): for feed in encoding.feeds { feed.take(sound: unit) }
        case .failed(let error):
            logger.error("rungs go without sound", metadata: [LogKeys.error: "\(error)"])
            become(.silent, rate)
        }
    }

    private func become(_ state: State, _ rate: Int) {
        encodings[rate]?.state = state
        guard let encoding = encodings[rate] else { return }
        for feed in encoding.feeds { feed.soundTracks(encoding.tracks) }
    }
}
