import Glibc
import NIOCore
import Timebase

/// A system call that failed.
package struct SocketError: Error, Equatable, CustomStringConvertible {
    let call: String
    let code: CInt

    init(_ call: String, _ code: CInt) {
        self.call = call
        self.code = code
    }

    package var description: String { "\(call): \(String(cString: strerror(code)))" }
}

/// One connection that never blocks, with the bytes it still owes: of TCP, or of UDP with one peer.
///
/// The generator shares the machine with the server it measures, so it asks of the kernel what it needs and no more; a
/// channel for each of thousands of viewers would cost more than the server.
final class Connection {
    enum Received {
        case bytes(Int)
        case nothing
        case closed
    }

    /// A server that leaves this much unread does not keep up with its publisher.
    static let owedBytesMax = 16 << 20

    let descriptor: CInt
    /// They are read by a `DatagramInbox`, many at once.
    let carriesDatagrams: Bool
    private var owed = ByteBuffer()

    var owesBytes: Bool { owed.readableBytes > 0 }

    /// Begins to connect; writable when done.
    init(to address: SocketAddress) throws(SocketError) {
        carriesDatagrams = false
        let family: CInt = address.protocol == .inet6 ? AF_INET6 : AF_INET
        descriptor = socket(family, CInt(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw SocketError("socket", errno) }
        var on: CInt = 1
        setsockopt(descriptor, CInt(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<CInt>.size))
        let outcome = address.withSockAddr { connect(descriptor, $0, socklen_t($1)) }
        guard outcome == 0 || errno == EINPROGRESS else {
            let code = errno
            close(descriptor)
            throw SocketError("connect", code)
        }
    }

    /// Datagrams to and from one address; a second of them may wait for a generator that is busy with others.
    init(datagramsTo address: SocketAddress) throws(SocketError) {
        carriesDatagrams = true
        let family: CInt = address.protocol == .inet6 ? AF_INET6 : AF_INET
        descriptor = socket(family, CInt(SOCK_DGRAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw SocketError("socket", errno) }
        var bytes: CInt = 1 << 20
        setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, socklen_t(MemoryLayout<CInt>.size))
        // The kernel tells with each when it came.
        var on: CInt = 1
        setsockopt(descriptor, SOL_SOCKET, SO_TIMESTAMPNS, &on, socklen_t(MemoryLayout<CInt>.size))
        let outcome = address.withSockAddr { connect(descriptor, $0, socklen_t($1)) }
        guard outcome == 0 else {
            let code = errno
            close(descriptor)
            throw SocketError("connect", code)
        }
    }

    deinit { close(descriptor) }

    /// One that the kernel has no room for is lost, as on any path.
    func send(datagram: ByteBuffer) throws(SocketError) {
        let count = datagram.withUnsafeReadableBytes {
            Glibc.send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
        }
        guard count >= 0 || errno == EAGAIN || errno == ENOBUFS else { throw SocketError("send", errno) }
    }

    /// Takes the bytes into what is owed; `flush` sends them.
    func enqueue(_ bytes: ByteBuffer) throws(SocketError) {
        if owed.readableBytes == 0 { owed.clear() }
        owed.writeImmutableBuffer(bytes)
        guard owed.readableBytes <= Self.owedBytesMax else { throw SocketError("the server does not read", ENOBUFS) }
    }

    func flush() throws(SocketError) {
        while owed.readableBytes > 0 {
            let count = owed.withUnsafeReadableBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
            }
            if count < 0 {
                // ENOTCONN: still connecting.
                if errno == EAGAIN || errno == ENOTCONN { return }
                if errno == EINTR { continue }
                throw SocketError("send", errno)
            }
            owed.moveReaderIndex(forwardBy: count)
        }
    }

    func receive(into buffer: inout [UInt8]) throws(SocketError) -> Received {
        let count = buffer.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, 0) }
        if count > 0 { return .bytes(count) }
        if count == 0 { return .closed }
        guard errno == EAGAIN || errno == EINTR else { throw SocketError("receive", errno) }
        return .nothing
    }
}
