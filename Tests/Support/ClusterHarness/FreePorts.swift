import Glibc

/// Ports of the loopback interface that nobody listens on now, by TCP or UDP, all different.
package func freePorts(_ count: Int) throws -> [Int] {
    var sockets: [Int32] = []
    defer { for socket in sockets { close(socket) } }
    var ports: [Int] = []
    // The kernel gives a port that is free for TCP; for UDP it may be somebody's.
    for _ in 0..<(count + 100) where ports.count < count {
        let (descriptor, port) = try bound(SOCK_STREAM, to: 0)
        sockets.append(descriptor)
        guard let (datagrams, _) = try? bound(SOCK_DGRAM, to: port) else { continue }
        sockets.append(datagrams)
        ports.append(port)
    }
    guard ports.count == count else { throw NeverHappened(description: "no free ports") }
    return ports
}

private func bound(_ type: __socket_type, to port: Int) throws -> (descriptor: Int32, port: Int) {
    let descriptor = socket(AF_INET, Int32(type.rawValue), 0)
    guard descriptor >= 0 else { throw NeverHappened(description: "no socket: errno \(errno)") }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    address.sin_port = UInt16(port).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
            bind(descriptor, address, length) == 0 && getsockname(descriptor, address, &length) == 0
        }
    }
    guard isBound else {
        let code = errno
        close(descriptor)
        throw NeverHappened(description: "no free port: errno \(code)")
    }
    return (descriptor, Int(UInt16(bigEndian: address.sin_port)))
}
