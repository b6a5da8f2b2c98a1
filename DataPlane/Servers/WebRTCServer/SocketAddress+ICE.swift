import ICE
import NIOCore

extension TransportAddress {
    /// Nil for addresses that are not of the Internet.
    init?(_ address: SocketAddress?) {
        guard let address, let port = address.port, let number = UInt16(exactly: port),
            let text = address.ipAddress, let ip = IPAddress(text.prefix { $0 != "%" })
        else { return nil }
        self.init(ip.unmapped, number)
    }
}
