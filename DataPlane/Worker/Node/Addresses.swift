import ClusterModel
import ICE
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

    /// Where WebRTC clients are told to look: the name by which clients know this node, then what the port is bound to.
    /// A name is resolved once; with a NAT in front it is the outer address, and ports map one to one.
    static func candidates(named host: String, bound: String) async -> [IPAddress] {
        var found: [IPAddress] = []
        if let literal = IPAddress(host) {
            found.append(literal)
        } else {
            let resolved = try? await NIOSingletons.posixBlockingThreadPool.runIfActive {
                try? SocketAddress.makeAddressResolvingHost(host, port: 0).ipAddress
            }
            if let text = resolved, let address = IPAddress(text) { found.append(address) }
        }
        let interfaces = ((try? System.enumerateDevices()) ?? []).compactMap { $0.address?.ipAddress }
        let wildcards: Set<String> = ["0.0.0.0", "::"]
        let others = wildcards.contains(bound) ? interfaces.filter { !$0.contains(":") || bound == "::" } : [bound]
        for text in others {
            guard let address = IPAddress(text), !found.contains(address), found.count < candidatesMax,
                text == bound || !address.isLinkLocal
            else { continue }
            found.append(address)
        }
        return found
    }

    /// Each is checked by every client twice, for UDP and TCP.
    private static let candidatesMax = 6

    private static func isPrivate(_ address: String) -> Bool {
        let parts = address.split(separator: ".").compactMap { UInt8($0) }
        guard parts.count == 4 else { return false }
        return parts[0] == 10 || (parts[0] == 192 && parts[1] == 168)
            || (parts[0] == 172 && (16...31).contains(parts[1]))
    }
}
