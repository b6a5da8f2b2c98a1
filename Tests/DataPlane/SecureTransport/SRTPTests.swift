import SRTP
import SecureTransport
import TestSupport
import Testing

import struct NIOCore.ByteBuffer

private func bytes(_ hex: String) -> [UInt8] {
    let digits = hex.compactMap(\.hexDigitValue).map(UInt8.init)
    return stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}

private func masterKey(_ suite: SRTPSuite) -> SRTPMasterKey {
    SRTPMasterKey(
        key: bytes("E1F97A0D3E018BE0D64FA32C06DE4139"),
        salt: Array(bytes("0EC675AD498AFEEBB6960B3AABE6").prefix(suite.saltBytes))
    )
}

private func rtp(sequence: UInt16, ssrc: UInt32 = 0xCAFE_BABE, payload: Int = 16) -> ByteBuffer {
    var packet = ByteBuffer(bytes: [0x80, 0x0F])
    packet.writeInteger(sequence)
    packet.writeInteger(0xDECA_FBAD as UInt32)
    packet.writeInteger(ssrc)
    packet.writeRepeatingByte(0xAB, count: payload)
    return packet
}

/// A receiver report without blocks, then an SDES-like tail of `extra` words.
private func rtcp(extra: Int = 3, ssrc: UInt32 = 0xCAFE_BABE) -> ByteBuffer {
    var packet = ByteBuffer(bytes: [0x81, 0xC8, 0x00, UInt8(1 + extra)])
    packet.writeInteger(ssrc)
    packet.writeRepeatingByte(0xAB, count: extra * 4)
    return packet
}

/// Which library protects, and which opens.
struct Pairing: Sendable, CustomTestStringConvertible {
    var suite: SRTPSuite
    var protectsWithEVP: Bool
    var opensWithEVP: Bool

    var testDescription: String {
        "\(suite.rawValue): \(protectsWithEVP ? "EVP" : "libsrtp2") to \(opensWithEVP ? "EVP" : "libsrtp2")"
    }

    static let all = SRTPSuite.allCases.flatMap { suite in
        [true, false].flatMap { first in
            [true, false].map { Pairing(suite: suite, protectsWithEVP: first, opensWithEVP: $0) }
        }
    }

    func make() throws -> (any SRTPProtector, any SRTPUnprotector) {
        let key = masterKey(suite)
        return (
            protectsWithEVP
                ? try EVPProtector(key, suite: suite) : try LibSRTP(key, suite: suite, direction: .outbound),
            opensWithEVP ? try EVPUnprotector(key, suite: suite) : try LibSRTP(key, suite: suite, direction: .inbound)
        )
    }
}

@Suite struct SRTPTests {
    /// RFC 3711 appendix B.3.
    @Test func `session keys are those of the specification`() throws {
        let keys = try SessionKeys(masterKey(.aes128CMSHA1_80), suite: .aes128CMSHA1_80, for: .rtp)
        #expect(keys.cipher == bytes("C61E7A93744F39EE10734AFE3FF7A087"))
        #expect(keys.salt == bytes("30CBBC08863D8C85D49DB34A9AE1"))
        #expect(keys.authentication == bytes("CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4"))
    }

