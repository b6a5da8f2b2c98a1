import Glibc

/// An IPv4 or IPv6 address as its octets.
package struct IPAddress: Hashable, Sendable {
    package let octets: [UInt8]

    package init?(_ text: String) {
        var octets = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, text, &octets) == 1 {
            self.octets = Array(octets.prefix(4))
        } else if inet_pton(AF_INET6, text, &octets) == 1 {
            self.octets = octets
        } else {
            return nil
        }
    }

    package var isIPv6: Bool { octets.count == 16 }

    /// An IPv4 address that came in over an IPv6 socket (`::ffff:a.b.c.d`, RFC 4291 §2.5.5.2) is that IPv4 address.
    fileprivate var unmapped: [UInt8] {
        let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]
        return octets.starts(with: mapped) && isIPv6 ? Array(octets.suffix(4)) : octets
    }
}

/// A CIDR range, or one address.
package struct AddressRange: Hashable, Sendable, CustomStringConvertible {
    private let octets: [UInt8]
    private let prefixBits: Int
    package let description: String

    package init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let address = IPAddress(String(first)) else { return nil }
        let widest = address.octets.count * 8
        let bits = parts.count == 2 ? Int(parts[1]) : widest
        guard let bits, (0...widest).contains(bits) else { return nil }
        octets = address.octets
        prefixBits = bits
        description = text
    }

    package func contains(_ address: IPAddress) -> Bool {
        let other = address.unmapped
        guard other.count == octets.count else { return false }
        let whole = prefixBits / 8
        guard octets.prefix(whole) == other.prefix(whole) else { return false }
        let rest = prefixBits % 8
        guard rest > 0 else { return true }
        let mask = UInt8(truncatingIfNeeded: 0xff00 >> rest)
        return octets[whole] & mask == other[whole] & mask
    }
}
