package import Glibc
package import NIOCore

/// Writes straight to the socket below a channel, past the channel's own queue, or reads from it.
///
/// A fan-out to thousands of viewers is one `writev` each: this costs what C costs, where a channel's write costs a third
/// more. Two rules keep it safe: it is used on the channel's event loop only, and nothing else writes through the channel
/// while bytes of a message are owed.
package struct DirectSocket {
    package enum Outcome: Equatable {
        case wrote(Int)
        /// The kernel's send buffer is full.
        case full
        case failed(errno: CInt)
    }

    package enum ReadOutcome: Equatable {
        case read
        /// Nothing has come.
        case empty
        /// The peer has closed, or the connection broke.
        case ended
    }

    /// `IOV_MAX` on Linux.
    package static let vectorsMax = 1024

    private let channel: any Channel
    private let descriptor: NIOBSDSocket.Handle

    /// Nil when the channel has no socket (an embedded channel in tests). Not for channels with TLS.
    package init?(of channel: any Channel) {
        let handle = try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(
            of: NIOBSDSocket.Handle.self
        ) { $0 }
        guard let handle else { return nil }
        self.channel = channel
        descriptor = handle
    }

    /// Bytes the kernel has taken that the peer has not acknowledged; nil when the channel is closed.
    package var unacknowledgedBytes: Int? {
        guard channel.isActive else { return nil }
        var count: CInt = 0
        return ioctl(descriptor, UInt(TIOCOUTQ), &count) == 0 ? Int(count) : nil
    }

    package func write(_ vectors: UnsafeBufferPointer<iovec>) -> Outcome {
        // The channel closes its descriptor before it tells anybody, and the number may be another connection's by now.
        guard channel.isActive else { return .failed(errno: EPIPE) }
        while true {
            let count = writev(descriptor, vectors.baseAddress, CInt(min(vectors.count, Self.vectorsMax)))
            if count >= 0 { return .wrote(count) }
            switch errno {
            case EINTR: continue
            case EAGAIN: return .full
            case let code: return .failed(errno: code)
            }
        }
    }

    /// Adds what has come to `buffer`, as far as its capacity goes.
    package func read(into buffer: inout ByteBuffer) -> ReadOutcome {
        guard channel.isActive else { return .ended }
        var code: CInt = 0
        let count = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: 1) { space in
            while true {
                let count = recv(descriptor, space.baseAddress, space.count, 0)
                if count >= 0 { return count }
                code = errno
                if code != EINTR { return 0 }
            }
        }
        if count > 0 { return .read }
        return code == EAGAIN ? .empty : .ended
    }
}