    /// The well-known packet of the reference implementation's self-test.
    @Test func `a known packet is protected as it should be`() throws {
        let protector = try EVPProtector(masterKey(.aes128CMSHA1_80), suite: .aes128CMSHA1_80)
        var packet = rtp(sequence: 0x1234)
        try protector.protect(rtp: &packet, from: packet.readerIndex)
        #expect(
            Array(packet.readableBytesView)
                == bytes("800F1234DECAFBADCAFEBABE 4E55DC4CE79978D88CA4D215949D2402 B78D6ACC99EA179B8DBB")
        )
    }

    /// RFC 7714 §16.1 and §17.1, whose keys are session keys.
    @Test func `packets are protected by AES-GCM as the specification shows`() throws {
        let keys = SessionKeys(
            cipher: bytes("000102030405060708090A0B0C0D0E0F"),
            authentication: [],
            salt: bytes("517569642070726F2071756F")
        )
        var rtp = ByteBuffer(
            bytes: bytes("8040F17B8041F8D35501A0B2") + Array("Gallia est omnis divisa in partes tres".utf8)
        )
        let plain = rtp
        try EVPProtector(rtp: keys, rtcp: keys, suite: .aeadAES128GCM).protect(rtp: &rtp, from: 0)
        let sealed = """
            8040F17B8041F8D35501A0B2 F24DE3A3FB34DE6CACBA861C9D7E4BCABE633BD50D294E6F42A5F47A51C7D19B36DE3ADF8833
            899D7F27BEB16A9152CF765EE4390CCE
            """
        #expect(Array(rtp.readableBytesView) == bytes(sealed))
        let unprotector = try EVPUnprotector(rtp: keys, rtcp: keys, suite: .aeadAES128GCM)
        try unprotector.unprotect(rtp: &rtp)
        #expect(rtp == plain)
        let report = """
            81C8000D4D617273 63E94885DCDAB67CA727D7662F6B7E997FF5C0F76C06F32DC676A5F1730D6FDA4CE09B4686303DED0BB9275B
            C84AA45896CF4D2FC5ABF87245D9EADE 800005D4
            """
        var rtcp = ByteBuffer(bytes: bytes(report))
        try unprotector.unprotect(rtcp: &rtcp)
        let opened = """
            81C8000D4D6172734E5450314E545032525450200000042A0000E9304C756E61
            DEADBEEFDEADBEEFDEADBEEFDEADBEEFDEADBEEF
            """
        #expect(Array(rtcp.readableBytesView) == bytes(opened))
    }

    @Test(arguments: Pairing.all)
    func `what one library protects the other opens, at every length and across rollovers`(pairing: Pairing) throws {
        let (protector, unprotector) = try pairing.make()
        // Three times round the counter, in steps that both sides can follow.
        for step in 0..<200 {
            let packet = rtp(sequence: UInt16(truncatingIfNeeded: 65_000 + step * 1000), payload: step % 131)
            var wire = packet
            try protector.protect(rtp: &wire, from: wire.readerIndex)
            #expect(wire.readableBytes == packet.readableBytes + pairing.suite.tagBytes)
            try unprotector.unprotect(rtp: &wire)
            #expect(wire == packet, "step \(step)")
        }
        for step in 0..<40 {
            let packet = rtcp(extra: step)
            var wire = packet
            try protector.protect(rtcp: &wire, from: wire.readerIndex)
            try unprotector.unprotect(rtcp: &wire)
            #expect(wire == packet, "step \(step)")
        }
    }

    @Test(arguments: Pairing.all)
    func `a replayed, a changed and a foreign packet are refused, and the next one is not`(pairing: Pairing) throws {
        let (protector, unprotector) = try pairing.make()
        var first = rtp(sequence: 1)
        try protector.protect(rtp: &first, from: first.readerIndex)
        for place in 0..<first.readableBytes where place > 1 {
            var changed = first
            let byte: UInt8 = changed.getInteger(at: changed.readerIndex + place) ?? 0
            changed.setInteger(byte ^ 1, at: changed.readerIndex + place)
            #expect(throws: SRTPError.self, "byte \(place)") { try unprotector.unprotect(rtp: &changed) }
        }
        var opened = first
        try unprotector.unprotect(rtp: &opened)
        #expect(opened == rtp(sequence: 1))
        var again = first
        #expect(throws: SRTPError.replayed) { try unprotector.unprotect(rtp: &again) }
        var report = rtcp()
        try protector.protect(rtcp: &report, from: report.readerIndex)
        var copy = report
        try unprotector.unprotect(rtcp: &report)
        #expect(throws: SRTPError.replayed) { try unprotector.unprotect(rtcp: &copy) }
        var next = rtp(sequence: 2)
        try protector.protect(rtp: &next, from: next.readerIndex)
        try unprotector.unprotect(rtp: &next)
    }

    /// Late ones, back over the rollover, down to the window's end.
    @Test(arguments: Pairing.all.filter(\.protectsWithEVP))
    func `packets out of order open once each, and those older than the window never`(pairing: Pairing) throws {
        let (protector, unprotector) = try pairing.make()
        let window = pairing.opensWithEVP ? 128 : 2048
        let newest = window + 72
        var wires: [ByteBuffer] = []
        for step in 0..<UInt16(newest + 100) {
            var packet = rtp(sequence: 65_400 &+ step)
            try protector.protect(rtp: &packet, from: packet.readerIndex)
            wires.append(packet)
        }
        func open(_ step: Int) -> Bool {
            var wire = wires[step]
            return (try? unprotector.unprotect(rtp: &wire)) != nil
        }
        #expect(open(0) && open(newest))
        #expect((73..<newest).reversed().allSatisfy(open))
        #expect(!(73...newest).contains(where: open))
        #expect(!(1...72).contains(where: open))
        #expect(open(newest + 99) && !open(100))
    }

    @Test(arguments: Pairing.all)
    func `bytes that are no packet are refused`(pairing: Pairing) throws {
        let (_, unprotector) = try pairing.make()
        var random = SplitMix64(seed: 5)
        for length in 0..<120 {
            var noise = ByteBuffer(bytes: (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) })
            if length > 0 { noise.setInteger(UInt8(0x9F), at: 0) }
            var copy = noise
            #expect(throws: SRTPError.self) { try unprotector.unprotect(rtp: &noise) }
            #expect(throws: SRTPError.self) { try unprotector.unprotect(rtcp: &copy) }
        }
    }

    @Test(arguments: Pairing.all.filter(\.protectsWithEVP))
    func `a peer has a limited number of sources, and forged ones take none of them`(pairing: Pairing) throws {
        let (protector, unprotector) = try pairing.make()
        for ssrc in 1000..<2000 as Range<UInt32> {
            var forged = rtp(sequence: 1, ssrc: ssrc, payload: 40)
            #expect(throws: SRTPError.unauthenticated) { try unprotector.unprotect(rtp: &forged) }
        }
        for ssrc in 0...UInt32(SRTP.sourcesMax) {
            var packet = rtp(sequence: 1, ssrc: ssrc)
            try protector.protect(rtp: &packet, from: packet.readerIndex)
            if ssrc < SRTP.sourcesMax {
                try unprotector.unprotect(rtp: &packet)
            } else {
                #expect(throws: SRTPError.tooManySources(max: SRTP.sourcesMax)) {
                    try unprotector.unprotect(rtp: &packet)
                }
            }
        }
        // Whoever was there goes on, also with reports.
        var next = rtp(sequence: 2, ssrc: 0)
        try protector.protect(rtp: &next, from: next.readerIndex)
        try unprotector.unprotect(rtp: &next)
        var report = rtcp(ssrc: 1)
        try protector.protect(rtcp: &report, from: report.readerIndex)
        try unprotector.unprotect(rtcp: &report)
    }

    /// Each has state in C: keys, windows, a handle.
    @Test(arguments: SRTPSuite.allCases)
    func `sessions of publishers begin and end on many threads at once`(suite: SRTPSuite) async throws {
        let factory = try IngestSRTP()
        try await withThrowingTaskGroup { group in
            for thread in 0..<4 as Range<UInt32> {
                group.addTask {
                    for _ in 0..<50 {
                        let key = masterKey(suite)
                        let unprotector = try factory.makeUnprotector(
                            SRTPKeyingMaterial(suite: suite, local: key, remote: key)
                        )
                        let protector = try EVPProtector(key, suite: suite)
                        // A simulcast: three layers, each with its repeats.
                        for step in 0..<12 as Range<UInt16> {
                            let packet = rtp(sequence: step / 6, ssrc: thread << 8 | UInt32(step % 6))
                            var wire = packet
                            try protector.protect(rtp: &wire, from: wire.readerIndex)
                            try unprotector.unprotect(rtp: &wire)
                            #expect(wire == packet)
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    @Test(arguments: SRTPSuite.allCases)
    func `packets are protected one behind the other in one buffer, where they stand`(suite: SRTPSuite) throws {
        let protector = try EVPProtector(masterKey(suite), suite: suite)
        let unprotector = try EVPUnprotector(masterKey(suite), suite: suite)
        var train = ByteBuffer()
        train.reserveCapacity(4096)
        var lengths: [Int] = []
        for sequence in 1...5 as ClosedRange<UInt16> {
            let start = train.writerIndex
            train.writeImmutableBuffer(rtp(sequence: sequence, payload: 100))
            try protector.protect(rtp: &train, from: start)
            lengths.append(train.writerIndex - start)
        }
        #expect(lengths == Array(repeating: 112 + suite.tagBytes, count: 5))
        for sequence in 1...5 as ClosedRange<UInt16> {
            let slice = train.readSlice(length: 112 + suite.tagBytes)
            var packet = try #require(slice)
            try unprotector.unprotect(rtp: &packet)
            #expect(packet == rtp(sequence: sequence, payload: 100))
        }
    }
}
