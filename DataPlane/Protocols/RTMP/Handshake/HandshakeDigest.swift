import Crypto

/// The signed form of the handshake that Flash Media Server 3 introduced and librtmp, ffmpeg and players still send.
///
/// C1 and S1 carry a 32-byte HMAC-SHA256 of all their other bytes, at an offset that four of their bytes give; there are
/// two schemes for where those four stand. C2 and S2 end in an HMAC keyed by the digest they answer.
package enum HandshakeDigest {
    package static let blockLength = 1536
    package static let digestLength = 32

    /// Where the four offset bytes stand.
    package enum Scheme: Int, CaseIterable, Sendable {
        case offsetAt8 = 8
        case offsetAt772 = 772

        package func digestRange(in block: [UInt8]) -> Range<Int> {
            let sum = block[rawValue..<rawValue + 4].reduce(0) { $0 + Int($1) }
            let start = rawValue + 4 + sum % 728
            return start..<start + digestLength
        }
    }

    package static let clientKey = Array("Genuine Adobe Flash Player 001".utf8)
    package static let serverKey = Array("Genuine Adobe Flash Media Server 001".utf8)
    /// Follows the key's text where a whole block is signed rather than digested.
    package static let keySuffix: [UInt8] = [
        0xF0, 0xEE, 0xC2, 0x4A, 0x80, 0x68, 0xBE, 0xE8, 0x2E, 0x00, 0xD0, 0xD1, 0x02, 0x9E, 0x7E, 0x57,
        0x6E, 0xEC, 0x5D, 0x2D, 0x29, 0x80, 0x6F, 0xAB, 0x93, 0xB8, 0xE6, 0x36, 0xCF, 0xEB, 0x31, 0xAE,
    ]

    /// The scheme and digest of a block signed with `key`; nil when it is signed in neither way.
    package static func find(in block: [UInt8], key: [UInt8]) -> (scheme: Scheme, digest: [UInt8])? {
        for scheme in Scheme.allCases {
            let range = scheme.digestRange(in: block)
            let digest = digest(of: block, leavingOut: range, key: key)
            if digest.elementsEqual(block[range]) { return (scheme, digest) }
        }
        return nil
    }

    /// Puts the digest of all other bytes into the block and returns it.
    @discardableResult
    package static func sign(_ block: inout [UInt8], scheme: Scheme, key: [UInt8]) -> [UInt8] {
        let range = scheme.digestRange(in: block)
        let digest = digest(of: block, leavingOut: range, key: key)
        block.replaceSubrange(range, with: digest)
        return digest
    }

    /// Makes `block` the answer to a block that had `digest`: its last 32 bytes sign the rest.
    package static func answer(_ block: inout [UInt8], to digest: [UInt8], key: [UInt8]) {
        let signed = blockLength - digestLength
        let blockKey = hmac(digest, key: key + keySuffix)
        block.replaceSubrange(signed..., with: hmac(block[..<signed], key: blockKey))
    }

    private static func digest(of block: [UInt8], leavingOut range: Range<Int>, key: [UInt8]) -> [UInt8] {
        hmac(block[..<range.lowerBound] + block[range.upperBound...], key: key)
    }

    private static func hmac(_ bytes: some Sequence<UInt8>, key: [UInt8]) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: Array(bytes), using: SymmetricKey(data: key)))
    }
}
