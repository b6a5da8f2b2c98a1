import CSRT
import Glibc
import NIOCore
package import Observability
import Timebase

/// A UDP port that takes SRT callers.
///
/// libsrt asks `screen` in the one thread that receives for all sockets of the port: it may look into memory, and nothing more.
package final class SRTListener: Sendable {
    package struct Configuration: Sendable {
        package var host: String
        package var port: Int
        /// How long packets may be repaired; a caller that wants more gets more.
        package var latency: Duration
        /// 10 to 79 bytes; a caller without it, or with another one, is refused.
        package var passphrase: Redacted<String>?
        /// Callers whose handshake is done and who were not accepted yet.
        package var backlog = 256
        /// What one player that does not keep up may leave waiting: 4 s of 16 Mbit/s.
        package var sendBufferBytes = 8 << 20
        /// What one publisher may have on the way or waiting: as above.
        package var receiveBufferBytes = 8 << 20
        /// Of the UDP socket that all callers share.
        package var udpBufferBytes = 4 << 20

        package init(host: String, port: Int, latency: Duration, passphrase: Redacted<String>?) {
            self.host = host
            self.port = port
            self.latency = latency
            self.passphrase = passphrase
        }
    }

    /// Silence after which libsrt gives a peer up (SRTO_PEERIDLETIMEO).
    package static let peerIdleTimeout = Duration.seconds(5)

    package typealias Screen = @Sendable (_ streamID: String) -> SRTRejection?

    package let port: Int
    let socket: SRTSocket
    private let screen: ScreenBox

    package init(_ configuration: Configuration, screen: @escaping Screen) throws {
        let (descriptor, port) = try Self.bind(configuration)
        self.port = port
        let number = srt_create_socket()
        guard number != SRT_INVALID_SOCK else {
            Glibc.close(descriptor)
            throw SRTError("srt_create_socket")
        }
        socket = SRTSocket(number)
        self.screen = ScreenBox(screen)
        do {
            try Self.configure(socket, configuration)
            guard srt_bind_acquire(number, descriptor) >= 0 else { throw SRTError("srt_bind_acquire") }
            let context = Unmanaged.passUnretained(self.screen).toOpaque()
            guard srt_listen_callback(number, Self.callback, context) >= 0 else {
                throw SRTError("srt_listen_callback")
            }
            guard srt_listen(number, CInt(configuration.backlog)) >= 0 else { throw SRTError("srt_listen") }
        } catch {
            srt_close(number)
            throw error
        }
    }

    deinit { socket.close() }

    /// A caller whose handshake is done; nil when none waits.
    package func accept() -> SRTSocket? {
        let number = srt_accept(socket.number, nil, nil)
        guard number != SRT_INVALID_SOCK else { return nil }
        let accepted = SRTSocket(number)
        accepted.setNonBlocking()
        return accepted
    }

    package func close() { socket.close() }

    // MARK: The callback

    private final class ScreenBox: Sendable {
        let screen: Screen

        init(_ screen: @escaping Screen) { self.screen = screen }
    }

    private static let callback:
        @convention(c) (
            UnsafeMutableRawPointer?, SRTSOCKET, CInt, UnsafePointer<sockaddr>?, UnsafePointer<CChar>?
        ) -> CInt = { context, socket, _, _, streamID in
            guard let context, let streamID else { return 0 }
            let box = Unmanaged<ScreenBox>.fromOpaque(context).takeUnretainedValue()
            guard let rejection = box.screen(String(cString: streamID)) else { return 0 }
            srt_setrejectreason(socket, rejection.rawValue)
            return -1
        }

    // MARK: Set-up

    /// A socket of our own, without address reuse: a port that another program has is an error and not shared.
    private static func bind(_ configuration: Configuration) throws -> (CInt, Int) {
        let address = try SocketAddress(ipAddress: configuration.host, port: configuration.port)
        let family = address.protocol == .inet6 ? AF_INET6 : AF_INET
        let descriptor = Glibc.socket(family, CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw IOError(errnoCode: errno, reason: "socket") }
        let result = address.withSockAddr { Glibc.bind(descriptor, $0, socklen_t($1)) }
        guard result == 0 else {
            let code = errno
            Glibc.close(descriptor)
            throw IOError(errnoCode: code, reason: "bind")
        }
        return (descriptor, boundPort(descriptor) ?? configuration.port)
    }

    private static func boundPort(_ descriptor: CInt) -> Int? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutablePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        return result == 0 ? storage.socketAddress?.port : nil
    }

    /// Callers get these from the listener.
    private static func configure(_ socket: SRTSocket, _ configuration: Configuration) throws {
        socket.setNonBlocking()
        socket.set(SRTO_LATENCY, CInt(clamping: configuration.latency.milliseconds))
        socket.set(SRTO_PEERIDLETIMEO, CInt(clamping: peerIdleTimeout.milliseconds))
        socket.set(SRTO_SNDBUF, CInt(clamping: configuration.sendBufferBytes))
        socket.set(SRTO_RCVBUF, CInt(clamping: configuration.receiveBufferBytes))
        socket.set(SRTO_UDP_RCVBUF, CInt(clamping: configuration.udpBufferBytes))
        socket.set(SRTO_UDP_SNDBUF, CInt(clamping: configuration.udpBufferBytes))
        guard let passphrase = configuration.passphrase?.revealed else { return }
        let length = CInt(passphrase.utf8.count)
        guard srt_setsockflag(socket.number, SRTO_PASSPHRASE, passphrase, length) >= 0 else {
            throw SRTError("SRTO_PASSPHRASE")
        }
    }
}
