import DequeModule
import MediaModel
import Metrics
import Synchronization
import Timebase

/// One rung's thread: scales and encodes the pictures it is offered.
final class RungWorker<Codecs: VideoCodecs>: Sendable {
    private struct Job: Sendable {
        var picture: Codecs.Picture
        var isKeyframe: Bool
    }

    private struct Figures {
        var dropped = 0
        var speed: SpeedMeter = SpeedMeter()
    }

    let rendition: Rendition
    private let codecs: Codecs
    private let options: VideoEncodingOptions
    private let probes: EncoderProbes
    private let output: @Sendable (TranscodeOutput) -> Void
    private let queue = WorkQueue<Job>()
    private let figures = Mutex(Figures())
    private let end = Mutex(RenditionEnd.stopped)

    init(
        _ rendition: Rendition,
        codecs: Codecs,
        options: VideoEncodingOptions,
        probes: EncoderProbes,
        output: @escaping @Sendable (TranscodeOutput) -> Void
    ) {
        self.rendition = rendition
        self.codecs = codecs
        self.options = options
        self.probes = probes
        self.output = output
    }

    var depth: Int { queue.depth }

    var currentFigures: RungFigures {
        figures.withLock {
            RungFigures(
                rendition: rendition.name,
                queueDepth: queue.depth,
                speed: $0.speed.value,
                picturesDropped: $0.dropped
            )
        }
    }

    func start() { queue.serve(threadName: rendition.name) { self.run() } }

    /// What waits is still encoded.
    func finish() { queue.close(discarding: false) }

    /// What waits is dropped.
    func abandon(_ reason: RenditionEnd) {
        end.withLock { $0 = reason }
        queue.close(discarding: true)
    }

    func offer(_ picture: Codecs.Picture, isKeyframe: Bool, within room: PictureRoom) {
        queue.change { waiting in
            if waiting.count >= room.max, !makeRoom(in: &waiting, forKeyframe: isKeyframe) { return }
            waiting.append(Job(picture: picture, isKeyframe: isKeyframe))
        }
    }

    func countDropped() {
        figures.withLock { $0.dropped += 1 }
        TranscodingMeters.slowEncoder.increment()
    }

    /// A keyframe takes the place of the newest picture that is none; what depends on that one comes after the keyframe.
    private func makeRoom(in waiting: inout Deque<Job>, forKeyframe isKeyframe: Bool) -> Bool {
        countDropped()
        guard isKeyframe, let place = waiting.lastIndex(where: { !$0.isKeyframe }) else { return false }
        waiting.remove(at: place)
        return true
    }

    // MARK: The thread

    private func run() {
        do {
            let encoding = RungEncoding(
                rendition,
                codecs: codecs,
                options: options,
                probes: probes,
                output: output
            )
            while let job = queue.next() {
                let start = ContinuousClock.now
                try encoding.encode(job.picture, isKeyframe: job.isKeyframe)
                let spent = ContinuousClock.now - start
                figures.withLock { $0.speed.count(upTo: job.picture.presentationTime, spent: spent) }
            }
            let end = end.withLock { $0 }
            if case .failed = end { TranscodingMeters.failed.increment() }
            if end == .stopped { try encoding.finish() }
            output(.ended(end, of: rendition.name))
        } catch {
            queue.close(discarding: true)
            TranscodingMeters.failed.increment()
            output(.ended(.failed(error), of: rendition.name))
        }
    }
}
