/// A transport address that may reach an agent (RFC 8445 §5.1). There is one component: RTP and RTCP share it.
package struct Candidate: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable {
        case host
        case serverReflexive = "srflx"
        case peerReflexive = "prflx"
        case relayed = "relay"

        /// RFC 8445 §5.1.2.2.
        var typePreference: UInt32 {
            switch self {
            case .host: 126
            case .peerReflexive: 110
            case .serverReflexive: 100
            case .relayed: 0
            }
        }
    }

    /// Who opens the connection of a TCP candidate (RFC 6544 §4.5).
    package enum TCPType: String, Hashable, Sendable {
        case active
        case passive
        case simultaneousOpen = "so"
    }

    package var kind: Kind
    package var transport: TransportPath.Transport
    package var address: TransportAddress
    package var tcpType: TCPType?
    package var priority: UInt32
    package var foundation: String

    package init(
        _ kind: Kind,
        _ transport: TransportPath.Transport,
        _ address: TransportAddress,
        tcpType: TCPType? = nil,
        priority: UInt32,
        foundation: String
    ) {
        self.kind = kind
        self.transport = transport
        self.address = address
        self.tcpType = tcpType
        self.priority = priority
        self.foundation = foundation
    }

    /// `(2^24)·type + (2^8)·local + (256 − component)`, the component being 1 (RFC 8445 §5.1.2.1).
    package static func priority(
        _ kind: Kind,
        _ transport: TransportPath.Transport,
        localPreference: UInt16
    ) -> UInt32 {
        switch transport {
        case .udp: kind.typePreference << 24 | UInt32(localPreference) << 8 | 255
        // RFC 6544 §4.2: TCP of a kind stands behind UDP of the same kind, and passive has direction preference 4 of 7.
        case .tcp:
            (kind.typePreference - min(kind.typePreference, 36)) << 24
                | (4 << 13 | UInt32(localPreference >> 3)) << 8 | 255
        }
    }

    /// What a server with one port tells its peers: each address as a UDP host candidate and a passive TCP one, best
    /// first.
    package static func forServer(
        addresses: [IPAddress],
        udpPort: UInt16?,
        tcpPort: UInt16?
    ) -> [Candidate] {
        var candidates: [Candidate] = []
        for (index, ip) in addresses.enumerated() {
            // In steps of eight: TCP's preferences are three bits shorter.
            let preference = UInt16(clamping: 65_535 - index * 8)
            if let udpPort { candidates.append(.host(.udp, TransportAddress(ip, udpPort), preference, index)) }
            if let tcpPort { candidates.append(.host(.tcp, TransportAddress(ip, tcpPort), preference, index)) }
        }
        return candidates.sorted { $0.priority > $1.priority }
    }

    /// Candidates of one base and protocol share a foundation (RFC 8445 §5.1.1.3).
    private static func host(
        _ transport: TransportPath.Transport,
        _ address: TransportAddress,
        _ preference: UInt16,
        _ index: Int
    ) -> Candidate {
        Candidate(
            .host,
            transport,
            address,
            tcpType: transport == .tcp ? .passive : nil,
            priority: priority(.host, transport, localPreference: preference),
            foundation: "\(index * 2 + (transport == .tcp ? 2 : 1))"
        )
    }

    /// The pair's priority: `2^32·min + 2·max + (controlling > controlled ? 1 : 0)` (RFC 8445 §6.1.2.3).
    package static func pairPriority(controlling: UInt32, controlled: UInt32) -> UInt64 {
        // Priorities end at 2^31 − 1; STUN has room for more, and the sum then would not fit.
        let (controlling, controlled) = (min(controlling, 1 << 31 - 1), min(controlled, 1 << 31 - 1))
        return UInt64(min(controlling, controlled)) << 32 + 2 * UInt64(max(controlling, controlled))
            + (controlling > controlled ? 1 : 0)
    }
}
