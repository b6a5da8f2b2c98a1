import Logging
import MPEGTS
import NIOCore
import Observability
import SRT
import SRTServer
import Streams
import Synchronization

/// Fetches a stream from a server outside of the cluster over SRT, and publishes it here.
///
/// `@unchecked Sendable`: `adapter` is touched on `intake.loop` only, `socket` by a lock.
final class SRTPull: @unchecked Sendable {
    private let intake: SourceIntake
    private let address: LinkAddress.SRT
    private let poller: SRTPoller
    private let logger: Logger
    private let onEnd: @Sendable (LinkEnd) -> Void
    private var adapter = TSToStream()
    private let socket = Mutex<SRTSocket?>(nil)
    private let isOver = Atomic<Bool>(false)

    init(
        _ intake: SourceIntake,
        _ address: LinkAddress.SRT,
        poller: SRTPoller,
        logger: Logger,
        onEnd: @escaping @Sendable (LinkEnd) -> Void
    ) {
        self.intake = intake
        self.address = address
        self.poller = poller
        self.logger = logger
        self.onEnd = onEnd
    }

    /// Calling waits: it has a thread of its own for that long.
    func start() {
        let caller = SRTSendThread(number: 0)
        caller.execute {
            do {
                let socket = try self.address.call().connect()
                self.socket.withLock { $0 = socket }
                self.poller.add(socket, wantsInput: true) { self.ready($0, socket) }
                if self.isOver.load(ordering: .acquiring) { self.release() }
            } catch { self.end(.failed("\(error)")) }
        }
        caller.close()
    }

    /// From any thread.
    func stop() { end(.finished) }

    private func end(_ end: LinkEnd) {
        guard !isOver.exchange(true, ordering: .acquiringAndReleasing) else { return }
        release()
        onEnd(end)
    }

    private func release() {
        guard let socket = socket.withLock({ $0.take() }) else { return }
        poller.remove(socket)
        socket.close()
    }

    // MARK: On the poller's thread

    private func ready(_ readiness: SRTPoller.Readiness, _ socket: SRTSocket) {
        guard readiness == .readable else { return end(.failed("the server closed the connection")) }
        var bytes = ByteBufferAllocator().buffer(capacity: 32 << 10)
        while socket.receive(into: &bytes) == .done, bytes.readableBytes < 256 << 10 {}
        guard bytes.readableBytes > 0 else { return }
        intake.loop.execute { [bytes] in self.take(bytes) }
    }

    // MARK: On the intake's loop

    private func take(_ bytes: ByteBuffer) {
        var batch: [IngestItem] = []
        do throws(TSError) {
            for refusal in try adapter.take(bytes, into: &batch) {
                logger.notice("track left out", metadata: [LogKeys.reason: "\(refusal)"])
            }
        } catch { end(.failed("\(error)")) }
        if !batch.isEmpty { intake.take(batch) }
    }
}
