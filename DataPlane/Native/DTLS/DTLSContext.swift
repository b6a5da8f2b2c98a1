internal import COpenSSL
package import SecureTransport

package struct DTLSLimits: Hashable, Sendable {
    /// From the first datagram or `start`. A handshake takes two round trips; who needs longer has gone, or never meant to come.
    package var handshakeDuration = Duration.seconds(10)
    /// What fits every path with room for a tunnel's headers.
    package var datagramBytesMax = 1200
    /// Datagrams kept for one call; a flight of certificates has fewer.
    package var flightDatagramsMax = 64

    package init() {}
}

/// What all DTLS sessions of this process share: its key, its certificate and its rules (RFC 5764, RFC 8827 §6.5).
///
/// `@unchecked Sendable`: the `SSL_CTX` is set up in `init` and afterwards only read, by `SSL_new`, which counts references
/// atomically.
package final class DTLSContext: DTLSTransportFactory, @unchecked Sendable {
    package let fingerprint: CertificateFingerprint
    package let limits: DTLSLimits
    let context: OpaquePointer

    /// Makes a key and a certificate of its own, which live as long as the process.
    /// `suites` are offered and taken, best first.
    package init(
        limits: DTLSLimits = DTLSLimits(),
        suites: [SRTPSuite] = [.aeadAES128GCM, .aes128CMSHA1_80]
    ) throws(DTLSError) {
        self.limits = limits
        let certificate = try SelfSignedCertificate()
        fingerprint = try certificate.fingerprint()
        guard let context = SSL_CTX_new(DTLS_method()) else { throw .setUp(OpenSSLError.take()) }
        self.context = context
        guard copenssl_min_proto_version(context, DTLS1_2_VERSION) == 1,
            SSL_CTX_use_certificate(context, certificate.certificate) == 1,
            SSL_CTX_use_PrivateKey(context, certificate.key) == 1,
            SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES") == 1,
            copenssl_set_groups(context, "X25519:P-256:P-384") == 1,
            // OpenSSL's names; this one returns 0 for success.
            SSL_CTX_set_tlsext_use_srtp(context, suites.map(\.openSSLName).joined(separator: ":")) == 0
        else { throw .setUp(OpenSSLError.take()) }
        copenssl_set_dtls_options(context)
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
        // No authority signs these certificates: the fingerprint is checked instead, when the handshake ends.
        SSL_CTX_set_cert_verify_callback(context, { _, _ in 1 }, nil)
        SSL_CTX_ctrl(context, SSL_CTRL_SET_SESS_CACHE_MODE, Int(SSL_SESS_CACHE_OFF), nil)
    }

    deinit { SSL_CTX_free(context) }

    package func makeTransport(
        role: DTLSRole,
        peerFingerprints: [CertificateFingerprint]
    ) throws(DTLSError) -> any DTLSTransport {
        try DTLSSession(role: role, peerFingerprints: peerFingerprints, context: self)
    }
}

/// An ECDSA key on P-256 and a certificate for nobody in particular.
private final class SelfSignedCertificate {
    let key: OpaquePointer
    let certificate: OpaquePointer

    init() throws(DTLSError) {
        guard let key = copenssl_make_p256_key() else { throw .setUp(OpenSSLError.take()) }
        guard let certificate = X509_new() else {
            EVP_PKEY_free(key)
            throw .setUp(OpenSSLError.take())
        }
        self.key = key
        self.certificate = certificate
        guard fill() else { throw .setUp(OpenSSLError.take()) }
    }

    deinit {
        X509_free(certificate)
        EVP_PKEY_free(key)
    }

    private func fill() -> Bool {
        var serial: UInt64 = 0
        let hasSerial = withUnsafeMutableBytes(of: &serial) {
            RAND_bytes($0.baseAddress?.assumingMemoryBound(to: UInt8.self), Int32($0.count)) == 1
        }
        let day = 86_400
        let name = X509_NAME_new()
        defer { X509_NAME_free(name) }
        return hasSerial
            && X509_set_version(certificate, 2) == 1
            && ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1) == 1
            // Yesterday: clocks differ. RFC 8827 wants no more than the life of the process, which may be long.
            && X509_gmtime_adj(X509_getm_notBefore(certificate), -day) != nil
            && X509_gmtime_adj(X509_getm_notAfter(certificate), 365 * day) != nil
            && X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, "WebRTC", -1, -1, 0) == 1
            && X509_set_subject_name(certificate, name) == 1
            && X509_set_issuer_name(certificate, name) == 1
            && X509_set_pubkey(certificate, key) == 1
            && X509_sign(certificate, key, EVP_sha256()) > 0
    }

    func fingerprint() throws(DTLSError) -> CertificateFingerprint {
        guard let fingerprint = CertificateFingerprint(of: certificate, .sha256) else {
            throw .setUp(OpenSSLError.take())
        }
        return fingerprint
    }
}

extension SRTPSuite {
    fileprivate var openSSLName: String {
        switch self {
        case .aeadAES128GCM: "SRTP_AEAD_AES_128_GCM"
        case .aes128CMSHA1_80: "SRTP_AES128_CM_SHA1_80"
        }
    }
}

extension CertificateFingerprint {
    init?(of certificate: OpaquePointer, _ algorithm: Algorithm) {
        let digest =
            switch algorithm {
            case .sha256: EVP_sha256()
            case .sha384: EVP_sha384()
            case .sha512: EVP_sha512()
            }
        var bytes = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var count: UInt32 = 0
        guard X509_digest(certificate, digest, &bytes, &count) == 1 else { return nil }
        self.init(algorithm: algorithm, bytes: Array(bytes.prefix(Int(count))))
    }
}
