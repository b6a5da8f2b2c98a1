import ClusterModel
import MediaModel
import NIOCore
import RTMP
import RTMPServer
import Streams

/// Fetches a stream from a server outside of the cluster over RTMP, and publishes it here.
///
/// `@unchecked Sendable`: touched on `intake.loop` only.
final class RTMPPull: RTMPLink.User, @unchecked Sendable {
    private let intake: SourceIntake
    private let onEnd: @Sendable (LinkEnd) -> Void
    private var link: RTMPLink?
    private var adapter = RTMPToStream()
    private var batch: [IngestItem] = []
    private var isStopped = false

    init(_ intake: SourceIntake, onEnd: @escaping @Sendable (LinkEnd) -> Void) {
        self.intake = intake
        self.onEnd = onEnd
    }

    /// From any thread.
    func stop() {
        intake.loop.execute {
            self.isStopped = true
            self.link?.finish()
        }
    }

    func linkStarted(_ link: RTMPLink) {
        self.link = link
        if isStopped { link.finish() }
    }

    func link(_ link: RTMPLink, received message: MediaMessage) {
        do throws(RTMPToStream.Fault) {
            try adapter.take(message, into: &batch)
        } catch {
            intake.failed("\(error)")
            link.finish()
        }
    }

    func linkRead(_ link: RTMPLink) {
        guard !batch.isEmpty else { return }
        intake.take(batch)
        batch.removeAll(keepingCapacity: true)
    }

    func linkCanWrite(_ link: RTMPLink) {}

    func link(_ link: RTMPLink, ended end: LinkEnd) {
        self.link = nil
        onEnd(intake.takeFault().map { .failed($0) } ?? end)
    }
}
