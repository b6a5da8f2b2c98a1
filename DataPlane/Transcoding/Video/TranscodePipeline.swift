import DequeModule
package import MediaModel
import Metrics
import Synchronization
import Timebase

/// The renditions of one stream: decodes it once, hands the pictures to one thread for each rung, and each rung scales and
/// encodes them.
///
///     send ─► units ─► decoder ─┬─► pictures ─► scaler, encoder ─► output        (a thread for each arrow that waits)
///                               └─► pictures ─► scaler, encoder ─► output
///
/// A rung's keyframes are the source's, its times the source's times of showing. A rung begins at the next keyframe after its
/// start. Nobody waits for it: what cannot be taken is dropped, see `PictureShedder`. While no rung is there, nothing is
/// decoded.
package final class TranscodePipeline<Codecs: VideoCodecs>: Sendable {
    fileprivate enum Order: Sendable {
        case unit(AccessUnit)
        case source(CodecParameters)
        case start(Rendition, VideoEncodingOptions)
        case stop(String)
    }

    private struct Intake {
        var isSkippingToKeyframe = false
    }

    private let queue = WorkQueue<Order>()
    private let intake = Mutex(Intake())
    private let running = RunningRungs<Codecs>()
    private let limits: TranscodingLimits

    /// - Parameter output: Called on the rungs' threads, in order for each rung. It may not wait.
    package init(
        codecs: Codecs,
        source: CodecParameters,
        limits: TranscodingLimits = TranscodingLimits(),
        probes: EncoderProbes = EncoderProbes(),
        output: @escaping @Sendable (TranscodeOutput) -> Void
    ) {
        self.limits = limits
        queue.append(.source(source))
        queue.serve(threadName: "decoder") { [queue, running] in
            DecodeLoop(codecs: codecs, limits: limits, probes: probes, running: running, output: output).run(queue)
        }
    }

    deinit { close() }

    /// Starts a rendition, unless one of its name runs.
    package func start(_ rendition: Rendition, _ options: VideoEncodingOptions) {
        queue.append(.start(rendition, options))
    }

    /// What was decoded so far still comes out.
    package func stop(_ name: String) { queue.append(.stop(name)) }

    /// The next units need another decoder.
    package func sourceChanged(to codec: CodecParameters) { queue.append(.source(codec)) }

    /// The next unit of the source's video, in the order of decoding. Never waits.
    package func send(_ unit: AccessUnit) {
        intake.withLock { intake in
            queue.change { waiting in
                let hasRoom = waiting.count < limits.unitsMax
                if intake.isSkippingToKeyframe { intake.isSkippingToKeyframe = !(hasRoom && unit.isKeyframe) }
                if !hasRoom { intake.isSkippingToKeyframe = true }
                if intake.isSkippingToKeyframe {
                    TranscodingMeters.slowDecoder.increment()
                } else {
                    waiting.append(.unit(unit))
                }
            }
        }
    }

    /// Ends all renditions, each with `.stopped` after what was taken in has come out.
    package func close() { queue.close(discarding: false) }

    /// From any thread.
    package var figures: [RungFigures] { running.workers.map(\.currentFigures) }

    /// Units and pictures that wait now.
    package var queueDepth: Int { running.workers.reduce(queue.depth) { $0 + $1.depth } }
}

/// The rungs as the decoder's thread has them, for others to look at.
private final class RunningRungs<Codecs: VideoCodecs>: Sendable {
    private let list = Mutex<[RungWorker<Codecs>]>([])

    var workers: [RungWorker<Codecs>] {
        get { list.withLock { $0 } }
        set { list.withLock { $0 = newValue } }
    }
}

/// The decoder's thread.
private final class DecodeLoop<Codecs: VideoCodecs> {
    private struct Rung {
        let worker: RungWorker<Codecs>
        var shedder: PictureShedder
        var awaitsKeyframe = true
    }

    private let codecs: Codecs
    private let limits: TranscodingLimits
    private let probes: EncoderProbes
    private let running: RunningRungs<Codecs>
    private let output: @Sendable (TranscodeOutput) -> Void
    private var source: CodecParameters?
    private var decoder: (any VideoDecoding<Codecs.Picture>)?
    private var keyframes = KeyframeTimes()
    private var newest: MediaTime?
    private var rungs: [Rung] = [] {
        didSet { if rungs.count != oldValue.count { running.workers = rungs.map(\.worker) } }
    }

