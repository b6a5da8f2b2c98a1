import ClusterModel
import NIOCore
import NIOPosix

/// Where this node says it can be reached.
enum Addresses {
    /// The first private IPv4 address of an interface (RFC 1918), else loopback.
    static func advertised() -> String {
        let devices = (try? System.enumerateDevices()) ?? []
        let hosts = devices.compactMap { $0.address?.ipAddress }
        return hosts.first(where: isPrivate) ?? "127.0.0.1"
    }

    private static func isPrivate(_ address: String) -> Bool {
        let parts = address.split(separator: ".").compactMap { UInt8($0) }
        guard parts.count == 4 else { return false }
        return parts[0] == 10 || (parts[0] == 192 && parts[1] == 168)
            || (parts[0] == 172 && (16...31).contains(parts[1]))
    }
}
