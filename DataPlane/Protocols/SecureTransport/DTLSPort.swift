package import Timebase

package import struct NIOCore.ByteBuffer

/// Who begins the handshake: `a=setup:active` is the client (RFC 5763 §5).
package enum DTLSRole: Hashable, Sendable {
    case client
    case server
}

package enum DTLSError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The peer's certificate is not the one its description promised.
    case wrongFingerprint
    /// Neither of our suites suits the peer.
    case noCommonSuite
    case timedOut
    /// The library's own words.
    case handshake(String)
    case setUp(String)

    package var description: String {
        switch self {
        case .wrongFingerprint:
            "the peer's certificate does not have the fingerprint of its description; someone is in between, or the "
                + "description is of another session"
        case .noCommonSuite:
            "the peer offers neither SRTP_AEAD_AES_128_GCM nor SRTP_AES128_CM_HMAC_SHA1_80; update the peer"
        case .timedOut: "the DTLS handshake did not end in time; check that UDP reaches both sides"
        case .handshake(let text): "the DTLS handshake failed: \(text)"
        case .setUp(let text): "DTLS cannot be set up: \(text); check the installation of OpenSSL"
        }
    }
}

package enum DTLSOutput: Hashable, Sendable {
    case transmit(ByteBuffer)
    /// The peer proved its fingerprint. Media may flow.
    case established(SRTPKeyingMaterial)
    case failed(DTLSError)
    /// The peer said it is done.
    case closed
}

/// The DTLS of one peer, with the I/O taken out.
///
/// After each event drain `nextOutput()` until nil, then call `timeoutReached` at `nextDeadline`.
package protocol DTLSTransport: AnyObject {
    /// The way to the peer is found: a client says hello, and the time that the handshake may take begins. Before, there
    /// are no deadlines.
    func start(at now: MonotonicInstant)
    func receive(_ datagram: ByteBuffer, at now: MonotonicInstant)
    func timeoutReached(at now: MonotonicInstant)
    func close(at now: MonotonicInstant)
    func nextOutput() -> DTLSOutput?
    var nextDeadline: MonotonicInstant? { get }
}

/// Makes the DTLS of each peer, all with the certificate of this process.
package protocol DTLSTransportFactory: Sendable {
    var fingerprint: CertificateFingerprint { get }
    /// One of `peerFingerprints` has to be the peer's (RFC 8122 §5).
    func makeTransport(
        role: DTLSRole,
        peerFingerprints: [CertificateFingerprint]
    ) throws(DTLSError) -> any DTLSTransport
}