    init(
        codecs: Codecs,
        limits: TranscodingLimits,
        probes: EncoderProbes,
        running: RunningRungs<Codecs>,
        output: @escaping @Sendable (TranscodeOutput) -> Void
    ) {
        self.codecs = codecs
        self.limits = limits
        self.probes = probes
        self.running = running
        self.output = output
    }

    func run(_ queue: WorkQueue<TranscodePipeline<Codecs>.Order>) {
        while let order = queue.next() {
            switch order {
            case .unit(let unit): decode(unit)
            case .source(let codec):
                finishDecoder()
                source = codec
            case .start(let rendition, let options): start(rendition, options)
            case .stop(let name): remove(name) { $0.finish() }
            }
        }
        finishDecoder()
        for rung in rungs { rung.worker.finish() }
        rungs = []
    }

    // MARK: Rungs

    private func start(_ rendition: Rendition, _ options: VideoEncodingOptions) {
        guard !rungs.contains(where: { $0.worker.rendition.name == rendition.name }) else { return }
        let worker = RungWorker(rendition, codecs: codecs, options: options, probes: probes, output: output)
        rungs.append(Rung(worker: worker, shedder: PictureShedder(limits: limits)))
        worker.start()
    }

    private func remove(_ name: String, _ end: (RungWorker<Codecs>) -> Void) {
        guard let index = rungs.firstIndex(where: { $0.worker.rendition.name == name }) else { return }
        end(rungs.remove(at: index).worker)
        if rungs.isEmpty { finishDecoder() }
    }

    // MARK: Decoding

    private func decode(_ unit: AccessUnit) {
        guard !rungs.isEmpty else { return }
        do {
            guard let decoder = try decoder(for: unit) else { return }
            if unit.isKeyframe { keyframes.insert(unit.presentationTime) }
            for picture in try decoder.decode(unit) { share(picture) }
        } catch .decoderMissing(let codec) {
            fail(.decoderMissing(codec: codec))
        } catch {
            TranscodingMeters.undecodable.increment()
        }
    }

    /// Decoding begins at a keyframe.
    private func decoder(for unit: AccessUnit) throws(CodecPortError) -> (any VideoDecoding<Codecs.Picture>)? {
        if let decoder { return decoder }
        guard let source, unit.isKeyframe else { return nil }
        decoder = try codecs.decoder(for: source)
        return decoder
    }

    private func finishDecoder() {
        for picture in decoder?.finish() ?? [] { share(picture) }
        decoder = nil
        keyframes = KeyframeTimes()
    }

    private func fail(_ error: CodecPortError) {
        for rung in rungs { rung.worker.abandon(.failed(error)) }
        rungs = []
    }

    // MARK: Pictures

    private func share(_ picture: Codecs.Picture) {
        let time = picture.presentationTime
        // A decoder that learns late how far pictures are reordered gives some too late; no encoder takes those.
        if let newest, time <= newest { return TranscodingMeters.undecodable.increment() }
        newest = time
        let isKeyframe = keyframes.take(upTo: time)
        for index in rungs.indices { offer(picture, isKeyframe: isKeyframe, to: &rungs[index]) }
        if rungs.count > 1, rungs.contains(where: { $0.shedder.isOverwhelmed(at: time) }) { giveUpTopRung() }
    }

    private func offer(_ picture: Codecs.Picture, isKeyframe: Bool, to rung: inout Rung) {
        if rung.awaitsKeyframe, !isKeyframe { return }
        rung.awaitsKeyframe = false
        let (depth, room) = (rung.worker.depth, limits.room(forPicturesOf: picture.size))
        guard rung.shedder.admits(at: picture.presentationTime, depth: depth, of: room, isKeyframe: isKeyframe) else {
            return rung.worker.countDropped()
        }
        rung.worker.offer(picture, isKeyframe: isKeyframe, within: room)
    }

    private func giveUpTopRung() {
        guard let top = rungs.max(by: { $0.worker.rendition.cost < $1.worker.rendition.cost }) else { return }
        TranscodingMeters.givenUp.increment()
        remove(top.worker.rendition.name) { $0.abandon(.overloaded) }
        for index in rungs.indices { rungs[index].shedder.relieved() }
    }
}

extension Rendition {
    fileprivate var cost: (Int, Int) { (size.pixels, videoBitsPerSecond) }
}
