import ICE
import NIOCore

extension TransportAddress {
    /// Nil for addresses that are not of the Internet.
    init?(_ address: SocketAddress?) {
        guard let address, let port = address.port, let number = UInt16(exactly: port), let ip = IPAddress(address)
        else {
            return nil
        }
        self.init(ip, number)
    }
}

extension IPAddress {
    /// As it is on the wire: over an IPv6 socket an IPv4 peer has a mapped address. Nil for addresses that are not of the
    /// Internet.
    init?(_ address: SocketAddress) {
        let found: Self? = address.withSockAddr { head, count in
            let bytes = UnsafeRawBufferPointer(start: head, count: count)
            // The places of sin_addr and sin6_addr.
            switch address {
            case .v4: return .v4(UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self)))
            case .v6:
                let high = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
                let low = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self))
                return Self.v6(high: high, low: low).unmapped
            case .unixDomainSocket: return nil
            }
        }
        guard let found else { return nil }
        self = found
    }

    var isUnspecified: Bool { self == .v4(0) || self == .v6(high: 0, low: 0) }

    /// In network order, of the family that a socket has.
    func bytes(ofIPv6 isIPv6: Bool) -> [UInt8] {
        var bytes = ByteBuffer()
        switch self {
        case .v4(let address):
            if isIPv6 { bytes.writeMultipleIntegers(UInt64(0), UInt32(0xFFFF)) }
            bytes.writeInteger(address)
        case .v6(let high, let low): bytes.writeMultipleIntegers(high, low)
        }
        return Array(bytes.readableBytesView)
    }
}
