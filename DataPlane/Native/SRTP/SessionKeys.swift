internal import COpenSSL
package import SecureTransport

/// The keys one master key yields (RFC 3711 §4.3.1, RFC 7714 §11), with a key derivation rate of zero.
package struct SessionKeys: Hashable, Sendable {
    package var cipher: [UInt8]
    package var authentication: [UInt8]
    /// 14 bytes; the two last are zero where the suite's salt is shorter.
    package var salt: [UInt8]

    package init(cipher: [UInt8], authentication: [UInt8], salt: [UInt8]) {
        self.cipher = cipher
        self.authentication = authentication
        self.salt = salt + Array(repeating: 0, count: max(0, Self.saltBytes - salt.count))
    }

    package enum Purpose: Sendable {
        case rtp
        case rtcp
    }

    /// HMAC-SHA1 (RFC 3711 §5.2).
    private static let authenticationKeyBytes = 20
    private static let saltBytes = 14

    package init(_ master: SRTPMasterKey, suite: SRTPSuite, for purpose: Purpose) throws(SRTPError) {
        guard master.key.count == suite.keyBytes, master.salt.count == suite.saltBytes else {
            throw .cryptography("a master key or salt of the wrong length")
        }
        let base: UInt8 =
            switch purpose {
            case .rtp: 0
            case .rtcp: 3
            }
        self.init(
            cipher: try Self.derive(master, label: base, count: suite.keyBytes),
            authentication: try Self.derive(master, label: base + 1, count: Self.authenticationKeyBytes),
            salt: try Self.derive(master, label: base + 2, count: suite.saltBytes)
        )
    }

    /// AES in counter mode over zeros, from the salt with the label at its eighth byte.
    private static func derive(_ master: SRTPMasterKey, label: UInt8, count: Int) throws(SRTPError) -> [UInt8] {
        var counter = master.salt + Array(repeating: 0, count: 16 - master.salt.count)
        counter[7] ^= label
        let context = EVP_CIPHER_CTX_new()
        defer { EVP_CIPHER_CTX_free(context) }
        let zeros = [UInt8](repeating: 0, count: count)
        var output = zeros
        var written: Int32 = 0
        guard EVP_EncryptInit_ex(context, EVP_aes_128_ctr(), nil, master.key, counter) == 1,
            EVP_EncryptUpdate(context, &output, &written, zeros, Int32(count)) == 1, written == Int32(count)
        else { throw .cryptography("AES-CTR is not to be had from OpenSSL") }
        return output
    }
}
