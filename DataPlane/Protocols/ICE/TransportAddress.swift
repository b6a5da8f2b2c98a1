/// An IPv4 or IPv6 address with a port.
package struct TransportAddress: Hashable, Sendable, CustomStringConvertible {
    package var ip: IPAddress
    package var port: UInt16

    package init(_ ip: IPAddress, _ port: UInt16) {
        self.ip = ip
        self.port = port
    }

    /// Nil unless `text` is a literal address; names are not looked up.
    package init?(_ text: some StringProtocol, port: UInt16) {
        guard let ip = IPAddress(text) else { return nil }
        self.init(ip, port)
    }

    package var description: String {
        switch ip {
        case .v4: "\(ip):\(port)"
        case .v6: "[\(ip)]:\(port)"
        }
    }
}

package enum IPAddress: Hashable, Sendable, CustomStringConvertible {
    case v4(UInt32)
    case v6(high: UInt64, low: UInt64)

    package var isV4: Bool {
        switch self {
        case .v4: true
        case .v6: false
        }
    }

    /// An IPv4 address that came in over an IPv6 socket (`::ffff:a.b.c.d`, RFC 4291 §2.5.5.2) is that IPv4 address.
    package var unmapped: Self {
        switch self {
        case .v6(high: 0, let low) where low >> 32 == 0xFFFF: .v4(UInt32(truncatingIfNeeded: low))
        case .v4, .v6: self
        }
    }

    /// Of one cable, whose name has to be said beside it (RFC 3927, RFC 4291 §2.5.6): nobody else can reach it.
    package var isLinkLocal: Bool {
        switch self {
        case .v4(let address): address >> 16 == 0xA9FE
        case .v6(let high, _): high >> 54 == 0xFE80 >> 6
        }
    }

    package init?(_ text: some StringProtocol) {
        if let address = Self.v4Value(of: text) {
            self = .v4(address)
        } else if let (high, low) = Self.v6Value(of: text) {
            self = .v6(high: high, low: low)
        } else {
            return nil
        }
    }

    /// As RFC 5952 writes it: lower case, the longest run of two or more zero groups as `::`.
    package var description: String {
        switch self {
        case .v4(let address): return Self.dotted(address)
        case .v6(let high, let low):
            let groups = Self.groups(high) + Self.groups(low)
            let gap = Self.longestZeroRun(in: groups)
            guard gap.count >= 2 else { return Self.joined(groups[...]) }
            return Self.joined(groups[..<gap.lowerBound]) + "::" + Self.joined(groups[gap.upperBound...])
        }
    }

    // MARK: Text

    private static func v4Value(of text: some StringProtocol) -> UInt32? {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var address: UInt32 = 0
        for part in parts {
            // A leading zero means octal to some programs and decimal to others.
            guard part.count <= 3, part.count == 1 || part.first != UInt8(ascii: "0"),
                let octet = number(part, radix: 10), octet <= 255
            else { return nil }
            address = address << 8 | UInt32(octet)
        }
        return address
    }

    private static func v6Value(of text: some StringProtocol) -> (high: UInt64, low: UInt64)? {
        guard text.utf8.count <= 45 else { return nil }
        let text = String(text)
        var groups: [UInt16]
        if let gap = text.firstIndex(ofPair: ":") {
            let after = text.utf8.index(gap, offsetBy: 2)
            guard let head = Self.groups(of: text[..<gap], mayEndInV4: false),
                let tail = Self.groups(of: text[after...], mayEndInV4: true),
                head.count + tail.count <= 7
            else { return nil }
            groups = head + Array(repeating: 0, count: 8 - head.count - tail.count) + tail
        } else {
            guard let all = Self.groups(of: text[...], mayEndInV4: true), all.count == 8 else { return nil }
            groups = all
        }
        let halves = (groups[..<4], groups[4...])
        return (halves.0.reduce(0) { $0 << 16 | UInt64($1) }, halves.1.reduce(0) { $0 << 16 | UInt64($1) })
    }

    /// The groups of one side of `::`. The last of an address may be a dotted IPv4 address, which is two groups.
    private static func groups(of text: Substring, mayEndInV4: Bool) -> [UInt16]? {
        guard !text.isEmpty else { return [] }
        var groups: [UInt16] = []
        let parts = text.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            if mayEndInV4, index == parts.count - 1, let tail = v4Value(of: Substring(part)) {
                groups += [UInt16(tail >> 16), UInt16(truncatingIfNeeded: tail)]
            } else {
                guard part.count <= 4, let group = number(part, radix: 16) else { return nil }
                groups.append(group)
            }
        }
        return groups
    }

    /// Digits alone: the library's parser would take a sign as well.
    private static func number(_ digits: some Collection<UInt8>, radix: UInt16) -> UInt16? {
        guard !digits.isEmpty, digits.count <= 4 else { return nil }
        var value: UInt16 = 0
        for digit in digits {
            let digitValue: UInt8
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digitValue = digit - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digitValue = digit - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digitValue = digit - UInt8(ascii: "A") + 10
            default: return nil
            }
            guard digitValue < radix else { return nil }
            value = value * radix + UInt16(digitValue)
        }
        return value
    }

    private static func dotted(_ address: UInt32) -> String {
        "\(address >> 24).\(address >> 16 & 0xFF).\(address >> 8 & 0xFF).\(address & 0xFF)"
    }

    private static func groups(_ half: UInt64) -> [UInt16] {
        [48, 32, 16, 0].map { UInt16(truncatingIfNeeded: half >> UInt64($0)) }
    }

    private static func joined(_ groups: ArraySlice<UInt16>) -> String {
        groups.map { String($0, radix: 16) }.joined(separator: ":")
    }

    private static func longestZeroRun(in groups: [UInt16]) -> Range<Int> {
        var longest = 0..<0
        var start = 0
        for (index, group) in groups.enumerated() {
            if group != 0 {
                start = index + 1
            } else if index + 1 - start > longest.count {
                longest = start..<index + 1
            }
        }
        return longest
    }
}

extension String {
    /// Where the first two of `character` in a row stand.
    fileprivate func firstIndex(ofPair character: Character) -> Index? {
        indices.first { self[$0...].hasPrefix("\(character)\(character)") }
    }
}

/// Two addresses and what carries datagrams between them: what tells one ICE candidate pair from another.
package struct TransportPath: Hashable, Sendable, CustomStringConvertible {
    package enum Transport: String, Hashable, Sendable {
        case udp
        /// Framed as RFC 4571 says. Behind it one connection, so a path never outlives its connection.
        case tcp
    }

    package var transport: Transport
    package var local: TransportAddress
    package var remote: TransportAddress

    package init(_ transport: Transport, local: TransportAddress, remote: TransportAddress) {
        self.transport = transport
        self.local = local
        self.remote = remote
    }

    package var description: String { "\(transport.rawValue) \(local) → \(remote)" }
}
