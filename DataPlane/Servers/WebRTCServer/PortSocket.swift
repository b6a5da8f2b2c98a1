import Drivers
import NIOCore
import Timebase

/// One loop's UDP socket of the WebRTC port. NIO closes a socket when the kernel refuses a datagram, as it does while there is
/// no route to a player: then it is bound anew, and its sessions go on.
///
/// `@unchecked Sendable`: touched on `eventLoop` only.
final class PortSocket: @unchecked Sendable {
    private static let pauseBetweenTries = TimeAmount.milliseconds(100)

    let eventLoop: any EventLoop
    private let bind: @Sendable () -> EventLoopFuture<any Channel>
    /// Nil while it is being bound.
    private(set) var channel: (any Channel)?
    private var isClosed = false

    init(on eventLoop: any EventLoop, bind: @escaping @Sendable () -> EventLoopFuture<any Channel>) {
        self.eventLoop = eventLoop
        self.bind = bind
    }

    /// On any thread.
    func open() -> EventLoopFuture<Void> {
        bind().hop(to: eventLoop).map { channel in
            guard !self.isClosed else { return channel.close(promise: nil) }
            self.channel = channel
            channel.closeFuture.hop(to: self.eventLoop).whenComplete { _ in self.lost() }
        }
    }

    private func lost() {
        channel = nil
        guard !isClosed else { return }
        WebRTCMeters.refused("socket_closed")
        tryAgain()
    }

    private func tryAgain() {
        eventLoop.assumeIsolated().scheduleTask(in: Self.pauseBetweenTries) {
            guard !self.isClosed else { return }
            self.open().whenFailure { _ in self.tryAgain() }
        }
    }

    /// On any thread.
    func close() {
        eventLoop.execute {
            self.isClosed = true
            self.channel?.close(promise: nil)
        }
    }

    /// What is written while there is no socket is lost, as on any path.
    func write(_ envelope: AddressedEnvelope<ByteBuffer>) { channel?.write(envelope, promise: nil) }
    func flush() { channel?.flush() }
}
