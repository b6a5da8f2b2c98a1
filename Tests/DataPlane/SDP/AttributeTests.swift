import SDP
import Testing

@Suite struct AttributeTests {
    @Test(arguments: [
        "candidate:3459110955 1 udp 2122194687 127.0.0.1 36902 typ host generation 0 network-id 3 network-cost 50",
        "candidate:1 1 tcp 1518214911 2001:db8::1 9 typ host tcptype active",
        "candidate:2 2 udp 1686052607 203.0.113.7 4000 typ srflx raddr 10.0.0.1 rport 5000 generation 0",
        "candidate:a/+ 1 udp 1 5b5c1f8a-5d3c-4d0e-8a5e-2f8f1c2b3a4d.local 1 typ host",
    ])
    func `A candidate is written as it was read`(text: String) throws {
        let candidate = try #require(CandidateAttribute(text))
        #expect(candidate.text == text)
        #expect(CandidateAttribute(text.dropFirst("candidate:".count)) == candidate)
    }

    @Test func `A candidate's fields are where they belong`() throws {
        let text = "candidate:2 1 UDP 1686052607 203.0.113.7 4000 typ srflx raddr 10.0.0.1 rport 5000 generation 0"
        let candidate = try #require(CandidateAttribute(text))
        #expect(candidate.transport == "udp")
        #expect(candidate.kind == "srflx")
        #expect(candidate.relatedAddress == "10.0.0.1")
        #expect(candidate.relatedPort == 5000)
        #expect(candidate.extensions == [CandidateAttribute.Extension("generation", "0")])
    }

    @Test(arguments: [
        "", "candidate:", "candidate:1 1 udp 1 a 1 typ", "candidate:1 1 udp 1 a 1 kind host",
        "candidate:1 x udp 1 a 1 typ host", "candidate:1 1 udp -1 a 1 typ host", "candidate:1 1 udp 1 a 65536 typ host",
        "candidate:1 1 udp 4294967296 a 1 typ host", "candidate:1 1 udp 1 a 1 typ host raddr",
    ])
    func `What is no candidate is not taken for one`(text: String) { #expect(CandidateAttribute(text) == nil) }

    // MARK: Trickle

    /// The example of RFC 8840 §9, as RFC 9725 has it in a PATCH.
    static let fragment = """
        a=ice-ufrag:9uB6\r
        a=ice-pwd:YH75Fviy6338Vbrhrlp8Yh\r
        m=audio 9 UDP/TLS/RTP/SAVPF 0\r
        a=mid:0\r
        a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0\r
        a=candidate:3471623853 1 udp 2122194687 198.51.100.1 61765 typ host generation 0\r
        a=end-of-candidates\r

        """

    @Test func `A trickle fragment is read and written`() throws {
        let fragment = try TrickleFragment(parsing: Self.fragment)
        #expect(fragment.userFragment == "9uB6")
        #expect(fragment.password == "YH75Fviy6338Vbrhrlp8Yh")
        #expect(fragment.media.map(\.mid) == ["0"])
        #expect(fragment.media[0].candidates.map(\.port) == [61_764, 61_765])
        #expect(fragment.media[0].endOfCandidates)
        #expect(!fragment.endOfCandidates)
        #expect(fragment.text == Self.fragment)
    }

    @Test func `The end of candidates may stand for the whole session`() throws {
        let fragment = try TrickleFragment(parsing: "a=ice-lite\na=end-of-candidates\na=group:BUNDLE 0\n")
        #expect(fragment.endOfCandidates)
        #expect(fragment.isICELite)
        #expect(fragment.media == [])
        #expect(try TrickleFragment(parsing: fragment.text) == fragment)
    }

    @Test(arguments: [
        ("", SDPError.notSDP(line: 1)),
        ("v=0\r\n", .malformedLine(line: 1, type: "v")),
        ("a=candidate:1 1 udp 1 192.0.2.1 1 typ host", .malformedAttribute(line: 1, name: "candidate")),
        ("m=audio 9 x 0\na=candidate:1", .malformedAttribute(line: 2, name: "candidate")),
        (String(repeating: "m=audio 9 x 0\n", count: 65), .tooManyMedia(limit: 64)),
        (String(repeating: "a=x\n", count: 10_000), .tooLong(bytes: 40_000, limit: 32_768)),
    ])
    func `What is no fragment is refused`(text: String, error: SDPError) {
        #expect(throws: error) { try TrickleFragment(parsing: text) }
    }

    // MARK: H.264

    /// RFC 6184 table 5, and what encoders really write.
    @Test(arguments: [
        ("42e01f", H264ProfileLevel.Profile.constrainedBaseline, 31), ("42c015", .constrainedBaseline, 21),
        ("42F01E", .constrainedBaseline, 30), ("4D801F", .constrainedBaseline, 31),
        ("58c00d", .constrainedBaseline, 13),
        ("42001f", .baseline, 31), ("42801f", .baseline, 31), ("58800a", .baseline, 10), ("4d001f", .main, 31),
        ("4D4028", .main, 40), ("58000a", .extended, 10), ("64001f", .high, 31), ("640034", .high, 52),
        ("640c1f", .constrainedHigh, 31), ("6e0028", .high10, 40), ("7a0028", .high422, 40), ("f4001f", .high444, 31),
    ])
    func `A profile-level-id is read`(text: String, profile: H264ProfileLevel.Profile, level: UInt8) throws {
        #expect(H264ProfileLevel(text) == H264ProfileLevel(profile, level: level))
    }

    @Test(arguments: H264ProfileLevel.Profile.allCases)
    func `A profile that is written reads the same`(profile: H264ProfileLevel.Profile) {
        let value = H264ProfileLevel(profile, level: 31)
        #expect(value.text.count == 6)
        #expect(H264ProfileLevel(value.text) == value)
    }

    @Test func `The digit too many of FFmpeg 8 is survived`() {
        #expect(H264ProfileLevel("422001e") == H264ProfileLevel(.constrainedBaseline, level: 30))
    }

    @Test(arguments: ["", "42", "42e01", "zze01f", "00001f", "４２e01f", "-2e01f"])
    func `What is no profile-level-id is not taken for one`(text: String) { #expect(H264ProfileLevel(text) == nil) }
}
