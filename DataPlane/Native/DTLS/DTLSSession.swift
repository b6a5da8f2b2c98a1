internal import COpenSSL
import DequeModule
package import SecureTransport
package import Timebase

package import struct NIOCore.ByteBuffer

/// DTLS 1.2 with one peer, for the keys of its SRTP (RFC 6347, RFC 5764). Belongs to one event loop.
///
/// OpenSSL keeps the retransmission timer, by the system's clock: `nextDeadline` is what is left of it, counted from the
/// last event. All other time is the caller's.
package final class DTLSSession: DTLSTransport {
    private enum State {
        /// The way to the peer is looked for: how long that may take is for others to say.
        case waiting
        case handshaking(until: MonotonicInstant)
        case established
        case ended
    }

    /// RFC 5764 §4.2.
    private static let exporterLabel = "EXTRACTOR-dtls_srtp"

    private let role: DTLSRole
    private let peerFingerprints: [CertificateFingerprint]
    private let limits: DTLSLimits
    private let bio = DatagramBIO()
    private let ssl: OpaquePointer
    private var state = State.waiting
    private var outputs: Deque<DTLSOutput> = []
    private var retransmitAt: MonotonicInstant?

    init(
        role: DTLSRole,
        peerFingerprints: [CertificateFingerprint],
        context: DTLSContext
    ) throws(DTLSError) {
        self.role = role
        self.peerFingerprints = peerFingerprints
        limits = context.limits
        guard let ssl = SSL_new(context.context) else { throw .setUp(OpenSSLError.take()) }
        guard let bytes = bio.makeBIO() else {
            SSL_free(ssl)
            throw .setUp(OpenSSLError.take())
        }
        self.ssl = ssl
        // One BIO for both directions; the SSL owns it.
        SSL_set_bio(ssl, bytes, bytes)
        _ = copenssl_dtls_set_link_mtu(ssl, context.limits.datagramBytesMax)
        Self.setTimer(ssl)
        switch role {
        case .client: SSL_set_connect_state(ssl)
        case .server: SSL_set_accept_state(ssl)
        }
    }

    deinit { SSL_free(ssl) }

    /// Microseconds: 100 ms, then the double up to 2 s. The default of a second is an age on today's paths.
    private static func setTimer(_ ssl: OpaquePointer) {
        DTLS_set_timer_cb(ssl) { _, last in last == 0 ? 100_000 : min(last * 2, 2_000_000) }
    }

    package func start(at now: MonotonicInstant) {
        guard case .waiting = state else { return }
        state = .handshaking(until: now + limits.handshakeDuration)
        if role == .client { advance(at: now) }
    }

    package func receive(_ datagram: ByteBuffer, at now: MonotonicInstant) {
        if case .ended = state { return }
        start(at: now)
        bio.received.append(Array(datagram.readableBytesView))
        advance(at: now)
        // What OpenSSL did not want it will not want later.
        bio.received.removeAll()
    }

    package func timeoutReached(at now: MonotonicInstant) {
        switch state {
        case .waiting, .ended: return
        case .handshaking(let until) where now >= until:
            end(.failed(.timedOut))
            return
        case .handshaking, .established: break
        }
        guard let retransmitAt, now >= retransmitAt else { return }
        takeBuffers()
        defer { giveBuffersBack() }
        ERR_clear_error()
        if copenssl_dtls_handle_timeout(ssl) < 0 {
            end(.failed(.handshake(OpenSSLError.take())))
            return
        }
        flush(at: now)
    }

    package func close(at now: MonotonicInstant) {
        if case .established = state {
            takeBuffers()
            ERR_clear_error()
            _ = SSL_shutdown(ssl)
            flush(at: now)
        }
        state = .ended
        retransmitAt = nil
    }

    package func nextOutput() -> DTLSOutput? { outputs.popFirst() }

    package var nextDeadline: MonotonicInstant? {
        switch state {
        case .handshaking(let until): retransmitAt.map { min($0, until) } ?? until
        case .established: retransmitAt
        case .waiting, .ended: nil
        }
    }

    private func advance(at now: MonotonicInstant) {
        switch state {
        case .handshaking: handshake(at: now)
        case .established: readOn(at: now)
        case .waiting, .ended: break
        }
    }

    private func handshake(at now: MonotonicInstant) {
        ERR_clear_error()
        let result = SSL_do_handshake(ssl)
        let failure = result == 1 ? SSL_ERROR_NONE : SSL_get_error(ssl, result)
        flush(at: now)
        switch failure {
        case SSL_ERROR_NONE: establish()
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: break
        default: end(.failed(.handshake(OpenSSLError.take())))
        }
    }

    private func establish() {
        guard isPeerAsPromised else {
            end(.failed(.wrongFingerprint))
            return
        }
        guard let material = keyingMaterial else {
            end(.failed(.noCommonSuite))
            return
        }
        state = .established
        giveBuffersBack()
        outputs.append(.established(material))
    }

    // MARK: Buffers

    /// OpenSSL's two, of 17 KB each, are most of what a session takes, and after the handshake nearly nothing comes.
    private func giveBuffersBack() {
        if case .established = state { _ = SSL_free_buffers(ssl) }
    }

    /// OpenSSL takes one to read into by itself, but none to write from.
    private func takeBuffers() {
        if case .established = state { _ = SSL_alloc_buffers(ssl) }
    }

    // MARK: After the handshake

    /// After the handshake only the repeats of a peer that missed our last flight, and its goodbye, are of interest.
    private func readOn(at now: MonotonicInstant) {
        var bytes = [UInt8](repeating: 0, count: limits.datagramBytesMax)
        takeBuffers()
        defer { giveBuffersBack() }
        ERR_clear_error()
        let result = SSL_read(ssl, &bytes, Int32(bytes.count))
        let failure = result > 0 ? SSL_ERROR_NONE : SSL_get_error(ssl, result)
        flush(at: now)
        switch failure {
        case SSL_ERROR_NONE, SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: break
        case SSL_ERROR_ZERO_RETURN: end(.closed)
        default: end(.failed(.handshake(OpenSSLError.take())))
        }
    }

    private func flush(at now: MonotonicInstant) {
        for datagram in bio.sent.prefix(limits.flightDatagramsMax) { outputs.append(.transmit(datagram)) }
        bio.sent.removeAll()
        let left = copenssl_dtls_timeout(ssl)
        retransmitAt = left < 0 ? nil : now + .microseconds(left)
    }

    private func end(_ output: DTLSOutput) {
        state = .ended
        retransmitAt = nil
        outputs.append(output)
    }

    private var isPeerAsPromised: Bool {
        guard let certificate = SSL_get1_peer_certificate(ssl) else { return false }
        defer { X509_free(certificate) }
        return peerFingerprints.contains { CertificateFingerprint(of: certificate, $0.algorithm) == $0 }
    }

    /// Client key, server key, client salt, server salt (RFC 5764 §4.2). Nil when no suite was agreed on.
    private var keyingMaterial: SRTPKeyingMaterial? {
        guard let suite = selectedSuite else { return nil }
        var bytes = [UInt8](repeating: 0, count: 2 * (suite.keyBytes + suite.saltBytes))
        let label = Self.exporterLabel
        guard SSL_export_keying_material(ssl, &bytes, bytes.count, label, label.utf8.count, nil, 0, 0) == 1 else {
            return nil
        }
        let (key, salt) = (suite.keyBytes, suite.saltBytes)
        let client = SRTPMasterKey(key: Array(bytes[..<key]), salt: Array(bytes[(2 * key)..<(2 * key + salt)]))
        let server = SRTPMasterKey(key: Array(bytes[key..<(2 * key)]), salt: Array(bytes[(2 * key + salt)...]))
        switch role {
        case .client: return SRTPKeyingMaterial(suite: suite, local: client, remote: server)
        case .server: return SRTPKeyingMaterial(suite: suite, local: server, remote: client)
        }
    }

    private var selectedSuite: SRTPSuite? {
        guard let profile = SSL_get_selected_srtp_profile(ssl) else { return nil }
        switch Int32(profile.pointee.id) {
        case SRTP_AEAD_AES_128_GCM: return .aeadAES128GCM
        case SRTP_AES128_CM_SHA1_80: return .aes128CMSHA1_80
        default: return nil
        }
    }
}
