import CLinux
import Glibc
import ICE
import NIOCore
import WebRTC

/// What leaves a socket of all this host's addresses has the one that the kernel takes for the way. A client that asked
/// another one heeds no answer from there (RFC 8445 §7.2.5.2.1), so then the kernel is told.
enum SourceAddresses {
    /// Whether the kernel takes this one by itself for what is sent to `remote`.
    static func isUsual(_ source: IPAddress, to remote: SocketAddress) -> Bool {
        let family = remote.protocol == .inet6 ? AF_INET6 : AF_INET
        let descriptor = socket(family, CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return true }
        defer { close(descriptor) }
        guard remote.withSockAddr({ connect(descriptor, $0, socklen_t($1)) }) == 0 else { return true }
        return name(of: descriptor).map { $0 == source } ?? true
    }

    private static func name(of descriptor: CInt) -> IPAddress? {
        var name = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let family = withUnsafeMutableBytes(of: &name) { bytes -> sa_family_t? in
            let outcome = bytes.withMemoryRebound(to: sockaddr.self) {
                getsockname(descriptor, $0.baseAddress, &length)
            }
            return outcome == 0 ? bytes.load(as: sa_family_t.self) : nil
        }
        return withUnsafeBytes(of: &name) { bytes in
            switch family {
            case sa_family_t(AF_INET): IPAddress(SocketAddress(bytes.load(as: sockaddr_in.self)))
            case sa_family_t(AF_INET6): IPAddress(SocketAddress(bytes.load(as: sockaddr_in6.self)))
            default: nil
            }
        }
    }

    /// Past the channel, which cannot say a source. What the kernel has no room for is lost, as on any path.
    static func send(_ run: DatagramRun, from source: IPAddress, to remote: SocketAddress, on channel: any Channel) {
        let bytes = source.bytes(ofIPv6: remote.protocol == .inet6)
        let segment = run.hasMany ? UInt16(clamping: run.datagramBytes) : 0
        let sent = try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) {
            descriptor in
            run.bytes.withUnsafeReadableBytes { data in
                remote.withSockAddr {
                    clinux_send_from(descriptor, bytes, $0, socklen_t($1), data.baseAddress, data.count, segment)
                }
            }
        }
        if (sent ?? -1) < 0 { WebRTCMeters.refused("socket_error") }
    }
}
