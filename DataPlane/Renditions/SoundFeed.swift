import ClusterModel
import Codecs
import Logging
import MediaModel
import NIOCore
import Observability
import Streams
import Timebase
import Transcoding

/// A stream whose sound is in another codec: pictures and cuts go through as they are.
///
/// `@unchecked Sendable`: touched on the source's loop only; `target` is reached by way of its own loop.
final class SoundFeed: StreamSubscriber, StreamUpstream, @unchecked Sendable {
    /// Of one segment, while an audio encoder opens.
    private static let heldMax = 2000

    private let source: LiveStream
    private let target: LiveStream
    private let wanted: StreamID.SoundCodec
    private let codecs: any AudioCodecs
    private let limits: TranscodingLimits
    private let logger: Logger
    private let onEnd: @Sendable (DerivedEnd) -> Void
    private var tracks: [Track] = []
    private var sound: Track?
    private var pipeline: AudioPipeline?
    /// As it comes out.
    private var codec: CodecParameters?
    private var told: [Track] = []
    /// Where the first segment begins that is passed on.
    private var beginning: MediaTime?
    private var held: [StreamItem] = []
    private var hasBegun = false
    private var hasEnded = false
    private var wantsObjects = false

    init(
        _ wanted: StreamID.SoundCodec,
        target: LiveStream,
        source: LiveStream,
        codecs: any AudioCodecs,
        limits: TranscodingLimits,
        logger: Logger,
        onEnd: @escaping @Sendable (DerivedEnd) -> Void
    ) {
        self.wanted = wanted
        self.target = target
        self.source = source
        self.codecs = codecs
        self.limits = limits
        self.logger = logger
        self.onEnd = onEnd
    }

    func start() {
        guard !hasEnded else { return }
        guard let epoch = source.epoch else { return end(.lost("the source has no owner yet")) }
        let snapshot = source.subscribe(self)
        target.loop.execute { [target] in target.beginPull(from: self, epoch: epoch, tracks: []) }
        let tracks = snapshot.tracks.isEmpty ? source.tracks : snapshot.tracks
        if !tracks.isEmpty { learn(tracks) }
        // From the segment at hand on: its players would wait for the next one.
        stream(source, sent: snapshot.items)
    }

    func end(_ reason: DerivedEnd) {
        guard !hasEnded else { return }
        hasEnded = true
        passOn(objectInterest: false)
        source.unsubscribe(self)
        pipeline?.close()
        pipeline = nil
        target.loop.execute { [target, onEnd] in
            target.endPull(from: self)
            onEnd(reason)
        }
    }

    // MARK: The source

    func stream(_ stream: LiveStream, sent items: [StreamItem]) {
        for item in items where !hasEnded {
            switch item {
            case .tracks(let tracks): learn(tracks)
            case .cut: forward(item)
            case .unit(let unit):
                if unit.track == sound?.id, let pipeline { pipeline.send(unit) } else { forward(item) }
            }
        }
    }

    func stream(_ stream: LiveStream, noticed notice: StreamNotice) {
        switch notice {
        case .interrupted: target.loop.execute { [target] in target.interrupt() }
        case .resumed, .gap, .outOfReach, .parentChanged, .pathChanged, .rungsGivenUp: break
        case .epochChanged: end(.lost("the stream has another owner"))
        case .fenced(let epoch): end(.ended(.fenced(epoch)))
        case .ended(let reason): end(.ended(reason))
        }
    }

    private func learn(_ tracks: [Track]) {
        self.tracks = tracks
        guard let track = tracks.first(where: { $0.kind == .audio }) else { return end(.unknown) }
        guard track != sound else { return }
        sound = track
        if track.codec.name == wanted.rawValue {
            pipeline?.close()
            pipeline = nil
            codec = track.codec
        } else if let pipeline {
            pipeline.sourceChanged(to: track.codec)
        } else {
            pipeline = makePipeline(for: track)
        }
    }

    private func makePipeline(for track: Track) -> AudioPipeline {
        let format: AudioFormat =
            switch wanted {
            case .aac: .aac(channels: track.codec.channels)
            case .opus: .opus(channels: track.codec.channels)
            }
        let loop = source.loop
        return AudioPipeline(
            codecs: codecs,
            source: track.codec,
            track: track.id,
            format: format,
            limits: limits
        ) { [weak self] output in
            loop.execute { [weak self] in self?.take(output) }
        }
    }

    // MARK: To the target

    private func take(_ output: SoundOutput) {
        switch output {
        case .codec(let codec):
            self.codec = codec
            begin()
        case .unit(let unit): if let beginning, unit.decodeTime >= beginning { send([.unit(unit)]) }
        case .failed(let error):
            logger.error(
                "no sound of another codec",
                metadata: [LogKeys.stream: "\(source.id)", LogKeys.error: "\(error)"]
            )
            // What never worked is not tried again while its players wait.
            end(hasBegun ? .lost(error.description) : .unknown)
        }
    }

    /// A segment's beginning is where viewers start, and where tracks may change. Until the new sound's parameters are known
    /// the segment at hand waits.
    private func forward(_ item: StreamItem) {
        if case .cut(let mark) = item, mark.part == 0 {
            if hasBegun {
                send(changedTracks)
            } else {
                beginning = mark.mediaTime
                held = []
            }
        }
        if hasBegun { return send([item]) }
        guard beginning != nil, held.count < Self.heldMax else { return }
        held.append(item)
        begin()
    }

    private func begin() {
        guard codec != nil, beginning != nil, !hasBegun else { return }
        hasBegun = true
        send(changedTracks + held)
        held = []
    }

    /// What to tell before the next segment.
    private var changedTracks: [StreamItem] {
        guard let codec else { return [] }
        let derived = tracks.map { $0.id == sound?.id ? Track(id: $0.id, codec: codec) : $0 }
        guard derived != told else { return [] }
        told = derived
        return [.tracks(derived)]
    }

    private func send(_ items: [StreamItem]) {
        guard hasBegun, !hasEnded, !items.isEmpty else { return }
        target.loop.execute { [target] in target.receive(items) }
    }

    // MARK: StreamUpstream

    func wantObjects(_ isWanted: Bool) {
        source.loop.execute { if !self.hasEnded { self.passOn(objectInterest: isWanted) } }
    }

    func wantKeyframe() {
        source.loop.execute { [source] in source.wantKeyframe() }
    }

    private func passOn(objectInterest isWanted: Bool) {
        guard isWanted != wantsObjects else { return }
        wantsObjects = isWanted
        source.wantObjects(isWanted)
    }

    func fetch(object name: String, _ answer: @escaping @Sendable (ObjectAnswer) -> Void) { answer(.missing) }

    var hops: [String] { [] }
    var chosenTracks: [TrackID] { [] }
}
