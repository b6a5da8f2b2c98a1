import ClusterModel
import Codecs
import Logging
import MediaModel
package import NIOCore
import Observability
import Streams
import Synchronization
import Timebase
package import Transcoding

/// All rungs of one stream on its origin: the one decoder, and what each rung must know of the source.
///
/// `@unchecked Sendable`: touched on the source's loop only, but for `running`.
final class SourceTap<Codecs: VideoCodecs & AudioCodecs>: StreamSubscriber, @unchecked Sendable {
    private let source: LiveStream
    private let codecs: Codecs
    private let logger: Logger
    private let limits: RenditionLimits
    private let onIdle: @Sendable () -> Void
    /// Looked at from other threads too.
    private let running = Mutex<TranscodePipeline<Codecs>?>(nil)
    private var feeds: [String: RungFeed] = [:]
    private var video: CodecParameters?
    private let sound: LadderSound
    private var soundTracks: [TrackID] = []
    private var cut: CutMark?
    private let givenUp: GivenUpRenditions
    private let encoders: EncoderNews
    private var isSubscribed = false

    init(
        _ source: LiveStream,
        codecs: Codecs,
        logger: Logger,
        limits: RenditionLimits,
        givenUp: GivenUpRenditions,
        encoders: EncoderNews,
        onIdle: @escaping @Sendable () -> Void
    ) {
        self.source = source
        self.codecs = codecs
        var logger = logger
        logger[metadataKey: LogKeys.stream] = "\(source.id)"
        self.logger = logger
        self.limits = limits
        self.givenUp = givenUp
        self.encoders = encoders
        self.onIdle = onIdle
        sound = LadderSound(codecs: codecs, loop: source.loop, limits: limits.transcoding, logger: logger)
    }

    private var pipeline: TranscodePipeline<Codecs>? {
        get { running.withLock { $0 } }
        set { running.withLock { $0 = newValue } }
    }

    /// From any thread.
    var figures: [RungFigures] { pipeline?.figures ?? [] }
    var queueDepth: Int { pipeline?.queueDepth ?? 0 }

    // MARK: Rungs

    func add(_ feed: RungFeed) {
        guard !feed.hasEnded else { return }
        subscribe()
        guard feeds[feed.name] == nil else { return feed.end(.lost("the rung is being encoded already")) }
        feeds[feed.name] = feed
        if let entry = givenUp[feed.name, of: source.id] {
            // Before this publisher came.
            if givenUp.rungs(of: source.id) != source.rungsGivenUp { tellRungsGivenUp(until: entry.until) }
            return end(feed.name, notMade(feed.name, entry.reason))
        }
        if video != nil { start(feed) }
    }

    /// Nobody wants it any more.
    func remove(_ feed: RungFeed) {
        guard feeds[feed.name] === feed else { return }
        feeds[feed.name] = nil
        sound.remove(feed)
        pipeline?.stop(feed.name)
        stopIfIdle()
    }

    private func end(_ name: String, _ end: DerivedEnd) {
        if let feed = feeds.removeValue(forKey: name) {
            sound.remove(feed)
            feed.end(end)
        }
        stopIfIdle()
    }

    private func subscribe() {
        guard !isSubscribed else { return }
        isSubscribed = true
        _ = source.subscribe(self)
        learn(source.tracks)
    }

    private func stopIfIdle() {
        guard feeds.isEmpty else { return }
        source.unsubscribe(self)
        pipeline?.close()
        pipeline = nil
        onIdle()
    }

    private func start(_ feed: RungFeed) {
        guard let video else { return }
        guard let rendition = feed.rendition(of: source.renditionPlan) else { return end(feed.name, .unknown) }
        if rendition.layer != nil { return pass(rendition, to: feed) }
        sound.add(feed, bitsPerSecond: rendition.audioBitsPerSecond)
        readyPipeline(for: video).start(rendition, options(rendition, video))
        feed.begin(epoch: source.epoch, settings: source.settings)
    }

    /// Nothing is encoded: the publisher sends the rung itself.
    private func pass(_ rendition: Rendition, to feed: RungFeed) {
        feed.follow(rendition, of: source.renditionPlan)
        sound.add(feed, bitsPerSecond: 0)
        feed.begin(epoch: source.epoch, settings: source.settings)
        logger.info("rendition started", metadata: ["rendition": "\(feed.name)", "encoder": "none"])
    }

    private func options(_ rendition: Rendition, _ video: CodecParameters) -> VideoEncodingOptions {
        VideoEncodingOptions(
            encoders: rendition.sliceBytesMax == nil
                ? EncoderWords.wanted(source.settings, isInOrder: rendition.isInOrder)
                : EncoderWords.slicing(source.settings),
            framesPerSecond: video.framesPerSecond ?? 30,
            threadsMax: limits.encoderThreadsMax
        )
    }

    private func readyPipeline(for video: CodecParameters) -> TranscodePipeline<Codecs> {
        if let pipeline { return pipeline }
        let loop = source.loop
        let limits = limits.transcoding
        let made = TranscodePipeline(
            codecs: codecs,
            source: video,
            limits: limits,
            probes: encoders.probes
        ) { [weak self] output in
            loop.execute { [weak self] in self?.take(output) }
        }
        pipeline = made
        return made
    }

