package import ClusterModel
package import Logging
import Metrics
import NIOCore
import Observability
package import Streams
import Synchronization
package import Transcoding

/// Makes derived streams of those this node owns.
package protocol StreamDeriver: Sendable {
    /// Feeds `stream` with what `derivation` says of `source`, its parent, until that ends. Cancelling the task ends it.
    func derive(_ stream: LiveStream, _ derivation: StreamID.Derivation, of source: LiveStream) async -> DerivedEnd
    /// An app's settings are these now. Never waits.
    func prepare(for settings: AppSettings, of app: String)
    var figures: DeriverFigures { get }
}

extension StreamDeriver {
    package func prepare(for settings: AppSettings, of app: String) {}
}

package struct DeriverFigures: Hashable, Sendable {
    package var renditions = 0
    /// Units and pictures that wait.
    package var queueDepth = 0
    /// Of the slowest encoder: seconds of media for a second of work.
    package var speed: Double?
    /// Share of real time that its work takes, 0 to 1.
    package var use: Double { speed.map { 1 / max($0, 1) } ?? 0 }
    /// Those that are not tried again yet.
    package var givenUp: [GivenUpRendition] = []

    package init() {}
}

/// The renditions of this node's streams: each source is decoded once, each rung encoded while somebody takes it.
package final class RenditionService<Codecs: VideoCodecs & AudioCodecs>: StreamDeriver {
    private let codecs: Codecs
    private let logger: Logger
    private let limits: RenditionLimits
    private let givenUp = GivenUpRenditions()
    private let encoders = EncoderNews()
    private let taps = Mutex<[ObjectIdentifier: SourceTap<Codecs>]>([:])

    package init(codecs: Codecs, logger: Logger, limits: RenditionLimits = RenditionLimits()) {
        self.codecs = codecs
        self.logger = logger
        self.limits = limits
    }

    package func derive(
        _ stream: LiveStream,
        _ derivation: StreamID.Derivation,
        of source: LiveStream
    ) async -> DerivedEnd {
        switch derivation {
        case .rung(let name): return await encode(stream, .rung(name), of: source)
        case .inOrder(let rung): return await encode(stream, .inOrder(rung: rung), of: source)
        case .sliced: return await encode(stream, .sliced, of: source)
        case .sound(let codec): return await transcode(stream, soundTo: codec, of: source)
        }
    }

    package func prepare(for settings: AppSettings, of app: String) {
        encoders.prepare(settings, of: app, by: codecs, logger)
    }

    private func encode(_ stream: LiveStream, _ kind: RungFeed.Kind, of source: LiveStream) async -> DerivedEnd {
        let (ends, continuation) = AsyncStream.makeStream(of: DerivedEnd.self, bufferingPolicy: .bufferingOldest(1))
        let feed = RungFeed(kind, target: stream, source: source) { end in
            continuation.yield(end)
            continuation.finish()
        }
        return await withTaskCancellationHandler {
            source.loop.execute { self.tap(of: source).add(feed) }
            for await end in ends { return end }
            return .stopped
        } onCancel: {
            source.loop.execute {
                self.taps.withLock { $0[ObjectIdentifier(source)] }?.remove(feed)
                feed.end(.stopped)
            }
        }
    }

    private func transcode(
        _ stream: LiveStream,
        soundTo codec: StreamID.SoundCodec,
        of source: LiveStream
    ) async -> DerivedEnd {
        let (ends, continuation) = AsyncStream.makeStream(of: DerivedEnd.self, bufferingPolicy: .bufferingOldest(1))
        let feed = SoundFeed(
            codec,
            target: stream,
            source: source,
            codecs: codecs,
            limits: limits.transcoding,
            logger: logger
        ) { end in
            continuation.yield(end)
            continuation.finish()
        }
        return await withTaskCancellationHandler {
            source.loop.execute { feed.start() }
            for await end in ends { return end }
            return .stopped
        } onCancel: {
            source.loop.execute { feed.end(.stopped) }
        }
    }

    package var figures: DeriverFigures {
        var figures = DeriverFigures()
        figures.givenUp = givenUp.current
        for tap in taps.withLock({ Array($0.values) }) {
            figures.queueDepth += tap.queueDepth
            for rung in tap.figures {
                figures.renditions += 1
                figures.speed = [figures.speed, rung.speed].compactMap(\.self).min()
            }
        }
        return figures
    }

    private func tap(of source: LiveStream) -> SourceTap<Codecs> {
        let key = ObjectIdentifier(source)
        return taps.withLock { taps in
            if let tap = taps[key] { return tap }
            let tap = SourceTap(
                source,
                codecs: codecs,
                logger: logger,
                limits: limits,
                givenUp: givenUp,
                encoders: encoders
            ) { [weak self] in
                _ = self?.taps.withLock { $0.removeValue(forKey: key) }
            }
            taps[key] = tap
            return tap
        }
    }
}
