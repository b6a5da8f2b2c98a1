import EngineModel
import NIOCore
import RTMP
import TestSupport
import Testing

@Suite struct HandshakeTests {
    static func signedC1(_ scheme: HandshakeDigest.Scheme, seed: UInt64) -> (block: [UInt8], digest: [UInt8]) {
        var random = SplitMix64(seed: seed)
        var block = (0..<1536).map { _ in UInt8.random(in: 0...255, using: &random) }
        block.replaceSubrange(4..<8, with: [9, 0, 124, 2])
        let digest = HandshakeDigest.sign(&block, scheme: scheme, key: HandshakeDigest.clientKey)
        return (block, digest)
    }

    func answer(to c1: [UInt8]) throws -> [UInt8] {
        var server = makeServer()
        guard case .transmit(let answer)? = server.feed([3] + c1).first else {
            Issue.record("no answer")
            return []
        }
        #expect(answer.readableBytes == 3073)
        return Array(answer.readableBytesView)
    }

    @Test func `an unsigned C1 is echoed in S2`() throws {
        let c1 = [0, 0, 0, 9, 0, 0, 0, 0] + [UInt8](repeating: 0x5A, count: 1528)
        let answer = try answer(to: c1)
        #expect(answer[0] == 3)
        #expect(Array(answer[5..<9]) == [0, 0, 0, 0])
        #expect(Array(answer[1537...]) == c1)
    }

    @Test(arguments: HandshakeDigest.Scheme.allCases, 1...8 as ClosedRange<UInt64>)
    func `a signed C1 is answered with a signed S1 and an S2 keyed by its digest`(
        scheme: HandshakeDigest.Scheme,
        seed: UInt64
    ) throws {
        let (c1, digest) = Self.signedC1(scheme, seed: seed)
        let answer = try answer(to: c1)
        let s1 = Array(answer[1..<1537])
        let s2 = Array(answer[1537...])
        #expect(HandshakeDigest.find(in: s1, key: HandshakeDigest.serverKey)?.scheme == scheme)
        var expected = s2
        HandshakeDigest.answer(&expected, to: digest, key: HandshakeDigest.serverKey)
        #expect(s2 == expected)
    }

    @Test func `a C1 whose digest does not hold is answered like an unsigned one`() throws {
        var c1 = Self.signedC1(.offsetAt8, seed: 1).block
        c1[1535] ^= 1
        #expect(Array(try answer(to: c1)[1537...]) == c1)
    }

    @Test func `another version is refused at its first byte`() {
        var server = makeServer()
        let outputs = server.feed(Array("G".utf8))
        #expect(outputs == [.event(.failed(.unsupportedVersion(0x47))), .close])
    }

    @Test func `nothing is answered before all of C1 is there`() {
        var server = makeServer()
        #expect(server.feed([3] + [UInt8](repeating: 0, count: 1535)) == [])
        #expect(server.feed([0]).count == 1)
    }

    /// The numbers come from another implementation of HMAC, so that a wrong constant or offset cannot agree with itself.
    @Test func `digest and answer of a known block`() {
        var block = (0..<1536).map { UInt8(truncatingIfNeeded: $0 * 7) }
        var answer = block
        #expect(HandshakeDigest.Scheme.offsetAt8.digestRange(in: block) == 278..<310)
        let digest = HandshakeDigest.sign(&block, scheme: .offsetAt8, key: HandshakeDigest.clientKey)
        #expect(digest.prefix(8) == [16, 161, 144, 116, 165, 206, 70, 153])
        HandshakeDigest.answer(&answer, to: digest, key: HandshakeDigest.serverKey)
        #expect(answer[1504...].prefix(8) == [59, 75, 199, 191, 236, 52, 201, 50])
    }

    @Test func `the digest's offset wraps at 728`() {
        var block = [UInt8](repeating: 0, count: 1536)
        block.replaceSubrange(8..<11, with: [255, 255, 217])
        block.replaceSubrange(772..<775, with: [255, 255, 218])
        #expect(HandshakeDigest.Scheme.offsetAt8.digestRange(in: block).lowerBound == 739)
        #expect(HandshakeDigest.Scheme.offsetAt772.digestRange(in: block).lowerBound == 776)
    }
}