    // MARK: From the encoders

    private func take(_ output: TranscodeOutput) {
        switch output {
        case .encoder(let choice, let name):
            logger.info("rendition started", metadata: ["rendition": "\(name)", "encoder": "\(choice.encoder)"])
            encoders.tell(choice, logger)
        case .codec(let codec, let name): feeds[name]?.codec(codec)
        case .picture(let picture, let name): feeds[name]?.take(encoded: picture)
        case .ended(.stopped, let name):
            // Of the source's end, all has come out. Of an earlier rung of this name, nothing is to be done.
            if case .ended(let reason) = source.phase { end(name, .ended(reason)) }
        case .ended(.overloaded, let name):
            logger.warning("rendition given up: this machine cannot keep up", metadata: ["rendition": "\(name)"])
            giveUp(name, because: "this machine cannot keep up")
        case .ended(.failed(let error), let name):
            logger.error("rendition failed", metadata: ["rendition": "\(name)", LogKeys.error: "\(error)"])
            if feeds[name]?.hasBegun == true {
                end(name, .lost(error.description))
            } else {
                // What never worked is not tried again while its players wait.
                giveUp(name, because: error.description)
            }
        }
    }

    private func giveUp(_ name: String, because reason: String) {
        let until = NIODeadline.now() + limits.givenUpFor
        givenUp.add(name, of: source.id, because: reason, until: until)
        tellRungsGivenUp(until: until)
        end(name, notMade(name, reason))
    }

    /// Those of them that may be tried again by then are offered again then.
    private func tellRungsGivenUp(until: NIODeadline) {
        source.learn(rungsGivenUp: givenUp.rungs(of: source.id))
        source.loop.assumeIsolated().scheduleTask(deadline: until) { [weak source, givenUp] in
            guard let source, source.isOwned else { return }
            source.learn(rungsGivenUp: givenUp.rungs(of: source.id))
        }
    }

    private func notMade(_ name: String, _ reason: String) -> DerivedEnd {
        .notMade("the rendition \(name) is not made for now, and tried again within a minute (\(reason))")
    }

    // MARK: StreamSubscriber

    func stream(_ stream: LiveStream, sent items: [StreamItem]) {
        for item in items {
            switch item {
            case .tracks(let tracks): learn(tracks)
            case .cut(let mark): if mark.part == 0 { cut = mark }
            case .unit(let unit): take(unit)
            }
        }
    }

    private func learn(_ tracks: [Track]) {
        let audio = tracks.filter { $0.kind == .audio }
        soundTracks = audio.map(\.id)
        sound.tracksChanged(to: audio)
        followLayers()
        guard let codec = tracks.first(where: { $0.kind == .video })?.codec, codec != video else { return }
        let isFirst = video == nil
        video = codec
        pipeline?.sourceChanged(to: codec)
        if isFirst { for feed in Array(feeds.values) { start(feed) } }
    }

    /// A layer that is no longer sent, or changed its size, is not the rung it was.
    private func followLayers() {
        let plan = source.renditionPlan
        for (name, feed) in feeds where feed.layer != nil {
            if let rendition = feed.rendition(of: plan), rendition.layer != nil {
                feed.follow(rendition, of: plan)
            } else {
                end(name, .unknown)
            }
        }
    }

    private func take(_ unit: AccessUnit) {
        if soundTracks.contains(unit.track) {
            sound.take(unit)
        } else if unit.track == .video {
            if let mark = cut {
                cut = nil
                for feed in feeds.values { feed.cut(mark, before: unit) }
            }
            if let video, let orientation = DisplayOrientation(in: unit.payload, of: video) {
                for feed in feeds.values { feed.note(orientation, at: unit.presentationTime) }
            }
            pipeline?.send(unit)
            for feed in feeds.values { feed.sourceShowed(unit.presentationTime) }
        }
    }

    func stream(_ stream: LiveStream, sentLayer unit: AccessUnit) {
        for feed in feeds.values { feed.take(layer: unit) }
    }

    func stream(_ stream: LiveStream, noticed notice: StreamNotice) {
        switch notice {
        case .interrupted: for feed in feeds.values { feed.interrupt() }
        case .resumed, .gap, .outOfReach, .parentChanged, .pathChanged, .rungsGivenUp: break
        case .epochChanged: endAll(.lost("the stream has another owner"))
        case .fenced(let epoch): endAll(.ended(.fenced(epoch)))
        case .ended(let reason):
            for (name, feed) in feeds where feed.layer != nil { end(name, .ended(reason)) }
            // What the decoder and the encoders hold comes out first.
            if let pipeline { pipeline.close() } else { endAll(.ended(reason)) }
        }
    }

    private func endAll(_ end: DerivedEnd) {
        let ending = feeds
        feeds = [:]
        for (name, feed) in ending {
            pipeline?.stop(name)
            sound.remove(feed)
            feed.end(end)
        }
        stopIfIdle()
    }
}

package struct RenditionLimits: Sendable {
    /// More threads for one encoder cost latency and memory; a machine with more cores serves more streams.
    package var encoderThreadsMax = 4
    /// A rung that was too much for the machine, or had no encoder, is not tried again for so long.
    package var givenUpFor = TimeAmount.seconds(60)
    package var transcoding = TranscodingLimits()

    package init() {}
}
