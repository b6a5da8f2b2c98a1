internal import COpenSSL
import SecureTransport

/// One suite's cipher with one session key, over OpenSSL's EVP. Nothing is allocated per packet.
final class EVPCipher {
    private let suite: SRTPSuite
    private let context: OpaquePointer
    private let mac: OpaquePointer?
    private let salt: [UInt8]

    init(_ keys: SessionKeys, suite: SRTPSuite, encrypts: Bool) throws(SRTPError) {
        self.suite = suite
        salt = keys.salt
        guard let context = EVP_CIPHER_CTX_new() else { throw .cryptography("out of memory") }
        self.context = context
        let cipher: OpaquePointer?
        switch suite {
        case .aeadAES128GCM: (cipher, mac) = (EVP_aes_128_gcm(), nil)
        case .aes128CMSHA1_80:
            (cipher, mac) = (
                EVP_aes_128_ctr(), copenssl_make_hmac_sha1(keys.authentication, keys.authentication.count)
            )
        }
        guard EVP_CipherInit_ex(context, cipher, nil, keys.cipher, nil, encrypts ? 1 : 0) == 1,
            suite == .aeadAES128GCM || mac != nil
        else { throw .cryptography("\(suite.rawValue) is not to be had from OpenSSL") }
    }

    deinit {
        EVP_CIPHER_CTX_free(context)
        EVP_MAC_CTX_free(mac)
    }

    /// Sets the nonce of a packet: for AEAD RFC 7714 §8.1 and §9.1, else RFC 3711 §4.1.1.
    func begin(ssrc: UInt32, index: UInt64) -> Bool {
        // Both salt their bytes the same way; AEAD's nonce is what lies between the first and the last two bytes' place.
        var nonce: (UInt64, UInt64) = (0, 0)
        return withUnsafeMutableBytes(of: &nonce) { bytes in
            let ssrcAt = suite == .aeadAES128GCM ? 2 : 4
            for byte in 0..<4 { bytes[ssrcAt + byte] = UInt8(truncatingIfNeeded: ssrc >> UInt32(24 - 8 * byte)) }
            for byte in 0..<6 { bytes[ssrcAt + 4 + byte] = UInt8(truncatingIfNeeded: index >> UInt64(40 - 8 * byte)) }
            for byte in 0..<14 { bytes[byte] ^= salt[byte] }
            let start = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
            return EVP_CipherInit_ex(context, nil, nil, nil, start, -1) == 1
        }
    }

    /// Encrypts or decrypts in place.
    func transform(_ bytes: UnsafeMutableRawBufferPointer) -> Bool {
        guard let start = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return true }
        var written: Int32 = 0
        return EVP_CipherUpdate(context, start, &written, start, Int32(bytes.count)) == 1
    }

    /// AEAD only: bytes that are authenticated but stay in the clear.
    func authenticate(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var written: Int32 = 0
        let start = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
        return EVP_CipherUpdate(context, nil, &written, start, Int32(bytes.count)) == 1
    }

    /// AEAD only: writes the tag of what was encrypted.
    func finish(tag: UnsafeMutableRawBufferPointer) -> Bool {
        var written: Int32 = 0
        return EVP_EncryptFinal_ex(context, nil, &written) == 1
            && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, Int32(tag.count), tag.baseAddress) == 1
    }

    /// AEAD only: the tag is set before the last step.
    func finish(checking tag: UnsafeMutableRawBufferPointer) -> Bool {
        var written: Int32 = 0
        return EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, Int32(tag.count), tag.baseAddress) == 1
            && EVP_DecryptFinal_ex(context, nil, &written) == 1
    }

    /// HMAC only: over the packet and a word behind it (ROC, RFC 3711 §4.2). The first ten bytes are the tag.
    func hmac(_ bytes: UnsafeRawBufferPointer, followedBy word: UInt32?) -> (UInt64, UInt16)? {
        var digest: (UInt64, UInt64, UInt32) = (0, 0, 0)
        var count = 0
        let isDone = withUnsafeMutableBytes(of: &digest) { output in
            guard EVP_MAC_init(mac, nil, 0, nil) == 1,
                EVP_MAC_update(mac, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count) == 1
            else { return false }
            if let word {
                let isTaken = withUnsafeBytes(of: word.bigEndian) {
                    EVP_MAC_update(mac, $0.baseAddress?.assumingMemoryBound(to: UInt8.self), 4) == 1
                }
                guard isTaken else { return false }
            }
            return EVP_MAC_final(mac, output.baseAddress?.assumingMemoryBound(to: UInt8.self), &count, 20) == 1
        }
        return isDone ? (digest.0, UInt16(truncatingIfNeeded: digest.1)) : nil
    }
}
