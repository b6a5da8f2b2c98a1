import Foundation
import Synchronization

/// A NAT in front of a worker's WebRTC port: datagrams of one client go on from a port of its own, which changes when the
/// mapping is lost. What comes back to a lost port comes to nobody.
///
/// `@unchecked Sendable`: its one thread carries; descriptors keep their numbers, and a lock guards the rest.
package final class AddressTranslator: @unchecked Sendable {
    private struct Progress {
        var datagramsDown = 0
        var isOver = false
    }

    private static let datagramBytesMax = 2048
    /// Between two looks at whether the mapping has changed, or all is over.
    private static let pollMilliseconds: Int32 = 10

    /// Where the client sends to.
    package let port: Int
    private let inner: Int32
    private let outer: Int32
    private let target: sockaddr_in
    private let progress = Mutex(Progress())
    private var client: sockaddr_in?

    package init(to target: Int) throws {
        self.target = Self.loopback(target)
        inner = try Self.socket(on: Self.loopback(0))
        outer = try Self.socket(on: Self.loopback(0))
        var own = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let inner = inner
        let named = withUnsafeMutablePointer(to: &own) { own in
            own.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(inner, $0, &length) }
        }
        guard named == 0 else { throw NeverHappened(description: "getsockname: \(errno)") }
        port = Int(UInt16(bigEndian: own.sin_port))
        Thread.detachNewThread { self.carry() }
    }

    /// Its thread ends, and closes the sockets.
    package func end() { progress.withLock { $0.isOver = true } }

    /// Forgets the mapping: from now on the client comes from another port.
    package func rebind() throws {
        let fresh = try Self.socket(on: Self.loopback(0))
        dup2(fresh, outer)
        close(fresh)
        progress.withLock { $0.datagramsDown = 0 }
    }

    /// Carried to the client by the mapping there is now.
    package var datagramsDown: Int { progress.withLock { $0.datagramsDown } }

    private func carry() {
        while !progress.withLock({ $0.isOver }) {
            var ready = [inner, outer].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            guard poll(&ready, 2, Self.pollMilliseconds) > 0 else { continue }
            if let (datagram, from) = Self.receive(on: inner) {
                client = from
                Self.send(datagram, to: target, on: outer)
            }
            if let (datagram, _) = Self.receive(on: outer), let client {
                Self.send(datagram, to: client, on: inner)
                progress.withLock { $0.datagramsDown += 1 }
            }
        }
        close(inner)
        close(outer)
    }

    private static func loopback(_ port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }

    private static func socket(on address: sockaddr_in) throws -> Int32 {
        let made = Foundation.socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        var bytes: Int32 = 1 << 20
        setsockopt(made, SOL_SOCKET, SO_RCVBUF, &bytes, socklen_t(MemoryLayout<Int32>.size))
        let bound = withSockAddr(address) { bind(made, $0, $1) }
        guard made >= 0, bound == 0 else { throw NeverHappened(description: "a datagram socket: \(errno)") }
        return made
    }

    private static func receive(on socket: Int32) -> (datagram: [UInt8], from: sockaddr_in)? {
        var bytes = [UInt8](repeating: 0, count: datagramBytesMax)
        var from = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let count = withUnsafeMutablePointer(to: &from) { from in
            from.withMemoryRebound(to: sockaddr.self, capacity: 1) { from in
                recvfrom(socket, &bytes, bytes.count, 0, from, &length)
            }
        }
        return count > 0 ? (Array(bytes[..<count]), from) : nil
    }

    private static func send(_ datagram: [UInt8], to address: sockaddr_in, on socket: Int32) {
        _ = withSockAddr(address) { sendto(socket, datagram, datagram.count, 0, $0, $1) }
    }

    private static func withSockAddr<Result>(
        _ address: sockaddr_in,
        _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        withUnsafePointer(to: address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}
