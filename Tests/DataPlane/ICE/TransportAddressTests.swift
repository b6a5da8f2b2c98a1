import ICE
import TestSupport
import Testing

@Suite struct TransportAddressTests {
    @Test(arguments: [
        ("0.0.0.0", "0.0.0.0"), ("192.0.2.1", "192.0.2.1"), ("255.255.255.255", "255.255.255.255"), ("::", "::"),
        ("::1", "::1"), ("1::", "1::"), ("2001:DB8::A", "2001:db8::a"), ("fe80::fc:ff:fe00:1", "fe80::fc:ff:fe00:1"),
        ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
        ("0:0:0:0:0:0:0:1", "::1"), ("::ffff:192.0.2.1", "::ffff:c000:201"), ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"),
        ("1:2:3:4:5:6:192.0.2.1", "1:2:3:4:5:6:c000:201"), ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
    ])
    func `An address is read, and written as RFC 5952 says`(text: String, canonical: String) throws {
        let ip = try #require(IPAddress(text))
        #expect(ip.description == canonical)
        #expect(IPAddress(canonical) == ip)
    }

    @Test(arguments: [
        "", ".", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.-4", "1.2.3.+4", "1..3.4", ":", ":::", "1:::2",
        "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "::1:2:3:4:5:6:7:8", "12345::", "g::", "+1::", "fe80::1%eth0",
        "::1.2.3", "1.2.3.4::", "4f1c8c5e-3a5f.local", "localhost",
    ])
    func `What is no address is not taken for one`(text: String) { #expect(IPAddress(text) == nil) }

    @Test func `An IPv4 address inside an IPv6 one comes out`() {
        #expect(IPAddress("::ffff:192.0.2.1")?.unmapped == IPAddress("192.0.2.1"))
        #expect(IPAddress("::1")?.unmapped == IPAddress("::1"))
        #expect(IPAddress("1::ffff:192.0.2.1")?.unmapped == IPAddress("1::ffff:192.0.2.1"))
    }

    @Test(arguments: [
        ("169.254.0.1", true), ("169.254.255.255", true), ("169.253.0.1", false), ("10.0.0.1", false),
        ("fe80::1", true), ("febf:ffff::1", true), ("fec0::1", false), ("fe7f::1", false), ("fd00::1", false),
    ])
    func `An address that only one link knows is told from others`(text: String, isLinkLocal: Bool) {
        #expect(IPAddress(text)?.isLinkLocal == isLinkLocal)
    }

    @Test func `An IPv6 address and a port are told apart by brackets`() {
        #expect(address("2001:db8::1", 5000).description == "[2001:db8::1]:5000")
        #expect(address("192.0.2.1", 5000).description == "192.0.2.1:5000")
    }

    /// The examples of RFC 8445 §5.1.2 and §15, and what browsers write for TCP.
    @Test func `Priorities are those of the specifications`() {
        #expect(Candidate.priority(.host, .udp, localPreference: 65_535) == 2_130_706_431)
        #expect(Candidate.priority(.serverReflexive, .udp, localPreference: 65_535) == 1_694_498_815)
        #expect(Candidate.priority(.peerReflexive, .udp, localPreference: 65_535) == 1_862_270_975)
        #expect(Candidate.priority(.relayed, .udp, localPreference: 65_535) == 16_777_215)
        #expect(Candidate.priority(.host, .tcp, localPreference: 0) == (90 << 24 | 4 << 21 | 255))
        #expect(Candidate.pairPriority(controlling: 3, controlled: 2) == 2 << 32 + 7)
        #expect(Candidate.pairPriority(controlling: 2, controlled: 3) == 2 << 32 + 6)
        #expect(
            Candidate.pairPriority(controlling: .max, controlled: .max) == UInt64(Int32.max) << 32 + 2
                * UInt64(Int32.max)
        )
    }

    @Test func `A server's candidates are its addresses, UDP before TCP`() throws {
        let addresses = try [#require(IPAddress("192.0.2.1")), #require(IPAddress("2001:db8::1"))]
        let candidates = Candidate.forServer(addresses: addresses, udpPort: 50_000, tcpPort: 50_001)
        #expect(candidates.map(\.address.port) == [50_000, 50_000, 50_001, 50_001])
        #expect(candidates.map(\.address.ip) == addresses + addresses)
        #expect(candidates.map(\.tcpType) == [nil, nil, .passive, .passive])
        #expect(Set(candidates.map(\.foundation)).count == 4)
        #expect(Candidate.forServer(addresses: addresses, udpPort: nil, tcpPort: 1).allSatisfy { $0.transport == .tcp })
    }

    @Test func `Credentials have the form that the specification asks for and do not show the password`() throws {
        var random = SplitMix64(seed: 7)
        let new = ICECredentials(using: &random)
        #expect(ICECredentials(userFragment: new.userFragment, password: new.password) == new)
        #expect(new != ICECredentials(using: &random))
        #expect(!"\(new)".contains(new.password))
        #expect(ICECredentials(userFragment: "abc", password: new.password) == nil)
        #expect(ICECredentials(userFragment: "abcd", password: "short") == nil)
        #expect(ICECredentials(userFragment: "ab:d", password: new.password) == nil)
    }
}
