import ClusterModel
import Logging
import MediaModel
import Metrics
import NIOCore
import NIOPosix
import Observability
import Recording
import Streams
import Synchronization

/// Records one stream: takes its items on its loop and hands fragments to the recorder's thread.
///
/// `@unchecked Sendable`: `fragmenter` is touched on the stream's loop only, the rest by a lock.
final class StreamRecorder: StreamSubscriber, @unchecked Sendable {
    private struct Shared {
        var queuedBytes = 0
        var status = RecordingStatus(state: .recording)
        var isOver = false
        /// Of the file that grows now.
        var growingBytes = 0
    }

    let stream: LiveStream
    private let service: RecordingService
    private let writer: RecordingWriter
    private var fragmenter: Fragmenter
    private let shared = Mutex(Shared())

    init(_ stream: LiveStream, service: RecordingService, writer: RecordingWriter) {
        self.stream = stream
        self.service = service
        self.writer = writer
        fragmenter = Fragmenter(limits: service.limits)
    }

    var status: RecordingStatus { shared.withLock { $0.status } }

    var growingBytes: Int { shared.withLock { $0.growingBytes } }

    /// No more is written: it was stopped, or the stream is not this node's any more.
    var isOver: Bool { shared.withLock { $0.isOver } }

    func start() {
        stream.loop.execute {
            if case .ended = self.stream.phase { return self.finish() }
            let snapshot = self.stream.subscribe(self)
            self.take([.tracks(snapshot.tracks)] + snapshot.items)
            if snapshot.items.isEmpty { self.take([.tracks(self.stream.tracks)]) }
        }
    }

    func stop() { stream.loop.execute { self.finish() } }

    // MARK: On the stream's loop

    func stream(_ stream: LiveStream, sent items: [StreamItem]) { take(items) }

    func stream(_ stream: LiveStream, noticed notice: StreamNotice) {
        switch notice {
        case .gap: write(fragmenter.gap())
        case .ended, .fenced: finish()
        case .epochChanged, .outOfReach, .parentChanged, .pathChanged, .rungsGivenUp, .interrupted, .resumed: break
        }
    }

    private func take(_ items: [StreamItem]) {
        for item in items { write(fragmenter.receive(item)) }
    }

    private func finish() {
        guard
            shared.withLock({ shared in
                defer { shared.isOver = true }
                return !shared.isOver
            })
        else { return }
        stream.unsubscribe(self)
        for output in fragmenter.finish() { send(output) }
        service.thread.submit { _ in
            self.closeWriter()
            self.service.ended(self)
        }
    }

    private func write(_ outputs: [Fragmenter.Output]) {
        for output in outputs where status.state == .recording { send(output) }
    }

    private func send(_ output: Fragmenter.Output) {
        let bytes = output.byteCount
        let waiting = shared.withLock { shared in
            shared.queuedBytes += bytes
            return shared.queuedBytes
        }
        guard waiting <= service.limits.queueBytesMax else { return fail(.diskTooSlow(bytes: waiting)) }
        service.thread.submit { _ in self.perform(output) }
    }

    // MARK: On the recorder's thread

    private func perform(_ output: Fragmenter.Output) {
        let result = writer.perform(output, at: service.wall())
        shared.withLock { shared in
            shared.queuedBytes -= output.byteCount
            shared.growingBytes = writer.current?.bytes ?? 0
            if let current = writer.current { (shared.status.name, shared.status.bytes) = current }
        }
        RecordingService.bytes.increment(by: output.byteCount)
        switch result {
        case .success(let finished?): service.finished(finished)
        case .success(nil): break
        case .failure(let fault): fail(fault)
        }
    }

    /// The recording ends; the stream does not notice.
    private func fail(_ fault: RecorderFault) {
        let isFirst = shared.withLock { shared in
            defer { (shared.status.state, shared.status.error) = (.failed, fault.description) }
            return shared.status.state == .recording
        }
        guard isFirst else { return }
        service.failed(stream.id, fault)
        service.thread.submit { _ in self.closeWriter() }
    }

    private func closeWriter() {
        let finished = writer.close()
        shared.withLock { $0.growingBytes = 0 }
        if let finished { service.finished(finished) }
    }
}

extension Fragmenter.Output {
    fileprivate var byteCount: Int { if case .fragment(let fragment) = self { fragment.byteCount } else { 0 } }
}
