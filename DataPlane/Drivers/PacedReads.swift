import Glibc
package import NIOCore

/// Reads the plain-TCP senders of media on one event loop in turns, once they are many.
///
/// A publisher sends some seventy messages a second, each in a packet of its own. Woken for each of them, a loop with many
/// publishers spends more on waking up, and on buffers to read into, than on media. So from `Limits.pacedFrom` senders on
/// the loop waits for none of them: it reads all of them each `Limits.interval`, past the channel, into one buffer. Below
/// that number every message is read when it comes.
///
/// Used on its own loop only.
package final class PacedReads {
    package struct Limits: Sendable {
        /// Senders on one loop from which on they are read in turns. Fewer do not load a loop.
        package var pacedFrom = 16
        /// Below this many they are waited for again: well apart, so that one that comes and goes changes nothing.
        package var waitedForBelow = 8
        /// What pacing adds to the delay of a frame at most; half of it in the mean.
        package var interval = TimeAmount.milliseconds(10)
        /// The buffer. One sender at 200 Mbit/s fills it in an interval.
        package var readBytesMax = 256 << 10
        /// Reads for one sender in its turn, while each fills the buffer.
        package var readsPerTurnMax = 4

        package init() {}
    }

    /// One sender's place in the turns.
    package final class Sender {
        fileprivate let channel: any Channel
        fileprivate let socket: DirectSocket
        fileprivate let received: (ByteBuffer) -> Void

        fileprivate init(channel: any Channel, socket: DirectSocket, received: @escaping (ByteBuffer) -> Void) {
            self.channel = channel
            self.socket = socket
            self.received = received
        }

        fileprivate func waitForInput(_ isOn: Bool) {
            try? channel.syncOptions?.setOption(.autoRead, value: isOn)
        }
    }

    private let loop: any EventLoop
    private let limits: Limits
    private var senders: [Sender] = []
    private var nextTurns: Scheduled<Void>?
    private var buffer = ByteBuffer()

    package init(on loop: any EventLoop, limits: Limits = Limits()) {
        self.loop = loop
        self.limits = limits
    }

    package var isPacing: Bool { nextTurns != nil }

    /// From now on `received` gets the channel's bytes, beside its pipeline: while reads are not paced they still come that
    /// way. Nil when the channel has no socket (an embedded channel in tests). Not for channels with TLS.
    package func add(_ channel: any Channel, _ received: @escaping (ByteBuffer) -> Void) -> Sender? {
        loop.preconditionInEventLoop()
        guard let socket = DirectSocket(of: channel) else { return nil }
        let sender = Sender(channel: channel, socket: socket, received: received)
        senders.append(sender)
        if isPacing {
            sender.waitForInput(false)
        } else if senders.count >= limits.pacedFrom {
            begin()
        }
        return sender
    }

    package func remove(_ sender: Sender) {
        loop.preconditionInEventLoop()
        senders.removeAll { $0 === sender }
        guard isPacing else { return }
        sender.waitForInput(true)
        if senders.count < limits.waitedForBelow { end() }
    }

    private func begin() {
        for sender in senders { sender.waitForInput(false) }
        scheduleTurns()
    }

    private func scheduleTurns() {
        nextTurns = loop.assumeIsolated().scheduleTask(in: limits.interval) {
            self.scheduleTurns()
            self.takeTurns()
        }
    }

    private func end() {
        nextTurns?.cancel()
        nextTurns = nil
        buffer = ByteBuffer()
        for sender in senders { sender.waitForInput(true) }
    }

    private func takeTurns() {
        for sender in senders {
            for _ in 0..<limits.readsPerTurnMax {
                // Keeps its storage unless somebody holds a slice of it.
                buffer.clear(minimumCapacity: limits.readBytesMax)
                switch sender.socket.read(into: &buffer) {
                case .read: sender.received(buffer)
                case .empty: break
                case .ended: sender.channel.close(promise: nil)
                }
                if buffer.readableBytes < limits.readBytesMax { break }
            }
        }
    }
}

/// The paced reads of each loop of a group.
package struct PacedReadsByLoop: Sendable {
    private let byLoop: [ObjectIdentifier: NIOLoopBoundBox<PacedReads>]

    package init(on group: any EventLoopGroup, limits: PacedReads.Limits = PacedReads.Limits()) {
        var byLoop: [ObjectIdentifier: NIOLoopBoundBox<PacedReads>] = [:]
        for loop in group.makeIterator() {
            byLoop[ObjectIdentifier(loop)] = .makeBoxSendingValue(
                PacedReads(on: loop, limits: limits),
                eventLoop: loop
            )
        }
        self.byLoop = byLoop
    }

    /// Called on `loop`.
    package subscript(_ loop: any EventLoop) -> PacedReads? { byLoop[ObjectIdentifier(loop)]?.value }
}
